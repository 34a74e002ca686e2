"""hou.Error and its kin."""

from __future__ import annotations

from typing import Any, Optional


class Error(Exception):
    """Base of the failures that hou raises."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._message = str(args[0]) if args else ""

    def exceptionTypeName(self) -> str:
        return type(self).__name__

    def description(self) -> str:
        return (type(self).__doc__ or "").strip()

    def instanceMessage(self) -> str:
        return self._message

    def __str__(self) -> str:
        return "%s\n%s" % (self.description(), self._message) if self._message else self.description()


class OperationFailed(Error):
    """The attempted operation failed."""

    def __init__(self, message: Optional[str] = None) -> None:
        super().__init__(*(() if message is None else (message,)))


class ObjectWasDeleted(Error):
    """Attempt to access an object that no longer exists in Houdini."""


class InvalidInput(Error):
    """The input index or name is not valid."""


class InvalidOutput(Error):
    """The output index or name is not valid."""


class InvalidNodeType(Error):
    """The node type is not valid for this operation."""


class PermissionError(Error):
    """Permission error."""


class InvalidGeometry(OperationFailed):
    """The geometry is not valid anymore."""


class GeometryPermissionError(Error):
    """Geometry is read-only."""


class InvalidSize(Error):
    """The size of the sequence is not valid."""


class LoadWarning(Error):
    """Warnings were generated while loading a file."""


class NodeError(Error):
    """Node error."""


class NodeWarning(Error):
    """Node warning."""


class NotAvailable(Error):
    """Not available in this session."""

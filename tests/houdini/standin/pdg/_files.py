"""pdg.File, tags and the path tokens of 2.8."""

from __future__ import annotations

from typing import Callable

from ._enums import attribType
from ._strict import NotInStandIn, Strict, expect

_TAGS = {
    ".json": "file/json",
    ".txt": "file/text",
    ".csv": "file/csv",
    ".py": "file/python",
    ".exr": "file/image/exr",
    ".png": "file/image",
    ".jpg": "file/image",
    ".obj": "file/geo",
    ".zip": "file/archive",
}
"""The real map is the type registry's; these entries follow from the documented tags (2.6)."""


def path_to_tag(path: str) -> str:
    """The tag that PDG derives from a path when none is given."""
    dot = path.rfind(".")
    return _TAGS.get(path[dot:].lower(), "file") if dot > path.rfind("/") else "file"


def matches(tag: str, wanted: str) -> bool:
    """Whether a tag is `wanted` or lies below it: whole words between slashes."""
    return (tag + "/").startswith(wanted.rstrip("/") + "/")


class File(Strict):
    """A path with a tag, a hash and an owner. Immutable here."""

    __slots__ = ("_hash", "_localize", "_owned", "_path", "_tag")

    def __init__(
        self, path: str, tag: str = "", hash: int = 0, owned: bool = False, *, _localize: Callable[[str], str] = str
    ) -> None:
        self._path = expect(path, str, "pdg.File path")
        self._tag = expect(tag, str, "pdg.File tag") or path_to_tag(path)
        self._hash = expect(hash, int, "pdg.File hash")
        self._owned = expect(owned, (bool, int), "pdg.File owned")
        self._localize = _localize

    @property
    def path(self) -> str:
        return self._path

    @property
    def local_path(self) -> str:
        """The path with `__PDG_DIR__` and its kin replaced for this machine."""
        return self._localize(self._path)

    @property
    def tag(self) -> str:
        return self._tag

    @property
    def hash(self) -> int:
        return self._hash

    @property
    def owned(self) -> bool:
        return bool(self._owned)

    @property
    def type(self) -> attribType:
        raise NotInStandIn("what pdg.File.type is")

    def __repr__(self) -> str:
        return "<pdg.File %r tag=%r>" % (self._path, self._tag)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and (self._path, self._tag) == (other._path, other._tag)

    def __hash__(self) -> int:
        return hash((self._path, self._tag))

"""hou.NodeConnection, and a subnet's inputs seen from its inside."""

from __future__ import annotations

from typing import Any, Tuple

from . import _graph
from ._errors import ObjectWasDeleted
from ._handles import handle
from ._movable import NetworkItem
from ._state import NodeState
from ._strict import NotInStandIn, Strict


class NodeConnection(NetworkItem):
    """A wire."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.NodeConnection")
        self._node_state, self._number = args

    def _live(self) -> NodeState:
        raise NotInStandIn("that of a hou.NodeConnection")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeConnection) and self._ends() == other._ends()

    def __hash__(self) -> int:
        return hash(self._ends())

    def _ends(self) -> Tuple[int, int]:
        return id(self._node_state), self._number

    def outputNode(self) -> Any:
        """The node that the wire ends in."""
        return handle(self._node_state)

    def inputIndex(self) -> int:
        return self._number

    def inputNode(self) -> Any:
        found = _graph.resolve_indirect(self._node_state, self._wired())
        return None if found is None else handle(found[0])

    def outputIndex(self) -> int:
        return self._wired()[1]

    def _wired(self) -> Any:
        wired = self._node_state.inputs[self._number] if self._number < len(self._node_state.inputs) else None
        if wired is None:
            raise ObjectWasDeleted("a wire to input %d of %s" % (self._number, self._node_state.path()))
        return wired


class OpNodeConnection(NodeConnection):
    """A wire between nodes."""


class OpSubnetIndirectInput(Strict):
    """An input of a subnet, seen from its inside."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.OpSubnetIndirectInput")
        self._owner, self._number = args

    def number(self) -> int:
        return self._number

    def parent(self) -> Any:
        return handle(self._owner)

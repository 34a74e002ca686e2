"""hou.NetworkItem and hou.NetworkMovableItem, and the rules of names."""

from __future__ import annotations

import re
from typing import Any

from ._errors import ObjectWasDeleted, OperationFailed, PermissionError
from ._handles import handle
from ._simple import Color, Vector2
from ._state import NodeState
from ._strict import NotInStandIn, Strict

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class NetworkItem(Strict):
    """Anything in a network."""

    def __init__(self, *args: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], NodeState):
            raise NotInStandIn("how to make a hou.%s" % type(self).__name__)
        self._state: NodeState = args[0]

    def _live(self) -> NodeState:
        if self._state.dead:
            raise ObjectWasDeleted("%s was deleted" % self._state.name)
        return self._state

    def _writable(self) -> NodeState:
        state = self._live()
        locking = state.locking_ancestor()
        if locking is not None and state.name not in locking.type.operator.editable_nodes.split():
            raise PermissionError("%s is inside the locked asset %s" % (state.path(), locking.path()))
        return state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NetworkItem) and self._state is other._state

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(id(self._state))


class NetworkMovableItem(NetworkItem):
    """What has a name and a place."""

    def name(self) -> str:
        return self._live().name

    def path(self) -> str:
        return self._live().path()

    def setName(self, name: str, unique_name: bool = False) -> None:
        state = self._writable()
        if state.parent is None or state.parent.parent is None:
            raise OperationFailed("%s cannot be renamed" % state.path())
        check_name(name)
        if state.parent.child(name) not in (None, state):
            if not unique_name:
                raise OperationFailed("%s already has a node %r" % (state.parent.path(), name))
            name = unique(state.parent, name)
        state.name = name

    def parent(self) -> Any:
        above = self._live().parent
        return None if above is None else handle(above)

    def position(self) -> Vector2:
        return Vector2(self._live().position)

    def setPosition(self, position: Any) -> None:
        x, y = position
        self._writable().position = (float(x), float(y))

    def move(self, amount: Any) -> None:
        x, y = self._writable().position
        self._state.position = (x + float(amount[0]), y + float(amount[1]))

    def color(self) -> Color:
        if self._live().color is None:
            raise NotInStandIn("the default colour of %s" % self._state.path())
        return Color(self._state.color)

    def setColor(self, color: Color) -> None:
        if not isinstance(color, Color):
            raise TypeError("setColor() takes a hou.Color, not %r." % (color,))
        self._writable().color = color.rgb()

    def sessionId(self) -> int:
        return self._live().identity

    def relativePathTo(self, base_item: NetworkMovableItem) -> str:
        """Pure arithmetic of paths, as `../b` from /a/x to /a/b."""
        here, there = self.path().strip("/").split("/"), base_item.path().strip("/").split("/")
        same = 0
        while same < min(len(here), len(there)) and here[same] == there[same]:
            same += 1
        return "/".join([".."] * (len(here) - same) + there[same:]) or "."


def check_name(name: str) -> None:
    """Refuses what is no name of a node: letters, digits, underscores and periods, no digit in front."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise OperationFailed("Invalid node name: %r" % (name,))


def unique(parent: NodeState, name: str) -> str:
    """The name, with its number counted on until it is free."""
    if parent.child(name) is None:
        return name
    base = name.rstrip("0123456789")
    number = int(name[len(base) :] or 0) + 1
    while parent.child("%s%d" % (base, number)) is not None:
        number += 1
    return "%s%d" % (base, number)


def as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("Expected text, not %r." % (value,))
    return value

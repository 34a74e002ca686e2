"""hou.StickyNote."""

from __future__ import annotations

from typing import Any, Optional

from . import _scene
from ._errors import ObjectWasDeleted
from ._movable import NetworkMovableItem
from ._simple import Color, Vector2
from ._state import NodeState
from ._strict import NotInStandIn


class _Note:
    """A note of a network."""

    def __init__(self, parent: NodeState, stored: Any) -> None:
        self.parent = parent
        self.stored = stored

    def change(self, **values: Any) -> None:
        import dataclasses

        if self.stored not in self.parent.notes:
            raise ObjectWasDeleted("The sticky note %s is gone" % self.stored.name)
        number = self.parent.notes.index(self.stored)
        self.stored = dataclasses.replace(self.stored, **values)
        self.parent.notes[number] = self.stored


class StickyNote(NetworkMovableItem):
    """A note in the network editor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], _Note) or kwargs:
            raise NotInStandIn("how to make a hou.StickyNote")
        self._note: _Note = args[0]

    def _live(self) -> NodeState:
        raise NotInStandIn("that of a hou.StickyNote")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickyNote) and self._note.stored is other._note.stored

    def __hash__(self) -> int:
        return hash(id(self._note.stored))

    def name(self) -> str:
        return self._note.stored.name

    def text(self) -> str:
        return self._note.stored.text

    def setText(self, new_text: str) -> None:
        self._note.change(text=new_text)

    def position(self) -> Vector2:
        return Vector2(self._note.stored.position)

    def setPosition(self, position: Any) -> None:
        self._note.change(position=tuple(float(value) for value in position))

    def size(self) -> Vector2:
        return Vector2(self._note.stored.size)

    def setSize(self, size: Any) -> None:
        self._note.change(size=tuple(float(value) for value in size))

    def setColor(self, color: Color) -> None:
        self._note.change(color=color.rgb())

    def destroy(self) -> None:
        self._note.parent.notes.remove(self._note.stored)


class OpStickyNote(StickyNote):
    """A note in a network of operators."""


def new_note(parent: NodeState, name: Optional[str]) -> _Note:
    names = {note.name for note in parent.notes}
    number = 1
    while "__stickynote%d" % number in names:
        number += 1
    taken = name is None or name in names
    stored = _scene.network.StickyNote("__stickynote%d" % number if taken else str(name), "")
    parent.notes.append(stored)
    return _Note(parent, stored)


def notes_of(parent: NodeState) -> Any:
    return tuple(OpStickyNote(_Note(parent, stored)) for stored in parent.notes)

"""Wires between nodes, and what becomes of them when a node goes."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from ._errors import InvalidInput, OperationFailed
from ._state import NodeState, session
from ._strict import NotInStandIn

Wire = Tuple[Any, int]
"""(node beside it, or number of the surrounding subnet's input; output of the node)."""


def source_of(state: NodeState, item: Any) -> Optional[Any]:
    """What an item handed to setInput() stands for inside: a node, the number of an indirect input, or None."""
    from ._nodes import Node
    from ._wires import OpSubnetIndirectInput

    if item is None:
        return None
    if isinstance(item, OpSubnetIndirectInput):
        if item._owner is not state.parent:
            raise OperationFailed("The input belongs to another network than %s" % state.path())
        return item._number
    if not isinstance(item, Node):
        raise TypeError("setInput() takes a node, an input of the subnet or None, not %r." % (item,))
    source = item._live()
    if source.parent is not state.parent:
        raise OperationFailed("%s and %s are not in the same network" % (source.path(), state.path()))
    return source


def connect(state: NodeState, index: int, source: Optional[Any], output: int = 0) -> None:
    """Wires an input, or unwires it when the source is None."""
    if isinstance(index, bool) or not isinstance(index, int):
        raise TypeError("An input is counted with a whole number, not %r." % (index,))
    if not 0 <= index < state.type.max_inputs:
        raise InvalidInput(
            "%s (%s) has %d inputs, no %d" % (state.path(), state.type.name, state.type.max_inputs, index)
        )
    if isinstance(source, NodeState):
        if not 0 <= output < max(source.type.outputs, 0):
            raise InvalidInput("%s (%s) has no output %d" % (source.path(), source.type.name, output))
        if source is state or _depends(source, state):
            raise OperationFailed("Wiring %s into %s makes a loop" % (source.path(), state.path()))
    state.inputs += [None] * (index + 1 - len(state.inputs))
    state.inputs[index] = None if source is None else (source, output)
    while state.inputs and state.inputs[-1] is None:
        state.inputs.pop()


def _depends(node: NodeState, on: NodeState) -> bool:
    return any(w[0] is on or _depends(w[0], on) for w in node.inputs if w is not None and isinstance(w[0], NodeState))


def resolve_indirect(state: NodeState, wired: Optional[Wire]) -> Optional[Wire]:
    """A wire from the surrounding subnet's input followed to what is wired there; None when nothing is."""
    while wired is not None and not isinstance(wired[0], NodeState):
        if state.parent is None:
            raise NotInStandIn("an input of the root")
        state = state.parent
        wired = state.inputs[wired[0]] if wired[0] < len(state.inputs) else None
    return wired


def forget(state: NodeState) -> None:
    """Removes a node, what is in it, and the wires from it."""
    for cleaner in session.cleaners:
        cleaner(state)
    for child in list(state.children):
        forget(child)
    if state.parent is not None:
        for other in state.parent.children:
            for number, wired in enumerate(other.inputs):
                if wired is not None and wired[0] is state:
                    other.inputs[number] = None
            while other.inputs and other.inputs[-1] is None:
                other.inputs.pop()
        state.parent.children.remove(state)
    state.dead = True

"""Nodes of the session as topforge_scene's model: what hou.hipFile.save writes."""

from __future__ import annotations

from typing import Any

from . import _scene
from ._specs import Number
from ._state import NodeState, ParmState
from ._strict import NotInStandIn

_HOUDINI = "20.5.445"


def node(state: NodeState) -> Any:
    """A node with all it holds; parameters at their defaults are left out."""
    model = _scene.network
    operator = state.type.operator
    locked = state.locked_contents
    if any(parm.spec.spare for parm in state.parms.values()):
        raise NotInStandIn("saving the spare parameters of %s" % state.path())
    return model.Node(
        state.name, state.type.name, parms=tuple(_parm(parm) for parm in state.parms.values() if _changed(parm)),
        inputs=tuple(_connection(wired) for wired in state.inputs),
        outputs=tuple("output%d" % (number + 1) for number in range(state.type.outputs)),
        children=() if locked else tuple(node(child) for child in state.children),
        notes=tuple(state.notes), version=_HOUDINI if operator is None else operator.version,
        position=state.position, comment=state.comment, display=state.flags["display"], render=state.flags["render"],
        bypass=state.flags["bypass"], matches_definition=locked, color=state.color,
        max_inputs=state.type.max_inputs if state.type.subnet else 0, is_network=bool(state.type.child_category),
    )  # fmt: skip


def _changed(parm: ParmState) -> bool:
    return parm.spec.kind not in ("silent", "button") and tuple(parm.values) != tuple(parm.spec.defaults)


def _parm(parm: ParmState) -> Any:
    return _scene.network.Parm(parm.spec.name, tuple(_value(parm, value) for value in parm.values))


def _value(parm: ParmState, value: Any) -> Any:
    model = _scene.network
    if isinstance(value, Number):
        return model.Channel(value.expression, 0, value.language)
    if parm.spec.kind == "toggle":
        return model.Token("on" if value else "off")
    if parm.spec.kind == "menu":
        return model.Token(value)
    return value


def _connection(wired: Any) -> Any:
    if wired is None:
        return _scene.network.Connection("")
    source, output = wired
    name = source.name if isinstance(source, NodeState) else "(%d)" % source
    return _scene.network.Connection(name, output)

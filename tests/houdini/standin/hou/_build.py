"""Making nodes: one by createNode, the contents of an asset, and the nodes of a scene."""

from __future__ import annotations

from typing import Any, List, Optional

from . import _graph, _scene, _values
from ._errors import OperationFailed
from ._operators import type_for
from ._specs import Number, specs_of
from ._state import NodeState, session
from ._strict import NotInStandIn
from ._type_state import TypeState


def create(parent: NodeState, type_name: str, name: Optional[str], exact: bool) -> NodeState:
    """A new node with its defaults and, when it is an asset, its locked contents."""
    from ._movable import check_name, unique

    type_ = type_for(session.types, parent.type.child_category, type_name, exact)
    if name is not None:
        check_name(name)
    base = type_.parts[2] + "1" if name is None else name
    state = plain(parent, unique(parent, base), type_)
    if type_.name == "topnet":
        # Every scene at hand has it under this name, and the network's own parameter names it; that the network makes
        # it by itself has not yet been seen in a real Houdini.
        plain(state, "localscheduler", type_for(session.types, "Top", "localscheduler", True))
    if type_.operator is not None and type_.operator.contents is not None:
        fill(state, type_.operator.contents)
        state.locked_contents = True
    return state


def plain(parent: NodeState, name: str, type_: TypeState) -> NodeState:
    """A node without contents."""
    state = NodeState(name, type_, parent)
    parent.children.append(state)
    for spec in type_.specs:
        _values.add(state, spec)
    return state


def reload_contents(state: NodeState) -> None:
    """The contents of an asset as its definition has them."""
    for child in list(state.children):
        _graph.forget(child)
    fill(state, state.type.operator.contents)
    state.locked_contents = True


def fill(parent: NodeState, model: Any, problems: Optional[List[str]] = None) -> None:
    """Makes the children that a stored network has: nodes, parameters, notes, then wires."""
    made = [(stored, _child(parent, stored, problems)) for stored in model.children]
    for stored, state in made:
        if state is not None:
            _wire(parent, state, stored)
    for note in model.notes:
        parent.notes.append(note)


def _child(parent: NodeState, stored: Any, problems: Optional[List[str]]) -> Optional[NodeState]:
    type_ = session.types.exact(parent.type.child_category, stored.type)
    if type_ is None:
        session.types.refuse_unlisted(parent.type.child_category, stored.type)
        if problems is None:
            raise OperationFailed("Unknown operator type %s/%s" % (parent.type.child_category, stored.type))
        problems.append("Unknown operator type %s (%s/%s)" % (stored.type, parent.path(), stored.name))
        return None
    state = plain(parent, stored.name, type_)
    state.position, state.comment, state.color = stored.position, stored.comment, stored.color
    state.flags.update(display=stored.display, render=stored.render, bypass=stored.bypass)
    if stored.spare_parms:
        _spares(state, _scene.dialog_text.read_items(stored.spare_parms, state.path()))
    apply_parms(state, stored.parms)
    operator = type_.operator
    if operator is not None and operator.contents is not None and (stored.matches_definition or not stored.children):
        fill(state, operator.contents)
        state.locked_contents = True
    else:
        fill(state, stored, problems)
    return state


def _spares(state: NodeState, items: Any) -> None:
    """The parameters that a node has beyond its type's: `baseparm` entries only tell the place of those."""
    model = _scene.dialog_script

    def own(entries: Any) -> Any:
        for entry in entries:
            if isinstance(entry, model.Folder):
                yield from own(entry.items)
            elif not entry.base and entry.name not in state.parms:
                yield entry

    for spec in specs_of(tuple(own(items))):
        _values.add(state, spec._replace(spare=True))


def _wire(parent: NodeState, state: NodeState, stored: Any) -> None:
    for number, connection in enumerate(stored.inputs):
        if not connection.source:
            continue
        if connection.source.startswith("("):
            source: Any = int(connection.source.strip("()"))
        else:
            source = parent.child(connection.source)
            if source is None:
                raise OperationFailed("%s is wired to %r, which is not there" % (state.path(), connection.source))
        _graph.connect(state, number, source, connection.output)


def apply_parms(state: NodeState, parms: Any) -> None:
    """Sets stored values; multiparm counts come first in a file, so instances exist when their values follow."""
    for stored in parms:
        parm = state.parms.get(stored.name)
        if parm is None:
            if stored.name.startswith(("folder", "sepparm")) or not stored.values:
                continue  # folder tabs and separators hold nothing of interest
            if not state.type.complete:
                raise NotInStandIn("the parameter %s of %s, set in a file" % (stored.name, state.type.name))
            raise OperationFailed("%s (%s) has no parameter %s" % (state.path(), state.type.name, stored.name))
        if parm.spec.kind == "multiparm":
            _values.resize(state, parm, int(stored.values[0]))
        elif parm.spec.kind != "silent":
            _apply(state, parm, stored.values)


def _apply(state: NodeState, parm: Any, values: Any) -> None:
    if len(values) != len(parm.values):
        raise OperationFailed(
            "%s/%s has %d values, not %d" % (state.path(), parm.spec.name, len(parm.values), len(values))
        )
    for component, value in enumerate(values):
        if isinstance(value, _scene.network.Channel):
            parm.store(component, Number(value.expression, value.language))
        else:
            parm.store(component, _stored(state, parm.spec, value))


def _stored(state: NodeState, spec: Any, value: Any) -> Any:
    token = isinstance(value, _scene.network.Token)
    if spec.kind == "toggle":
        text = value.text if token else str(value)
        if text not in ("on", "off"):
            raise OperationFailed("%s/%s is a toggle; its file says %r" % (state.path(), spec.name, text))
        return int(text == "on")
    if spec.kind == "menu":
        if not token and not isinstance(value, str):
            raise OperationFailed("%s/%s is a menu; its file says %r without quotes" % (state.path(), spec.name, value))
        return _values.checked(spec, value.text if token else value, state)
    if spec.kind == "text":
        return value.text if token else str(value)
    if spec.kind == "button":
        return 0
    if token or isinstance(value, str):
        raise OperationFailed("%s/%s is a number; its file says %r" % (state.path(), spec.name, value))
    return _values.checked(spec, value, state)


def run_event(state: NodeState, event: str) -> None:
    """The asset's event script (OnCreated, ...), with the `kwargs` that Houdini gives it."""
    operator = state.type.operator
    if operator is None or event not in operator.events:
        return
    import hou

    from ._handles import handle

    node = handle(state)
    exec(compile(operator.events[event], "<%s of %s>" % (event, operator.name), "exec"), {
        "hou": hou, "kwargs": {"node": node, "type": node.type(), "loading": False},
    })  # fmt: skip

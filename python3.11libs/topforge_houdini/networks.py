"""Makes the nodes that `scenes` describes, in a running Houdini. The other face of the same description is a file."""

from __future__ import annotations

import difflib

import hou

from topforge.errors import FailureClass, TopForgeError
from topforge_scene.network import Channel, Node, Parm, StickyNote, Token, Value


class NetworkError(TopForgeError):
    """A described network cannot be made in this Houdini."""

    failure_class = FailureClass.INTERNAL


class MissingNodeTypeError(NetworkError):
    """Houdini has no such node type."""

    failure_class = FailureClass.CONFIG

    def __init__(self, node: Node, parent: hou.OpNode) -> None:
        ours = node.type.startswith("topforge::")
        fix = "Run scripts/install.py and restart Houdini." if ours else "Use Houdini 20.5 or newer."
        super().__init__("There is no node type %s here, for %s in %s." % (node.type, node.name, parent.path()), fix)


class MissingParameterError(NetworkError):
    """A node of this Houdini lacks a described parameter."""

    def __init__(self, node: hou.OpNode, name: str) -> None:
        near = difflib.get_close_matches(name, [parm.name() for parm in node.parms()], n=1)
        fix = "The nearest is %s. " % near[0] if near else ""
        super().__init__(
            "%s (%s) has no parameter %s." % (node.path(), node.type().name(), name),
            fix + "Send scripts/selfcheck.py's report.",
        )


def create(parent: hou.OpNode, node: Node) -> hou.OpNode:
    """Makes a node with all it holds.

    A node of the same name and type that Houdini made by itself (a TOP network's `localscheduler`) is used. Any other
    node of that name makes the new one get a number.

    Args:
        parent: The network to make it in.
        node: What to make; its inputs are not wired, they are beside it.

    Returns:
        The new node.

    Raises:
        NetworkError: A node type or parameter is not in this Houdini; what had been made is removed again.
    """
    try:
        made: hou.OpNode = parent.createNode(node.type, node.name, exact_type_name=True)
    except hou.OperationFailed as error:
        raise MissingNodeTypeError(node, parent) from error
    try:
        _fill(made, node)
    except Exception:  # whatever it is: half a node is of no use
        made.destroy()
        raise
    return made


def create_all(parent: hou.OpNode, node: Node) -> tuple[hou.OpNode, ...]:
    """Makes what a described network holds inside a network that is there already; wires among them included.

    Schedulers are left out: the network has its own.

    Raises:
        NetworkError: As `create`.
    """
    children = tuple(child for child in node.children if not child.type.endswith("scheduler"))
    made: dict[str, hou.OpNode] = {}
    try:
        for child in children:
            made[child.name] = create(parent, child)
    except Exception:  # whatever it is: half a network is of no use
        for finished in made.values():
            finished.destroy()
        raise
    _wire(children, made)
    _flag(children, made)
    _notes(parent, node.notes)
    return tuple(made.values())


def _fill(made: hou.OpNode, node: Node) -> None:
    made.setPosition(hou.Vector2(node.position))
    if node.comment:
        made.setComment(node.comment)
    if node.color is not None:
        made.setColor(hou.Color(node.color))
    for parm in node.parms:
        _set(made, parm)
    if node.bypass:
        made.setGenericFlag(hou.nodeFlag.Bypass, True)
    children = {child.name: _child(made, child) for child in node.children}
    _wire(node.children, children)
    _flag(node.children, children)
    _notes(made, node.notes)


def _child(parent: hou.OpNode, node: Node) -> hou.OpNode:
    there = parent.node(node.name)
    if there is None or there.type().name() != node.type:
        return create(parent, node)
    _fill(there, node)
    return there


def _wire(nodes: tuple[Node, ...], made: dict[str, hou.OpNode]) -> None:
    for node in nodes:
        for number, connection in enumerate(node.inputs):
            if connection.source:
                made[node.name].setInput(number, made[connection.source], connection.output)


def _flag(nodes: tuple[Node, ...], made: dict[str, hou.OpNode]) -> None:
    """Display and render flags, when all nodes are there: setting one takes it from another."""
    for node in nodes:
        if node.display:
            made[node.name].setGenericFlag(hou.nodeFlag.Display, True)
        if node.render:
            made[node.name].setGenericFlag(hou.nodeFlag.Render, True)


def _notes(parent: hou.OpNode, notes: tuple[StickyNote, ...]) -> None:
    for note in notes:
        made = parent.createStickyNote(note.name)
        made.setText(note.text)
        made.setPosition(hou.Vector2(note.position))
        made.setSize(hou.Vector2(note.size))
        if note.color is not None:
            made.setColor(hou.Color(note.color))


def _set(made: hou.OpNode, parm: Parm) -> None:
    target = made.parmTuple(parm.name)
    if target is None:
        raise MissingParameterError(made, parm.name)
    for component, value in zip(target, parm.values, strict=True):
        _set_component(component, value)


def _set_component(component: hou.Parm, value: Value) -> None:
    if isinstance(value, Channel):
        languages = {"hscript": hou.exprLanguage.Hscript, "python": hou.exprLanguage.Python}
        component.setExpression(value.expression, languages[value.language])
    else:
        component.set(_plain(value))


def _plain(value: Value) -> str | int | float:
    """A value as `hou` takes it. A toggle's token is a number there; a menu takes its token as text."""
    if isinstance(value, Token):
        return {"on": 1, "off": 0}.get(value.text, value.text)
    if isinstance(value, Channel):
        raise TypeError("a channel is set as an expression, not as a value")
    return value

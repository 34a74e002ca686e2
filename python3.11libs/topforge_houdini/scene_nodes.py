"""The parts that `scenes` is made of: our own nodes by name and values, and the built-in ones around them. Pure.

Names, versions and values of built-in nodes are those that Houdini 20.5 stores in scenes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from topforge.errors import FailureClass, TopForgeError
from topforge_houdini import nodes
from topforge_houdini.nodes.common import NodeEntry
from topforge_scene.dialog_script import Parameter
from topforge_scene.dialog_script import parameters as all_parameters
from topforge_scene.network import Connection, Node, Parm, StickyNote, Token, Value
from topforge_scene.scene import VERSION

HOUDINI = VERSION
"""What nodes of compiled types carry as their version."""
_GREY = (0.478, 0.478, 0.478)
_FLOAT, _INTEGER, _VALUE_LIST = "0", "2", "2"
"""Tokens of the Wedge node's menus."""


class UnknownParameterError(TopForgeError):
    """A description sets a parameter that the node has not."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, node: str, parameter: str) -> None:
        super().__init__("topforge::%s has no parameter %s." % (node, parameter), "Correct the description in scenes.")


def instance(
    kind: str,
    name: str,
    values: Mapping[str, Any],
    source: str = "",
    *,
    position: tuple[float, float] = (0.0, 0.0),
    display: bool = False,
    render: bool = False,
) -> Node:
    """One of our nodes in a network, locked to its asset.

    Args:
        kind: Its entry's name: "train".
        name: What it is called in the network.
        values: Value, or one for each component, by name of the parameter; a list's length before its items. Toggles
            take true and false or 1 and 0.
        source: The node beside it that its first input is wired to.
        position: In the network editor, y up.
        display: It carries the display flag.
        render: It carries the render flag (SOPs).

    Raises:
        UnknownParameterError: A parameter is not in the node's table.
    """
    entry = next(entry for entry in nodes.table() if entry.name == kind)
    parms = tuple(_parm(entry, parameter, value) for parameter, value in values.items())
    inputs = (Connection(source),) if source else ()
    return Node(
        name,
        entry.operator,
        parms,
        inputs,
        position=position,
        display=display,
        render=render,
        matches_definition=True,
    )


def _parm(entry: NodeEntry, name: str, value: Any) -> Parm:
    components = value if isinstance(value, (tuple, list)) else (value,)
    kind = _type(entry, name)
    return Parm(name, tuple(_stored(kind, component) for component in components))


def _type(entry: NodeEntry, name: str) -> str:
    """The DialogScript type of a parameter; "list" for a list's length. Items of lists are found by their `#` name."""
    wanted = name.rstrip("0123456789")
    for item in all_parameters(entry.parameters):
        if item.name == name or item.name == wanted + "#":
            return item.type if isinstance(item, Parameter) else "list"
    raise UnknownParameterError(entry.name, name)


def _stored(kind: str, value: Any) -> Value:
    if kind == "toggle":
        return Token("on" if value else "off")
    return Token(str(value)) if kind == "ordinal" else value


def topnet(name: str, children: Sequence[Node], notes: Sequence[StickyNote]) -> Node:
    """A TOP network whose default scheduler is `localscheduler`."""
    parms = (Parm("topscheduler", ("localscheduler",)),)
    return Node(
        name,
        "topnet",
        parms,
        outputs=(),
        children=tuple(children),
        notes=tuple(notes),
        version=HOUDINI,
        is_network=True,
    )


def local_scheduler() -> Node:
    """Runs work items on this machine, as every new TOP network has it."""
    return Node(
        "localscheduler",
        "localscheduler",
        (Parm("pdg_workingdir", ("$HIP",)),),
        outputs=(),
        version="1",
        position=(5.0, 4.5),
        render=True,
        color=_GREY,
    )


def hqueue_scheduler() -> Node:
    r"""Runs work items on a farm of HQueue's.

    Parameter names are those of a live Houdini 21.0; the asset's version is not known, so none is written. `\$` keeps
    Houdini from expanding what only the farm's machines know. The tag lets one job at a time onto a machine. Without a
    number of processors, the scheduler adds the tag `single`, and jobs would have whole machines to themselves whatever
    else is set. Nothing of the session's environment goes to the farm; that default is not documented. A custom
    resource would count GPUs, but the name of the list that `hqueue_resname#` stands in is not documented, so the note
    beside the node says how to add it by hand.
    """
    parms = (
        Parm("address", ("http://localhost:5000",)),
        Parm("jobname", ("TopForge: $HIPNAME",)),
        Parm("pdg_workingdir", ("$HIP",)),
        Parm("useuniversalhfs", (Token("on"),)),
        Parm("hfspathuniversal", (r"\$HQROOT/houdini_distros/hfs.\$HQCLIENTARCH",)),
        Parm("hqueue_is_CPU_number_set", (Token("on"),)),
        Parm("hqueue_CPUs_to_use", (1,)),
        Parm("hqueue_tags", ("single:gpu",)),
        Parm("hqueue_inheritlocalenv", (Token("off"),)),
    )
    return Node(
        "hqueue",
        "hqueuescheduler",
        parms,
        outputs=(),
        position=(5.0, 1.5),
        color=_GREY,
    )


def wedge(name: str, attribute: str, values: Sequence[float], source: str, *, position: tuple[float, float]) -> Node:
    """A Wedge node that gives one attribute a list of values, one work item for each.

    Args:
        name: What it is called.
        attribute: Name of the attribute; that of an option overrides the option in a train node below.
        values: All integers, or floats.
        source: The node beside it that it is wired to; "" for none.
        position: In the network editor.
    """
    whole = all(isinstance(value, int) for value in values)
    parms = [
        Parm("wedgecount", (len(values),)),
        Parm("wedgeattributes", (1,)),
        Parm("name1", (attribute,)),
        Parm("type1", (Token(_INTEGER if whole else _FLOAT),)),
        Parm("wedgetype1", (Token(_VALUE_LIST),)),
        Parm("values1", (len(values),)),
    ]
    item = "intvalue1_%d" if whole else "floatvalue1_%d"
    parms += [Parm(item % number, (value,)) for number, value in enumerate(values, 1)]
    inputs = (Connection(source),) if source else ()
    return Node(name, "wedge", tuple(parms), inputs, position=position)

"""Writes an environment into Houdini's own TOP nodes, for networks without TopForge nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import hou

from topforge.errors import TopForgeError
from topforge_houdini import top_nodes
from topforge_houdini.node_settings import NodeSettings

_UNSET_PARMS = ("local_envunset", "hqueue_envunset")
"""Parameters of schedulers that list the variables a job must not have."""
_EXECUTABLE = re.compile(r'\s*(?:"[^"]*"|\S+)')
_EXPANDED = re.compile(r"[$`]")
_STRING, _REPLACE = "2", "0"
"""Tokens of `vartype#` and `varconflict#`; their defaults are Float, and an error for a variable set before."""


class WrongNodeError(TopForgeError):
    """The chosen node is missing or of another type."""

    def __init__(self, where: str, parm: hou.Parm, problem: str, wanted: str) -> None:
        super().__init__(
            "%s: %s (%s) = %s %s." % (where, parm.description(), parm.name(), parm.eval() or '""', problem),
            "Choose a node of type %s." % wanted,
        )


class NoUnsetParameterError(TopForgeError):
    """The scheduler cannot unset variables."""

    def __init__(self, scheduler: str, names: Sequence[str]) -> None:
        super().__init__(
            "%s has no parameter Unset Variables." % scheduler,
            "Unset these in its own way: %s." % " ".join(names),
        )


def literal(text: str) -> str:
    """The text of a parameter that evaluates to `text`: what Houdini would expand in it is escaped."""
    return _EXPANDED.sub(r"\\\g<0>", text)


def chosen(settings: NodeSettings, name: str, type_name: str) -> hou.OpNode:
    """The node that a path parameter names.

    Args:
        settings: Of the node with the parameter.
        name: Of the parameter.
        type_name: Type that the named node must have.

    Raises:
        WrongNodeError: There is none, or it has another type.
    """
    parm = settings.node.parm(name)
    assert parm is not None
    target = parm.evalAsNode()
    if target is None:
        raise WrongNodeError(settings.path, parm, "names no node", type_name)
    if target.type().name() != type_name:
        raise WrongNodeError(settings.path, parm, "is of type %s" % target.type().name(), type_name)
    return target


def fill_environment_edit(node: hou.OpNode, rows: Sequence[Mapping[str, object]]) -> None:
    """Replaces the variables of an Environment Edit.

    Args:
        node: The Environment Edit.
        rows: With `name` and `value`, as `ResolvedEnvironment.as_environment_edit` gives them.
    """
    node.setParms({"environment": len(rows)})
    for number, row in enumerate(rows, start=1):
        values: dict[str, Any] = {
            "varenable": 1,
            "varname": str(row["name"]),
            "vartype": _STRING,
            "varconflict": _REPLACE,
        }
        values["strvarvalue"] = literal(str(row["value"]))
        node.setParms({"%s%d" % (name, number): value for name, value in values.items()})


def fill_generic_generator(node: hou.OpNode, python: str) -> None:
    """Puts an interpreter in the place of the executable of a Generic Generator's command.

    Args:
        node: The Generic Generator.
        python: Path of the interpreter.
    """
    parm = node.parm("pdg_command")
    assert parm is not None
    arguments = _EXECUTABLE.sub("", parm.unexpandedString(), count=1) or ' "$HIP/script.py"'
    node.setParms({"usedelay": "off", "pdg_command": '"%s"%s' % (python, arguments)})


def unset_on_scheduler(node: hou.OpNode, names: Sequence[str]) -> None:
    """Adds names to Unset Variables of the scheduler that runs a TOP node.

    The parameter's separator is taken to be a blank, as in other lists of names [I, not yet seen in a real Houdini].

    Raises:
        NoUnsetParameterError: That scheduler has no such parameter.
    """
    scheduler = _scheduler_of(node)
    parm = next((found for name in _UNSET_PARMS if (found := scheduler.parm(name)) is not None), None)
    if parm is None:
        raise NoUnsetParameterError(scheduler.path(), names)
    parm.set(" ".join(dict.fromkeys([*parm.unexpandedString().split(), *names])))


def _scheduler_of(node: hou.OpNode) -> hou.OpNode:
    """The node's own, else that of its network."""
    network = top_nodes.network_of(node)
    for owner in (node, network):
        parm = owner.parm("topscheduler")
        found = parm.evalAsNode() if parm is not None else None
        if found is not None:
            return found
    raise NoUnsetParameterError(network.path() + ", which names no scheduler,", ())

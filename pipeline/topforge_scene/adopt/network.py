"""The scene of a recipe: the same work with TopForge's nodes."""

from __future__ import annotations

import dataclasses
import json
from typing import Dict, List, Optional, Sequence, Tuple

from topforge_scene.adopt import job
from topforge_scene.adopt.attributes import Scalar, Wedge
from topforge_scene.adopt.job import Plan
from topforge_scene.adopt.reasons import CannotAdoptError
from topforge_scene.adopt.recipe import Recipe
from topforge_scene.network import Connection, Node, Parm, StickyNote, Token, Value
from topforge_scene.scene import VERSION, Scene

TRAIN = "topforge::train::1.0"
REPORT = "topforge::report::1.0"
_KIND_OF = {str: ("4", "strvalue"), int: ("2", "intvalue"), float: ("0", "floatvalue")}
"""Wedge's type token and the name of its values."""
_VALUE_LIST = Token("2")
_UNSAFE = "$`\\"


def scene(recipe: Recipe, plan: Plan, note: str) -> Scene:
    """A scene with the recipe as TopForge nodes.

    Args:
        recipe: What the old network does.
        plan: The job made of it.
        note: Text of a sticky note in the network.

    Raises:
        CannotAdoptError: A value cannot stand in a parameter.
    """
    nodes: List[Node] = []
    if recipe.scheduler is not None and recipe.scheduler.type == "localscheduler":
        nodes.append(dataclasses.replace(recipe.scheduler, position=(6.0, 8.0), inputs=()))
    nodes += _wedges(recipe, plan)
    last = nodes[-1].name if nodes and nodes[-1].type == "wedge" else None
    waits = bool(recipe.chain.waits)
    nodes.append(_train(recipe, plan, last, shown=not waits))
    nodes += [_report(recipe)] if waits else []
    _refuse_unsafe(nodes, recipe)
    network = Node(
        name=recipe.chain.network.name,
        type="topnet",
        parms=(Parm("topscheduler", (nodes[0].name if nodes[0].type == "localscheduler" else "",)),),
        outputs=(),
        children=tuple(nodes),
        notes=(StickyNote("__stickynote1", note, (-14.0, -4.0), (12.0, 10.0)),),
        version=VERSION,
        is_network=True,
    )
    return Scene({"tasks": (network,)})


def _train(recipe: Recipe, plan: Plan, source: Optional[str], shown: bool) -> Node:
    parms: List[Parm] = [Parm("trainer", (plan.adapter,))]
    if plan.adapter == "command":
        parms += _command(recipe)
    elif len(plan.configs) == 1:
        parms += [Parm("dataset", (plan.document["dataset"],)), Parm("configsource", ("files",))]
        parms.append(Parm("configfiles", (plan.configs[0],)))
    else:
        parms += [Parm("dataset", (plan.document["dataset"],)), Parm("configsource", ("upstream",))]
        parms.append(Parm("configattribute", ("config",)))
    environment = plan.document["environment"]
    parms.append(Parm("environment", (environment.get("prefix", ""),)))
    parms.append(Parm("environmentmode", (environment["mode"],)))
    variables = environment.get("variables", [])
    parms.append(Parm("environmentvariables", (len(variables),)))
    parms.append(Parm("gpus", (plan.document["needs"]["gpus"],)))
    for index, (name, value) in enumerate(variables, 1):
        parms += [Parm("variablename%d" % index, (name,)), Parm("variablevalue%d" % index, (value,))]
    inputs = (Connection(source),) if source else ()
    return Node("train1", TRAIN, tuple(parms), inputs, position=(0.0, 2.0), display=shown)


def _command(recipe: Recipe) -> List[Parm]:
    """The options of adapter "command", as the node lays them out: lists as lists, objects as JSON text."""
    written, values = job.arguments(recipe)
    parms = [Parm("command_arguments", (len(written),))]
    parms.append(Parm("command_values", (json.dumps(values, ensure_ascii=False),)))
    parms.append(Parm("command_working_folder", (str(recipe.folder),)))
    return parms + [Parm("command_arguments%d" % index, (text,)) for index, text in enumerate(written, 1)]


def _report(recipe: Recipe) -> Node:
    parms = (Parm("title", (recipe.name,)),)
    return Node("report1", REPORT, parms, (Connection("train1"),), position=(0.0, 0.0), display=True)


def _wedges(recipe: Recipe, plan: Plan) -> List[Node]:
    wedges: Sequence[Wedge] = recipe.wedges
    if plan.adapter == "topforge":
        wedges = [Wedge({"config": plan.configs})] if len(plan.configs) > 1 else []
    nodes: List[Node] = []
    for index, wedge in enumerate(wedges, 1):
        inputs = (Connection(nodes[-1].name),) if nodes else ()
        height = 4.0 + 2.0 * (len(wedges) - index)
        nodes.append(Node("wedge%d" % index, "wedge", _wedge_parms(wedge), inputs, position=(0.0, height)))
    return nodes


def _wedge_parms(wedge: Wedge) -> Tuple[Parm, ...]:
    """All as value lists. How instances inside instances are numbered has not yet been seen in a real scene."""
    parms = [Parm("wedgecount", (wedge.count,)), Parm("wedgeattributes", (len(wedge.values),))]
    for index, (name, values) in enumerate(wedge.values.items(), 1):
        token, base = _KIND_OF[_common_type(values)]
        settings: Dict[str, Value] = {"name%d" % index: name, "type%d" % index: Token(token)}
        settings.update({"wedgetype%d" % index: _VALUE_LIST, "values%d" % index: len(values)})
        for number, value in enumerate(values, 1):
            settings["%s%d_%d" % (base, index, number)] = value
        parms += [Parm(key, (value,)) for key, value in settings.items()]
    return tuple(parms)


def _common_type(values: Sequence[Scalar]) -> type:
    kinds = {type(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else float


def _refuse_unsafe(nodes: Sequence[Node], recipe: Recipe) -> None:
    """Houdini would expand what is literal text by now."""
    for node in nodes:
        for parm in node.parms if not node.type.endswith("scheduler") else ():
            for value in parm.values:
                if isinstance(value, str) and any(character in value for character in _UNSAFE):
                    reason = "%s would hold a character that Houdini expands: %s" % (parm.name, value)
                    raise CannotAdoptError(recipe.name, [reason])

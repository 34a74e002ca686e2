"""The sample scenes and the shelf's networks, described once. Pure: no Houdini.

`scripts/build_hips.py` writes them as files without Houdini; `networks.create` makes the same nodes with `hou`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from topforge.planning import presets
from topforge.trainers import registry
from topforge_houdini import parameters, scene_nodes, scene_notes
from topforge_houdini.pipeline_path import REPOSITORY
from topforge_houdini.scene_nodes import instance
from topforge_scene.network import Connection, Node, Parm, Token
from topforge_scene.scene import Scene

SAMPLE = "$HIP/sample_capture"
"""The sample capture, as the scenes in `hip/` find it."""
SHIPPED_SAMPLE = "$TOPFORGE/hip/sample_capture"
"""The same for any other scene; package.json sets the variable."""
VIDEO = "$HIP/walk.mp4"
"""A person's own: none is shipped."""
CONFIG = REPOSITORY / "hip" / "configs" / "quickstart.json"
TOPNET = "topforge"
"""Name of the TOP network in /tasks."""

_WEDGE_ITERATIONS = 200
_LEARNING_RATES = (0.03, 0.01, 0.003)
_GRIDS = (32, 48)


def quickstart_settings() -> dict[str, Any]:
    """Values of the train node's parameters: the draft settings of the command line's quickstart."""
    adapter = registry.get("topforge")
    config: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))
    fixed = {"trainer": adapter.name, "preset": "draft", "gpus": 0}
    return {**fixed, **parameters.settings(adapter, config)}


def quickstart(dataset: str = SAMPLE) -> Node:
    """A TOP network that checks a capture, trains on it with draft settings on the CPU, and writes a report.

    Args:
        dataset: The capture's folder as the check node has it; Houdini expands variables in it.
    """
    check = instance("checkdataset", "check", {"dataset": dataset}, position=(0.0, 4.5))
    train = instance("train", "train", quickstart_settings(), "check", position=(0.0, 1.5))
    report = instance("report", "report", {"title": "Quickstart"}, "train", position=(0.0, -1.5), display=True)
    nodes = (scene_nodes.local_scheduler(), check, train, report)
    return scene_nodes.topnet(TOPNET, nodes, scene_notes.QUICKSTART)


def wedge() -> Node:
    """A TOP network that trains with several learning rates and grids and compares the results on one page.

    One Wedge node for each option: the values of several attributes in one node are paired, not multiplied.
    """
    rates = scene_nodes.wedge("learning_rates", "learning_rate", _LEARNING_RATES, "", position=(0.0, 6.0))
    grids = scene_nodes.wedge("grids", "dmtet_grid", _GRIDS, "learning_rates", position=(0.0, 4.5))
    settings = {**quickstart_settings(), "dataset": SAMPLE, "topforge_iter": (_WEDGE_ITERATIONS,)}
    train = instance("train", "train", settings, "grids", position=(0.0, 1.5))
    title = {"title": "Learning rate and grid"}
    report = instance("report", "report", title, "train", position=(0.0, -1.5), display=True)
    nodes = (scene_nodes.local_scheduler(), rates, grids, train, report)
    return scene_nodes.topnet(TOPNET, nodes, scene_notes.WEDGE)


def farm() -> Node:
    """The quickstart whose training goes to HQueue; check and report stay on this machine."""
    check = instance("checkdataset", "check", {"dataset": SAMPLE}, position=(0.0, 4.5))
    settings = {**quickstart_settings(), "gpus": 1, "topscheduler": "../hqueue"}
    train = instance("train", "train", settings, "check", position=(0.0, 1.5))
    report = instance("report", "report", {"title": "Farm"}, "train", position=(0.0, -1.5), display=True)
    nodes = (scene_nodes.local_scheduler(), scene_nodes.hqueue_scheduler(), check, train, report)
    return scene_nodes.topnet(TOPNET, nodes, scene_notes.FARM)


def video() -> Node:
    """A TOP network from a video to a surface: frames, poses, convert, Neuralangelo, report."""
    frames = instance("frames", "frames", {"dataset": VIDEO}, position=(0.0, 7.5))
    poses = instance("poses", "poses", {}, "frames", position=(0.0, 5.5))
    convert = instance("convert", "convert", {"convert_to": "neuralangelo"}, "poses", position=(0.0, 3.5))
    settings = {"trainer": "neuralangelo", "preset": "object", **_object_settings(), "gpus": 1}
    train = instance("train", "train", settings, "convert", position=(0.0, 1.5))
    report = instance("report", "report", {"title": "From a video"}, "train", position=(0.0, -1.5), display=True)
    nodes = (scene_nodes.local_scheduler(), frames, poses, convert, train, report)
    return scene_nodes.topnet(TOPNET, nodes, scene_notes.VIDEO)


def _object_settings() -> dict[str, Any]:
    """Neuralangelo's preset for objects, and a training of hours where upstream's is of days."""
    adapter = registry.get("neuralangelo")
    chosen = {**presets.values(adapter, "object"), "max_iter": 60000, "resolution": 1024}
    return dict(parameters.settings(adapter, chosen))


def imported(train: str = "/tasks/%s/train" % TOPNET) -> Node:
    """A geometry object that holds the newest result of a train node.

    Args:
        train: Path of that node.
    """
    return _geometry({"resultsource": "top", "toppath": train})


def imported_file(manifest: str) -> Node:
    """A geometry object that holds one result.

    Args:
        manifest: Path of its result.json.
    """
    return _geometry({"resultsource": "file", "resultfile": manifest})


def _geometry(values: Mapping[str, Any]) -> Node:
    result = instance("import", "result", values, display=True, render=True)
    return Node(
        "topforge_result",
        "geo",
        outputs=(),
        children=(result,),
        notes=(scene_notes.IMPORT,),
        version=scene_nodes.HOUDINI,
        display=True,
        is_network=True,
    )


def kartaverse(check: bool = False) -> Node:
    """Attribute Create -> Environment Edit -> Generic Generator -> Wait for All, as in Kartaverse's nvdiffrec scene.

    Node names and values are those of that scene, so that its documentation fits. Only built-in nodes.

    Args:
        check: Put our check of the capture in front: nothing starts on a capture that cannot work.
    """
    first = (instance("checkdataset", "check", {}, position=(0.0, 5.0)),) if check else ()
    source = (Connection("check"),) if check else ()
    tokens = Node("shell_tokens", "attributecreate", _tokens(), source, version="2", position=(0.0, 3.0))
    edit = Node("environmentedit", "environmentedit", _variables(), (Connection("shell_tokens"),), position=(0.0, 1.0))
    command = '"`@MINICONDA_ENV`bin/python3" "`@WORKING_DIR``@SCRIPT_NAME`" --config "`@WORKING_DIR``@CONFIG_NAME`"'
    generator = Node(
        "train_genericgenerator1",
        "genericgenerator",
        (Parm("sequential", (Token("on"),)), Parm("pdg_command", (command,))),
        (Connection("environmentedit"),),
        version="1",
        position=(0.0, -1.0),
    )
    wait = (Connection("train_genericgenerator1"),)
    last = Node("waitforall1", "waitforall", (), wait, version="1", position=(0.0, -3.0), display=True)
    notes = scene_notes.KARTAVERSE_CHECKED if check else scene_notes.KARTAVERSE
    nodes = (scene_nodes.local_scheduler(), *first, tokens, edit, generator, last)
    return scene_nodes.topnet("kartaverse", nodes, notes)


_KARTAVERSE_TOKENS = (
    ("MINICONDA_ENV", "$HOME/miniconda3/envs/nvdiffrec/"),
    ("WORKING_DIR", "$HOME/nvdiffrec/"),
    ("SCRIPT_NAME", "train.py"),
    ("CONFIG_NAME", "configs/bob.json"),
)
_KARTAVERSE_VARIABLES = (
    ("CUDA_HOME", "0", "`@MINICONDA_ENV`"),
    ("PYTHONHOME", "0", "`@MINICONDA_ENV`"),
    ("PYTHONPATH", "4", "`@MINICONDA_ENV`/lib/python3.11/site-packages"),
)
"""(name, what happens when an attribute of that name exists: 0 replaces it, 4 refuses another type, value)."""
_STRING = "2"


def _tokens() -> tuple[Parm, ...]:
    parms = [Parm("stringattribs", (len(_KARTAVERSE_TOKENS),))]
    for number, (name, value) in enumerate(_KARTAVERSE_TOKENS, 1):
        parms += [Parm("stringname%d" % number, (name,)), Parm("stringvalue%d" % number, (value,))]
    return tuple(parms)


def _variables() -> tuple[Parm, ...]:
    parms = [Parm("environment", (len(_KARTAVERSE_VARIABLES),))]
    for number, (name, conflict, value) in enumerate(_KARTAVERSE_VARIABLES, 1):
        parms += [
            Parm("varname%d" % number, (name,)),
            Parm("vartype%d" % number, (Token(_STRING),)),
            Parm("varconflict%d" % number, (Token(conflict),)),
            Parm("strvarvalue%d" % number, (value,)),
        ]
    return tuple(parms)


def _scene(network: Node) -> Scene:
    return Scene({"tasks": (network,), "obj": (imported(),)})


SCENES: Mapping[str, Callable[[], Scene]] = {
    "topforge_quickstart": lambda: _scene(quickstart()),
    "topforge_wedge": lambda: _scene(wedge()),
    "topforge_farm": lambda: _scene(farm()),
    "topforge_video": lambda: _scene(video()),
}
"""File name in `hip/` without `.hip` -> what the scene holds."""

"""What the tests of our TOP nodes share: networks with tiny work, environments, and looking at what came out."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from topforge import items
from topforge.paths import RunPaths
from topforge.trainers import registry

SLEEPY = "import sys, time; print('PROGRESS: 1/2', flush=True); time.sleep(float(sys.argv[1]))"


def environment(folder: Path) -> Path:
    """A venv that runs this very Python; made of three files, without pip."""
    prefix = folder / "venv"
    site = prefix / "lib" / ("python%d.%d" % sys.version_info[:2]) / "site-packages"
    for made in (prefix / "bin", site):
        made.mkdir(parents=True)
    base = Path(os.path.realpath(sys.executable))
    (prefix / "bin" / "python").symlink_to(base)
    (prefix / "pyvenv.cfg").write_text("home = %s\nversion = %d.%d.%d\n" % (base.parent, *sys.version_info[:3]))
    return prefix


def capture(folder: Path) -> Path:
    """Something with a fingerprint."""
    folder.mkdir(parents=True)
    (folder / "transforms_train.json").write_text('{"frames": []}')
    return folder


def balls(folder: Path) -> Path:
    """A capture that trains: eight views of balls at 64 pixels, and two held out."""
    path = Path(__file__).resolve().parents[1] / "unit" / "capture" / "conftest.py"
    spec = importlib.util.spec_from_file_location("capture_conftest", path)
    capture_conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(capture_conftest)
    scene = capture_conftest.Scene(folder, size=64)
    scene.add("train", capture_conftest.ring(8))
    scene.add("val", capture_conftest.ring(2, offset=1.0))
    return folder


def network(hou, places: int = 2):
    """A TOP network with its scheduler."""
    made = hou.node("/tasks").createNode("topnet")
    made.node("localscheduler").setParms({"maxprocsmenu": "1", "maxprocs": places})
    return made


def ours(net, kind: str, name: str = ""):
    """One of our nodes, on the CPU."""
    node = net.createNode("topforge::%s::1.0" % kind, name or kind)
    if kind == "train":
        node.parm("gpus").set(0)
    return node


def set_options(node, adapter: str, **options) -> None:
    """Sets options by name, as a person would, in the parameters they have on a train node."""
    from topforge_houdini import parameters

    if node.parm("trainer") is not None:
        node.parm("trainer").set(adapter)
    for name, values in parameters.settings(registry.get(adapter), options).items():
        if len(values) == 1:
            node.parm(name).set(values[0])
        else:
            node.parmTuple(name).set(values)


def command(net, name: str = "train", code: str = "print('PROGRESS: 1/1')", **options):
    """A train node whose trainer is a line of Python."""
    node = ours(net, "train", name)
    set_options(node, "command", arguments=["{python}", "-c", code, *options.pop("arguments", [])], **options)
    return node


def wedge(net, name: str, values, below=None, attribute_type: str = "string"):
    """A node whose items have the attribute `name`, one item for each value."""
    node = net.createNode("pythonprocessor", "values")
    setter = {"string": "setStringAttrib", "int": "setIntAttrib", "float": "setFloatAttrib"}[attribute_type]
    lines = [
        "for number, value in enumerate(%r):" % (list(values),),
        "    item = item_holder.addWorkItem(index=number)",
        "    item.%s(%r, value)" % (setter, name),
    ]
    node.parm("generate").set("\n".join(lines))
    if below is not None:
        below.setInput(0, node)
    return node


def inner(node, name: str = "run"):
    """The work items of a node inside one of ours."""
    graph_node = node.node(name).getPDGNode()
    return [] if graph_node is None else list(graph_node.workItems)


def generate(node) -> None:
    """Makes work items, and raises what went wrong."""
    node.node("items").cookWorkItems(block=True, generate_only=True)
    errors = node.node("items").errors()
    assert not errors, "\n".join(errors)


def complaint(node) -> str:
    """Generates, and returns what is wrong: nothing may have been made."""
    node.node("items").cookWorkItems(block=True, generate_only=True)
    assert inner(node, "items") == []
    return "\n".join(node.node("items").errors())


def cook(node) -> list[str]:
    """Cooks, and names the states of the items that run something."""
    node.cookWorkItems(block=True)
    return [item.state.name for item in inner(node)]


def item_of(work_item) -> items.Item:
    """The item.json of a work item."""
    return items.read(RunPaths(Path(work_item.stringAttribValue("topforge_run"))).item)

"""What the documentation leaves open and a real Houdini answers in a moment. Answers are notes, not failures."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, cast

import hou
import pdg

from topforge.environments import private_environment
from topforge_houdini import scenes, top_nodes
from topforge_houdini.pipeline_path import REPOSITORY
from topforge_houdini.self_checks.model import Answer, Bench, Check, FailedError, SkippedError, expect
from topforge_scene import scene
from topforge_scene.network import Node

_COLOURS = ("red", "green", "blue")
_PROBE = """import importlib, json, os, sys
shown = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "QT_PLUGIN_PATH", "OCIO", "PDG_DIR")
found = {"python": sys.version, "variables": {}}
for name, value in os.environ.items():
    if name.startswith(("PDG_", "PYTHON", "LD_", "QT_", "HOUDINI", "OCIO", "TOPFORGE")) or "hfs" in value.lower():
        found["variables"][name] = value if name in shown else "(set)"
sys.path.insert(0, os.environ.get("PDG_SCRIPTDIR", ""))
try:
    names = dir(importlib.import_module("pdgcmd"))
    found["pdgcmd"] = [name for name in names if name.startswith(("set", "work"))]
except Exception as error:
    found["pdgcmd"] = "%s: %s" % (type(error).__name__, error)
with open(sys.argv[1], "w") as stream:
    json.dump(found, stream)
"""


def _job_environment(bench: Bench) -> Answer:
    """pdg.md 2.11, style-and-ux 5.2 and 5.7."""
    network = bench.need_network()
    python = private_environment.python_of(private_environment.folder(REPOSITORY))
    if not python.exists():
        raise SkippedError("the trainer's environment is not there")
    script, told = bench.folder / "probe.py", bench.folder / "probe.json"
    script.write_text(_PROBE, encoding="utf-8")
    node = cast(hou.TopNode, network.createNode("genericgenerator", "probe"))
    try:
        command = '"%s" -I "%s" "%s"' % (python.as_posix(), script.as_posix(), told.as_posix())
        cast(hou.Parm, node.parm("pdg_command")).set(command)
        node.cookWorkItems(block=True)
        found = json.loads(told.read_text(encoding="utf-8"))
    finally:
        node.destroy()
    names = sorted(found["variables"])
    imported = "pdgcmd can be imported" if isinstance(found["pdgcmd"], list) else str(found["pdgcmd"])
    return Answer("jobs inherit %d of Houdini's and PDG's variables; %s" % (len(names), imported), found)


def _asset_versions(bench: Bench) -> Answer:
    """houdini-formats.md 2.5: what we write as `___Version___` of built-in nodes, against this Houdini's."""
    written = {node.type: node.version for make in scenes.SCENES.values() for node in _flat(make())}
    written.update({node.type: node.version for node in scenes.kartaverse().children})
    built_in = {name: version for name, version in written.items() if not name.startswith("topforge::")}
    found = {}
    for name in sorted(built_in):
        node_type = hou.nodeType(hou.topNodeTypeCategory(), name)
        definition = cast(hou.OpNodeType, node_type).definition() if node_type is not None else None
        found[name] = definition.version() if definition is not None else "(no asset)"
    other = {k: (built_in[k], v) for k, v in found.items() if v not in ("(no asset)", built_in[k])}
    words = ", ".join("%s %r, here %r" % (name, *pair) for name, pair in other.items())
    return Answer("written and found differ: " + words if other else "all as written", found)


def _flat(described: scene.Scene) -> list[Node]:
    return [child for node in described.networks["tasks"] for child in (node, *node.children)]


def _hqueue_resources(bench: Bench) -> Answer:
    """pdg.md 5.3: the list that `hqueue_resname#` stands in."""
    node = bench.need_network().createNode("hqueuescheduler", "question")
    try:
        lists = [parm.name() for parm in node.parms() if parm.isMultiParmParent()]
    finally:
        node.destroy()
    return Answer("lists of the HQueue scheduler: %s" % ", ".join(lists))


def _pdg_names(bench: Bench) -> Answer:
    """What PDG calls the node of an asset and those inside it (names in `cooking`)."""
    train = cast(hou.TopNode, bench.need_network().node("train"))
    train.cookWorkItems(block=True, tops_only=True)
    names = {node.name(): cast(hou.TopNode, node).getPDGNodeName() for node in (train, *train.children())}
    return Answer(", ".join("%s -> %s" % pair for pair in names.items()), names)


def _generate_errors(bench: Bench) -> Answer:
    """Where an exception of a generate callback shows, and how (messages.on_node)."""
    network = bench.need_network()
    train = cast(hou.TopNode, network.node("train"))
    parm = cast(hou.Parm, train.parm("topforge_learning_rate"))
    before = parm.unexpandedString()
    parm.set("not JSON")
    try:
        train.cookWorkItems(block=True, generate_only=True)
        shown = {node.path(): list(node.errors()) for node in (train, *train.children()) if node.errors()}
    finally:
        parm.set(before)
        train.cookWorkItems(block=True, generate_only=True)
    expect(shown, "an option that cannot be read gives no node error")
    last = [texts[-1].strip().splitlines()[-1] for texts in shown.values()]
    return Answer("on %s, ending in %r" % (", ".join(shown), last[0]), shown)


def _filter(bench: Bench) -> Answer:
    """Whether a filter of work items takes items of dynamic nodes (cook_top --items)."""
    train = cast(hou.TopNode, bench.need_network().node("train"))
    train.cookWorkItems(block=True, generate_only=True)
    item = top_nodes.pdg_node(cast(hou.OpNode, train.node("run"))).workItems[0]
    train.addPDGFilter(item.id)
    taken = train.isPDGFilter(item.id)
    train.removePDGFilter(item.id)
    return Answer("item taken: %s; it is static: %s" % (taken, item.isStatic))


def _new_topnet(bench: Bench) -> Answer:
    """Whether a new TOP network brings its scheduler (networks.create uses it)."""
    made = cast(hou.OpNode, hou.node("/tasks")).createNode("topnet", "question")
    try:
        inside = ["%s (%s)" % (child.name(), child.type().name()) for child in made.children()]
        scheduler = made.evalParm("topscheduler")
    finally:
        made.destroy()
    return Answer("%s; topscheduler %r" % (", ".join(inside) or "nothing", scheduler))


def _cook_type(bench: Bench) -> Answer:
    """pdg.md 9.12: cook type of a new Python Script."""
    node = bench.need_network().createNode("pythonscript", "question")
    try:
        return Answer(
            "pdg_cooktype of a new pythonscript: %s" % cast(hou.Parm, node.parm("pdg_cooktype")).evalAsString()
        )
    finally:
        node.destroy()


def _colour_spaces(bench: Bench) -> Answer:
    """pdg.md 9.13, materials: tokens of mtlximage's colour space."""
    node = cast(hou.OpNode, hou.node("/mat")).createNode("mtlximage", "question")
    try:
        parm = cast(hou.Parm, node.parm("filecolorspace"))
        tokens = list(parm.menuItems())
    finally:
        node.destroy()
    ours = {token: token in tokens for token in ("srgb_texture", "Raw")}
    return Answer("of ours: %s; %d in all" % (ours, len(tokens)), tokens)


def _platform_commands(bench: Bench) -> Answer:
    """pdg.md 9.10: arguments of WorkItem.setPlatformCommands."""
    documented = cast(Any, pdg.WorkItem).setPlatformCommands.__doc__
    return Answer(" ".join(str(documented).split())[:300])


def _text_form(bench: Bench) -> Answer:
    """Whether our reader reads the text form that this Houdini saves, and where it differs from ours."""
    bench.need_network()
    path = bench.folder / "selfcheck_text.hip"
    hou.hipFile.setSaveMode(hou.saveMode.Text)
    try:
        hou.hipFile.save(path.as_posix(), save_to_recent_files=False)
    finally:
        hou.hipFile.setSaveMode(hou.saveMode.Binary)
    theirs, ours = set(scene.read_entries(path)), set(scene.to_entries(scenes.SCENES["topforge_quickstart"]()))
    heads = sorted(name for name in theirs ^ ours if "/" not in name)
    return Answer("read; entries at the root that only one of both has: %s" % (", ".join(heads) or "none"))


def _solaris_stage(bench: Bench) -> Answer:
    """What of a result's USD this Houdini's stage sees."""
    bench.need_result()
    node = next((n for n in cast(hou.OpNode, hou.node("/stage")).children() if n.type().name() == "reference"), None)
    if node is None:
        raise SkippedError("there is no Reference LOP")
    stage = cast(Any, node).stage()
    kinds: dict[str, int] = {}
    for prim in stage.Traverse():
        kinds[str(prim.GetTypeName())] = kinds.get(str(prim.GetTypeName()), 0) + 1
    if not kinds.get("Mesh"):
        raise FailedError("no Mesh on the stage: %s" % kinds)
    return Answer(", ".join("%d %s" % (count, kind or "untyped") for kind, count in sorted(kinds.items())), kinds)


def _ply(bench: Bench) -> Answer:
    """vertex_colours: whether PLY is read with its vertices in order, how polygons turn, what becomes of colours."""
    path, geometry = bench.folder / "question.ply", hou.Geometry()
    header = ["ply", "format binary_little_endian 1.0", "element vertex 3"]
    header += ["property float " + axis for axis in "xyz"] + ["property uchar " + name for name in _COLOURS]
    header += ["element face 1", "property list uchar int vertex_indices", "end_header", ""]
    corners = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    rows = b"".join(struct.pack("<3f3B", *corner, 255, 128, 0) for corner in corners)
    path.write_bytes("\n".join(header).encode("ascii") + rows + struct.pack("<B3i", 3, 0, 1, 2))
    geometry.loadFromFile(path.as_posix())
    read = [tuple(point.position()) for point in geometry.points()]
    expect(geometry.primCount() == 1 and read == list(corners), "other points or polygons than in the file: %s" % read)
    order = [vertex.point().number() for vertex in geometry.prims()[0].vertices()]
    names = [attribute.name() for attribute in geometry.pointAttribs()]
    brought = [name for name in names if name != "P"]
    values = {name: geometry.points()[0].attribValue(name) for name in brought}
    return Answer("polygon %s; point attributes besides P: %s" % (order, values or "none"), values)


def _library(bench: Bench) -> Answer:
    """Whether expanded assets are among the loaded files."""
    loaded = [Path(path).name for path in hou.hda.loadedFiles() if "topforge" in Path(path).name]
    return Answer("%d of our folders are loaded" % len(loaded), loaded)


CHECKS = tuple(
    Check(title, function, question=True)
    for title, function in (
        ("What jobs inherit", _job_environment),
        ("Versions of built-in nodes", _asset_versions),
        ("HQueue's lists", _hqueue_resources),
        ("Names in PDG", _pdg_names),
        ("Errors of callbacks", _generate_errors),
        ("Filter of work items", _filter),
        ("New TOP network", _new_topnet),
        ("Cook type of Python Script", _cook_type),
        ("Colour spaces of MaterialX images", _colour_spaces),
        ("Platform commands", _platform_commands),
        ("Text form of scenes", _text_form),
        ("USD on the stage", _solaris_stage),
        ("PLY with colours", _ply),
        ("Expanded assets", _library),
    )
)

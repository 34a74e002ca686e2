"""Every node type of ours loads, with the parameters, callbacks, menus and inner nodes of our table."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import hou

from topforge_houdini import nodes
from topforge_houdini.nodes.common import NodeEntry
from topforge_houdini.pipeline_path import REPOSITORY
from topforge_houdini.self_checks.model import Answer, Bench, Check, expect
from topforge_scene.dialog_script import parameters


def checks() -> Iterator[Check]:
    """One for each node."""
    for entry in nodes.table():
        yield Check("Node %s" % entry.operator, functools.partial(_type, entry))


def _type(entry: NodeEntry, bench: Bench) -> Answer:
    node_type = hou.nodeType(entry.table + "/" + entry.operator)
    expect(node_type is not None, "this Houdini has no such node type: is otls/ of the package scanned?")
    definition = cast(hou.HDADefinition, cast(hou.OpNodeType, node_type).definition())
    library = Path(definition.libraryFilePath()).resolve()
    expect(REPOSITORY.resolve() in library.parents, "it comes from another library: %s" % library)
    missing = [name for name in ("DialogScript", "Help", "IconSVG", "Tools.shelf") if not definition.hasSection(name)]
    expect(not missing, "its asset lacks %s" % ", ".join(missing))
    node = _new(entry)
    try:
        return _node(entry, node)
    finally:
        cast(hou.OpNode, node.parent()).destroy()


def _new(entry: NodeEntry) -> hou.OpNode:
    if entry.table == "Top":
        parent = cast(hou.OpNode, hou.node("/tasks")).createNode("topnet", "selfcheck")
    else:
        parent = cast(hou.OpNode, hou.node("/obj")).createNode("geo", "selfcheck")
    return parent.createNode(entry.operator, entry.name, exact_type_name=True)


def _node(entry: NodeEntry, node: hou.OpNode) -> Answer:
    ours = [item.name for item in parameters(entry.parameters) if "#" not in item.name]
    there = {parm.name() for parm in node.parmTuples()}
    missing = [name for name in ours if name not in there]
    expect(not missing, "%d of %d parameters are missing: %s" % (len(missing), len(ours), ", ".join(missing[:8])))
    inner = {child.name(): child.type().name() for child in node.children()}
    wanted = {child.name: child.type for child in entry.children}
    expect(inner == wanted, "the nodes inside are %s, not %s" % (inner, wanted))
    wires = [child.name for child in entry.children if child.inputs and not node.node(child.name).inputs()]  # type: ignore[union-attr]
    wires = [name for name in wires if "(" not in _source(entry, name)]
    expect(not wires, "not wired inside: %s" % ", ".join(wires))
    said = [n.path() + ": " + text for n in (node, *node.children()) for text in (*n.errors(), *n.warnings())]
    if entry.table == "Sop":
        said = []  # it complains that no result is chosen, as it should
    expect(not said, "; ".join(said))
    lacking = [name for _, names in entry.imports for name in names.split(", ") if not hasattr(node.hdaModule(), name)]
    expect(not lacking, "its Python module lacks %s" % ", ".join(lacking))
    extra = sorted(there - set(ours))
    details = {"parameters": len(ours), "of Houdini": extra, "inside": inner, "menus": _menus(node)}
    return Answer("%d parameters, %d nodes inside" % (len(ours), len(inner)), details)


def _source(entry: NodeEntry, name: str) -> str:
    child = next(child for child in entry.children if child.name == name)
    return child.inputs[0].source


def _menus(node: hou.OpNode) -> dict[str, int]:
    """Number of items of every menu; those that scripts fill are run by this."""
    counted = {}
    for parm in node.parms():
        if parm.parmTemplate().type() == hou.parmTemplateType.Menu:
            counted[parm.name()] = len(parm.menuItems())
    return counted

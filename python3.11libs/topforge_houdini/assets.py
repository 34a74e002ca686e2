"""The digital assets, made from the table of nodes. `scripts/build_hdas.py` writes them into `otls/`."""

from __future__ import annotations

from pathlib import Path

from topforge_houdini import help_card, nodes
from topforge_houdini.nodes.common import VERSION, NodeEntry
from topforge_scene.asset import Library, Operator
from topforge_scene.dialog_script import DialogScript
from topforge_scene.network import Node

ICONS = Path(__file__).parent / "icons"


def libraries() -> dict[str, Library]:
    """Every asset's library by the name of its folder in `otls/`."""
    return {folder_name(node): Library((operator(node),)) for node in nodes.table()}


def folder_name(node: NodeEntry) -> str:
    """`topforge.top_train.1.0.hda`: company, context and name, version."""
    return "topforge.%s_%s.%s.hda" % (node.table.lower(), node.name, VERSION)


def operator(node: NodeEntry) -> Operator:
    """The definition of one node's operator."""
    return Operator(
        name=node.operator,
        label=node.label,
        table=node.table,
        interface=interface(node),
        contents=contents(node),
        min_inputs=node.min_inputs,
        max_inputs=node.max_inputs,
        icon_svg=(ICONS / node.icon).read_text(encoding="utf-8"),
        help=help_card.text(node),
        submenus=("TopForge",),
        keywords=node.keywords,
        python_module=python_module(node),
        message_nodes=node.message_nodes,
        descriptive_parm=node.descriptive_parm,
    )


def interface(node: NodeEntry) -> DialogScript:
    """The parameters; new nodes are called `topforge_train1`."""
    return DialogScript(
        node.operator,
        node.label,
        node.parameters,
        script="topforge_" + node.name,
        input_labels=node.input_labels,
    )


def contents(node: NodeEntry) -> Node:
    """The network inside."""
    return Node("hdaroot", node.operator, children=node.children, max_inputs=node.max_inputs, is_network=True)


def python_module(node: NodeEntry) -> str:
    """Import lines only: all code is in files that tests and other programs can read."""
    lines = ("from topforge_houdini.%s import %s\n" % (module, names) for module, names in node.imports)
    return "".join(lines)

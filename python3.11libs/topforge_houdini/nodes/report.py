"""`topforge::report`: one page that compares all results above it."""

from __future__ import annotations

from topforge.trainers import registry
from topforge_houdini import parameters
from topforge_houdini.nodes import common
from topforge_houdini.nodes.common import NodeEntry, button, follow
from topforge_scene.dialog_script import Folder, Parameter
from topforge_scene.network import Connection, Node, Token

_GENERATE = (
    "from topforge_houdini import reporting; reporting.generate(self, item_holder, upstream_items, generation_type)"
)

OVERVIEW = """
Waits for all items above and writes one self-contained HTML page: a table of what differs between them, curves,
reference, result and difference pictures side by side, the worst views, timings, and what failed and why.
"""


def _page() -> Folder:
    adapter = registry.get("report")
    shown = (entry for field in parameters.options(adapter) for entry in parameters.entries(adapter, field, prefix=""))
    return Folder(
        "report_tab",
        "Report",
        (
            *shown,
            Parameter(
                "includefailed",
                "Include Failed Items",
                "toggle",
                default=("1",),
                help="Writes the page even when some of the items above failed, and lists those with their reasons. "
                "Off: a failed item above fails this node.",
            ),
            common.output_folder("The page's folder is made here."),
            button("openreport", "Open Report", "open_report", "Opens the page in a browser."),
        ),
    )


def _all() -> Node:
    parms = (follow("pdg_partitionignorefailures", Token("on"), of="includefailed"),)
    return Node("all", "waitforall", parms, (Connection("(0)"),), version="1")


NODE = NodeEntry(
    name="report",
    table="Top",
    label="TopForge Report",
    icon="report.svg",
    summary="Writes one page that compares all results above it.",
    overview=OVERVIEW,
    parameters=(_page(), common.environment_folder(), common.schedulers_folder(cached=True)),
    children=(
        _all(),
        common.items_node(_GENERATE, "all", position=-1.5),
        common.run_node(-3.0),
        common.output_node("run", -4.5),
    ),
    keywords=("compare", "wedge", "HTML", "metrics", "PSNR", "contact sheet"),
    tips=("The page needs nothing beside it: send it, or put it on a server, as it is.",),
    outputs=(
        ("report", "The page, report.html."),
        ("topforge_result", "The item's result.json, which is also its output file (tag `file/json`)."),
        ("topforge_run", "The item's run folder."),
        ("topforge_command", "The command that runs it."),
    ),
    related=("top/topforge::train::1.0", "top/waitforall"),
    imports=(("callbacks", "open_report"),),
    min_inputs=1,
    max_inputs=1,
    input_labels=("Items of train nodes",),
    descriptive_parm="title",
)

"""`topforge::environment`: the environment edit for any node below."""

from __future__ import annotations

import dataclasses

from topforge_houdini.nodes import common
from topforge_houdini.nodes.common import NodeEntry, button
from topforge_scene.dialog_script import Folder, Parameter

_GENERATE = (
    "from topforge_houdini import environment_node; "
    "environment_node.generate(self, item_holder, upstream_items, generation_type)"
)

OVERVIEW = """
Puts everything that a program from a conda environment needs into the environment of the items below: `CUDA_HOME`,
`PATH`, the library path, and what the compilers of torch extensions read. Houdini's own `PYTHONHOME`, `PYTHONPATH`,
`QT_*` and library paths, which break foreign Pythons, are set to nothing. Every line comes with its reason.

The TopForge nodes need none of this: they build the same environment themselves, and clean it of what an exported
attribute cannot remove. This node is for other nodes, such as [Generic Generator|Node:top/genericgenerator].
"""


def _environment() -> Folder:
    tab = common.environment_folder()
    explanation = Parameter(
        "explanation",
        "Explanation",
        "string",
        help="Every variable, what it is set to or that it is removed, and why. Written by the button Explain.",
        tags=(("editor", "1"), ("editorlines", "8-30")),
    )
    explain = button(
        "explain", "Explain", "explain", "Looks at the environment and writes what this node does and why."
    )
    return dataclasses.replace(tab, items=(*tab.items, explain, explanation))


def _bare_route() -> Folder:
    return Folder(
        "bare_tab",
        "Built-In Nodes",
        (
            _node("editnode", "Environment Edit", "Environment Edit TOP that the button below fills."),
            button(
                "filledit",
                "Fill Environment Edit",
                "fill_edit",
                "Writes the same variables into that Environment Edit node, for networks without TopForge nodes.",
            ),
            _node("generatornode", "Generic Generator", "Generic Generator TOP that the button below fills."),
            button(
                "fillgenerator",
                "Fill Generic Generator",
                "fill_generator",
                "Writes a command that runs the environment's own Python into that Generic Generator node.",
            ),
        ),
    )


def _node(name: str, label: str, words: str) -> Parameter:
    tags = (("opfilter", "!!TOP!!"), ("oprelative", "."))
    return Parameter(name, label, "oppath", help=words, tags=tags)


NODE = NodeEntry(
    name="environment",
    table="Top",
    label="TopForge Environment",
    icon="environment.svg",
    summary="Gives the items below the exact environment of a conda environment, with the reason for every variable.",
    overview=OVERVIEW,
    parameters=(_environment(), _bare_route(), common.schedulers_folder(cached=False)),
    children=(common.items_node(_GENERATE, "(0)"), common.output_node("items", -1.5)),
    keywords=("conda", "CUDA_HOME", "PYTHONHOME", "environment edit", "venv", "variables"),
    tasks=(
        (
            "run a program of a conda environment",
            (
                "Choose the environment in __Environment Path__ and press __Explain__ to read what will be set.",
                "Wire a [Generic Generator|Node:top/genericgenerator] below, choose it in __Generic Generator__ on the "
                "__Built-In Nodes__ tab, and press __Fill Generic Generator__.",
                "Cook it.",
            ),
        ),
    ),
    warnings=(
        "An exported attribute can set a variable to nothing, but not remove it. Where a program minds the difference, "
        "list the variable in __Unset Variables__ of the scheduler.",
    ),
    outputs=(
        ("CUDA_HOME, PATH, ...", "One exported attribute for each variable; schedulers hand them to the jobs."),
        ("topforge_unset", "Names of the variables that should not be there at all."),
    ),
    related=("top/topforge::train::1.0", "top/environmentedit", "top/genericgenerator"),
    imports=(("callbacks", "explain, fill_edit, fill_generator"),),
    max_inputs=1,
    input_labels=("Items",),
    descriptive_parm="environment",
)

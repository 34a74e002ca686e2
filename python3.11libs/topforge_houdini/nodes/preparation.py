"""What the nodes that make a capture share: `frames`, `poses` and `convert`, each for the adapter of its name."""

from __future__ import annotations

import dataclasses
from typing import Tuple

from topforge.trainers import registry
from topforge_houdini import parameters
from topforge_houdini.nodes import common
from topforge_houdini.nodes.common import NodeEntry, button, text
from topforge_scene.dialog_script import Folder, Parameter

_GENERATE = (
    "from topforge_houdini import preparing; "
    'preparing.generate(self, item_holder, upstream_items, generation_type, "%s")'
)
_OUTPUTS = (
    ("topforge_result", "The item's result.json, which is also its output file (tag `file/json`)."),
    ("topforge_run", "The item's run folder."),
    ("topforge_command", "The command that runs it."),
    ("topforge_made", "The same folder as `dataset`, and the item's key: nodes below name their work by it."),
)


@dataclasses.dataclass(frozen=True)
class Words:
    """What is said of one of them."""

    name: str
    """Of node and adapter."""
    label: str
    summary: str
    overview: str
    keywords: Tuple[str, ...]
    dataset: str
    """What its items make: of the attribute below."""
    input_label: str
    tasks: Tuple[Tuple[str, Tuple[str, ...]], ...]
    tips: Tuple[str, ...]
    related: Tuple[str, ...]
    preview: str = ""
    """The picture that its items draw; "" = none."""


def entry(words: Words, source: Parameter) -> NodeEntry:
    """The row of a node.

    Args:
        words: What is said of it.
        source: The parameter `dataset`: what it works on.
    """
    adapter = registry.get(words.name)
    preview = (("preview", words.preview),) if words.preview else ()
    return NodeEntry(
        name=words.name,
        table="Top",
        label=words.label,
        icon=words.name + ".svg",
        summary=words.summary,
        overview=words.overview,
        parameters=(
            _data_set(source),
            *parameters.folders(adapter),
            common.environment_folder(),
            common.schedulers_folder(cached=True),
        ),
        children=(common.items_node(_GENERATE % words.name, "(0)"), common.run_node(), common.output_node("run")),
        keywords=words.keywords,
        tasks=words.tasks,
        tips=words.tips,
        outputs=(("dataset", words.dataset), *_OUTPUTS, *preview),
        related=words.related,
        imports=(("callbacks", "open_run_folder"),),
        max_inputs=1,
        input_labels=(words.input_label,),
        descriptive_parm="dataset",
    )


def _data_set(source: Parameter) -> Folder:
    return Folder(
        "dataset_tab",
        "Data Set",
        (
            source,
            text(
                "wedgeattributes",
                "Wedge Attributes",
                "Which attributes of the items above override the option of the same name: names and patterns, "
                "separated by blanks. Empty: none, so that a wedge of the trainer's options makes no other capture.",
            ),
            common.output_folder(),
            button(
                "openrunfolder",
                "Open Run Folder",
                "open_run_folder",
                "Opens the folder of the selected work item, or of the newest: log and result.",
            ),
        ),
    )

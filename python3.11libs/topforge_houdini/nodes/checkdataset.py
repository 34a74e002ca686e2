"""`topforge::checkdataset`: looks at a capture before anything is trained on it."""

from __future__ import annotations

from topforge.trainers import registry
from topforge_houdini import parameters
from topforge_houdini.nodes import common
from topforge_houdini.nodes.common import NodeEntry, button, folder
from topforge_scene.dialog_script import Folder

_GENERATE = (
    "from topforge_houdini import checking; checking.generate(self, item_holder, upstream_items, generation_type)"
)

OVERVIEW = """
Reads the photographs, masks and cameras of a capture and looks for everything that would spoil a training: unreadable
or missing pictures, cameras that do not look at the object, an empty or clipped mask, too few views, a training box
that is too small. Every finding comes with its fix. A capture with errors makes the item fail, so that nothing below
starts.

The item also draws the cameras around the object and a contact sheet of photographs and masks.
"""


def _data_set() -> Folder:
    return Folder(
        "dataset_tab",
        "Data Set",
        (
            folder(
                "dataset",
                "Capture",
                "Folder with the photographs and their cameras. Empty: the attribute `dataset` of each item above.",
            ),
            button(
                "checknow",
                "Check Now",
                "check_now",
                "Checks the capture at once and shows what was found and how to fix it.",
            ),
            common.output_folder("One folder for each item is made here."),
        ),
    )


NODE = NodeEntry(
    name="checkdataset",
    table="Top",
    label="TopForge Check Dataset",
    icon="checkdataset.svg",
    summary="Checks the photographs, masks and cameras of a capture, and says how to fix what is wrong.",
    overview=OVERVIEW,
    parameters=(
        _data_set(),
        *parameters.folders(registry.get("check")),
        common.environment_folder(),
        common.schedulers_folder(cached=True),
    ),
    children=(common.items_node(_GENERATE, "(0)"), common.run_node(), common.output_node("run")),
    keywords=("capture", "photogrammetry", "validate", "cameras", "masks", "transforms.json"),
    tasks=(
        (
            "check a capture before training",
            (
                "Set __Capture__ to its folder.",
                "Wire this node above a [TopForge Train|Node:top/topforge::train::1.0] node and leave __Capture__ "
                "empty there: it takes the folder from here.",
                "Cook the train node. It starts only when the capture has no errors.",
            ),
        ),
    ),
    tips=("The metric `recommended_mesh_scale` in result.json is a good value for the trainer's Training Box Size.",),
    outputs=(
        ("dataset", "The folder that was checked; a train node below takes it."),
        ("topforge_result", "The item's result.json, which is also its output file (tag `file/json`)."),
        ("topforge_run", "The item's run folder."),
        ("topforge_command", "The command that runs it."),
        ("preview", "Picture of the cameras around the object."),
    ),
    related=("top/topforge::train::1.0", "top/topforge::report::1.0"),
    imports=(("callbacks", "check_now"),),
    max_inputs=1,
    input_labels=("Captures",),
    descriptive_parm="dataset",
)

"""`topforge::train`: one work item for each configuration and each upstream item."""

from __future__ import annotations

from typing import Tuple

from topforge.trainers import registry
from topforge.trainers.base import Adapter
from topforge_houdini import parameters
from topforge_houdini.nodes import common
from topforge_houdini.nodes.common import NodeEntry, button, callback, folder, number, python_menu, text
from topforge_scene.dialog_script import Entry, Folder, Menu, Parameter

TRAINERS = registry.trainers()
_NOT_NODE = "{ configsource != node }"
_GENERATE = (
    "from topforge_houdini import training; training.generate(self, item_holder, upstream_items, generation_type)"
)

SUMMARY = "Turns posed photographs into a textured, physically based mesh with a GPU trainer that runs outside Houdini."
OVERVIEW = """
This node makes one work item for each configuration and each item above it. An item runs the chosen trainer in its own
conda environment, out of process, and ends with one folder that holds the mesh, its textures, USD, the light, the
cameras and a report.

Options come from this node, from config files, or from an attribute of the items above. An attribute of an item above
that has the name of an option (`dmtet_grid`, `learning_rate`, ...) overrides that option for the items below it: that
is how a [Wedge|Node:top/wedge] node varies any option. Wrong names, types and values are refused when work items are
generated, before any GPU time is spent.

The result is named by everything that decides it. An item whose result is there already ends at once, on any machine;
an interrupted one goes on from its last checkpoint if the trainer can.
"""


def _trainer_menu() -> Parameter:
    items = tuple((adapter.name, adapter.title) for adapter in TRAINERS)
    licences = " ".join(adapter.licence for adapter in TRAINERS)
    words = "Which program trains. Only its own options are shown. Licences: " + licences
    return Parameter(
        "trainer",
        "Trainer",
        "string",
        default=(items[0][0],),
        menu=Menu(items),
        tags=callback("choose_trainer"),
        help=words,
    )


def _preset() -> Parameter:
    without = "".join("{ trainer == %s } " % adapter.name for adapter in TRAINERS if not adapter.presets)
    return Parameter(
        "preset",
        "Preset",
        "string",
        default=("standard",),
        menu=python_menu("from topforge_houdini import menus", "return menus.presets(kwargs)"),
        tags=callback("apply_preset"),
        help="Sets the options below to tried values. TopForge's own: Draft for a first look within minutes, Standard "
        "for the defaults, High for a final result on a GPU. An upstream trainer's: its own example configs. What no "
        "preset of the trainer names is left as it is. Choosing another trainer sets none.",
        hide_when=without + _NOT_NODE,
    )


def _data_set() -> Folder:
    sources = Menu((("node", "This Node"), ("files", "Config Files"), ("upstream", "Upstream Attribute")))
    return Folder(
        "dataset_tab",
        "Data Set",
        (
            folder(
                "dataset",
                "Capture",
                "Folder with the photographs and their cameras, in the format that the trainer reads; or the mesh "
                "(.obj) to learn from, for trainers that can. Empty: the attribute `dataset` of each item above; "
                "without one, what the trainer's options name.",
            ),
            button(
                "checknow",
                "Check Now",
                "check_now",
                "Checks the capture at once and shows what was found and how to fix it.",
            ),
            Parameter(
                "configsource",
                "Options From",
                "string",
                default=("node",),
                menu=sources,
                help="Where each item's options come from: the parameters of this node, config files (JSON; one item "
                "for each), or an attribute of the items above.",
            ),
            Parameter(
                "configfiles",
                "Config Files",
                "file",
                default=("$HIP/configs/*.json",),
                tags=(("filechooser_mode", "read"), ("filechooser_pattern", "*.json")),
                help="A config file, or a pattern (`*`, `?`) of such. Those of nvdiffrec work as they are.",
                hide_when="{ configsource != files }",
            ),
            text(
                "configattribute",
                "Config Attribute",
                "Attribute of the items above that holds the path of a config file, or its JSON text.",
                "config",
                hide_when="{ configsource != upstream }",
            ),
            text(
                "wedgeattributes",
                "Wedge Attributes",
                "Which attributes of the items above override the option of the same name: names and patterns, "
                "separated by blanks; `^name` leaves one out. Empty: none.",
                "*",
            ),
            common.output_folder(),
        ),
    )


def _hyperparameters() -> Folder:
    options = tuple(map(_options_of, TRAINERS))
    return Folder("hyperparameters_tab", "Hyperparameters", options, hide_when_tab=_NOT_NODE)


def _options_of(adapter: Adapter) -> Folder:
    hidden = "{ trainer != %s }" % adapter.name
    name = parameters.parameter_name(adapter, "options")
    return Folder(name, adapter.title, parameters.folders(adapter), kind="groupsimple", hide_when=hidden)


def _resources() -> Folder:
    return Folder(
        "resources_tab",
        "Resources",
        (
            number(
                "gpus", "GPUs", "Devices that each item leases for itself. 0 trains on the CPU.", "integer", "1", (0, 8)
            ),
            number(
                "gpumemory",
                "Free GPU Memory (MiB)",
                "Least memory that must be free on a device before an item takes it; 0 takes any.",
                "integer",
                "0",
                (0, 81920),
            ),
            number(
                "timelimit",
                "Time Limit (s)",
                "Longest time for one item over all its attempts; then it is stopped, politely first. 0 is no limit.",
                "float",
                "0",
                (0, 86400),
            ),
            number(
                "silencelimit",
                "Silence Limit (s)",
                "A trainer that says nothing for so long counts as hung and is started again. 0 is no limit.",
                "float",
                "900",
                (0, 7200),
            ),
        ),
    )


def _monitor() -> Folder:
    return Folder(
        "monitor_tab",
        "Monitor",
        (
            button(
                "openreport",
                "Open Report",
                "open_report",
                "Opens the report of the selected work item, or of the newest: settings, curves, pictures, timings.",
            ),
            button(
                "openrunfolder",
                "Open Run Folder",
                "open_run_folder",
                "Opens the folder of the selected work item, or of the newest: log, previews, checkpoint, result.",
            ),
        ),
    )


def _parameters() -> Tuple[Entry, ...]:
    tabs = (_data_set(), _hyperparameters(), _monitor(), common.environment_folder(), _resources())
    return (_trainer_menu(), _preset(), *tabs, common.schedulers_folder(cached=True))


NODE = NodeEntry(
    name="train",
    table="Top",
    label="TopForge Train",
    icon="train.svg",
    summary=SUMMARY,
    overview=OVERVIEW,
    parameters=_parameters(),
    children=(common.items_node(_GENERATE, "(0)"), common.run_node(), common.output_node("run")),
    keywords=("photogrammetry", "reconstruct", "nvdiffrec", "inverse rendering", "PBR", "machine learning", "capture"),
    tasks=(
        (
            "train on a capture",
            (
                "Set __Capture__ to the folder with the photographs and their cameras.",
                "Choose the preset __Draft__ and cook this node. The work item shows its progress and the time left.",
                "Press __Open Report__ on the __Monitor__ tab, then choose __Standard__ or __High__ and cook again.",
                "Bring the result back with a [TopForge Import|Node:sop/topforge::import::1.0] node.",
            ),
        ),
        (
            "vary an option",
            (
                "Put a [Wedge|Node:top/wedge] node above this one and name its attribute like the option, for example "
                "`dmtet_grid`.",
                "Put a [TopForge Report|Node:top/topforge::report::1.0] node below and cook it: one page compares all.",
            ),
        ),
    ),
    tips=(
        "Stopping is safe: cooked again, a cancelled item goes on from its last checkpoint if the trainer can.",
        "Put a [TopForge Check Dataset|Node:top/topforge::checkdataset::1.0] node above: nothing trains on a capture "
        "that cannot work.",
    ),
    warnings=(
        "`@attribute` in a parameter of this node is not evaluated for each item. Name the attribute like the option "
        "and it overrides it.",
    ),
    outputs=(
        ("topforge_result", "The item's result.json, which is also its output file (tag `file/json`)."),
        ("topforge_run", "The item's run folder."),
        ("topforge_command", "The command that runs it."),
        ("trainer", "Name of the trainer."),
        ("config", "Name of the configuration."),
        ("dataset", "Folder of the capture."),
        ("psnr", "Agreement with held-out photographs in dB, as it improves."),
        ("step", "Iterations done so far."),
        ("eta", "Time left, in words."),
        ("preview", "Newest preview picture."),
        ("report", "The item's report.html."),
    ),
    related=(
        "top/topforge::checkdataset::1.0",
        "top/topforge::report::1.0",
        "top/topforge::environment::1.0",
        "sop/topforge::import::1.0",
        "top/wedge",
    ),
    imports=(
        ("callbacks", "apply_preset, check_now, choose_trainer, open_report, open_run_folder"),
        ("monitor", "ml_description"),
    ),
    max_inputs=1,
    input_labels=("Captures, configurations or wedges",),
    descriptive_parm="trainer",
)

"""What the table of nodes is made of, and the parameters that several nodes share."""

from __future__ import annotations

import dataclasses
from typing import Tuple

from topforge_scene.dialog_script import Bound, Entry, Folder, Menu, Multiparm, Parameter
from topforge_scene.network import Channel, Connection, Node, Parm, Token

VERSION = "1.0"
"""Of all assets: the last part of their operators' names."""


@dataclasses.dataclass(frozen=True)
class NodeEntry:
    """One row of the table of nodes: everything a node's asset, interface and help card are generated from."""

    name: str
    """Operator name without namespace and version: "train"."""
    table: str
    """"Top" or "Sop"."""
    label: str
    """As the TAB menu shows it."""
    icon: str
    """File in `icons/`."""
    summary: str
    """One sentence, the first thing on the help card."""
    overview: str
    """Paragraphs of SideFX's wiki markup."""
    parameters: Tuple[Entry, ...]
    children: Tuple[Node, ...]
    """The network inside the asset."""
    keywords: Tuple[str, ...]
    """What else it is found by in the TAB menu."""
    tasks: Tuple[Tuple[str, Tuple[str, ...]], ...] = ()
    """How-tos: (what to reach, steps)."""
    tips: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()
    outputs: Tuple[Tuple[str, str], ...] = ()
    """What comes out: (attribute or file, what it is)."""
    related: Tuple[str, ...] = ()
    """Help paths of other nodes: "top/wedge", "top/topforge::report::1.0"."""
    imports: Tuple[Tuple[str, str], ...] = ()
    """The asset's Python module: (module of `topforge_houdini`, the names it offers to buttons, separated by ", ")."""
    min_inputs: int = 0
    max_inputs: int = 0
    input_labels: Tuple[str, ...] = ()
    message_nodes: str = ""
    """Nodes inside whose errors and warnings the asset shows as its own, separated by blanks."""
    descriptive_parm: str = ""
    """Name of the parameter that the network editor shows below the node."""

    @property
    def operator(self) -> str:
        """Full operator name: `topforge::train::1.0`."""
        return "topforge::%s::%s" % (self.name, VERSION)


def button(name: str, label: str, function: str, text: str, hide_when: str = "") -> Parameter:
    """A button that calls a function of the asset's Python module with `kwargs`."""
    return Parameter(name, label, "button", default=("0",), help=text, tags=callback(function), hide_when=hide_when)


def callback(function: str) -> Tuple[Tuple[str, str], ...]:
    """Tags of a parameter whose change or press calls `function(kwargs)` of the asset's Python module."""
    return (("script_callback", "hou.phm().%s(kwargs)" % function), ("script_callback_language", "python"))


def python_menu(*lines: str, kind: str = "menu", use_token_value: bool = False) -> Menu:
    """A menu that a Python script fills."""
    return Menu(script=lines, kind=kind, use_token_value=use_token_value)


def text(name: str, label: str, words: str, default: str = "", **more: object) -> Parameter:
    """A line of text."""
    return Parameter(name, label, "string", default=(default,), help=words, **more)  # type: ignore[arg-type]


def folder(name: str, label: str, words: str, default: str = "", **more: object) -> Parameter:
    """A path to a folder, with a chooser."""
    return Parameter(name, label, "directory", default=(default,), help=words, **more)  # type: ignore[arg-type]


FOR_EACH_ITEM = "One folder for each item is made here. Begin it with `__PDG_DIR__` so that farm machines find it."


def output_folder(made: str = FOR_EACH_ITEM) -> Parameter:
    """Where a node's results go; `made` says what is made there."""
    words = made + " `@attribute` is not evaluated here."
    return folder("outputfolder", "Output Directory", words, "__PDG_DIR__/topforge/$OS")


def number(name: str, label: str, words: str, kind: str, default: str, limits: Tuple[float, float]) -> Parameter:
    """A number with a hard lower limit; the upper one is only the end of the slider."""
    return Parameter(
        name, label, kind, default=(default,), help=words, range=(Bound(limits[0], locked=True), Bound(limits[1]))
    )


def environment_folder() -> Folder:
    """The tab that says which Python and which libraries an item runs in."""
    variables: Tuple[Entry, ...] = (
        text("variablename#", "Variable", "Name of an environment variable.", join_next=True),
        text("variablevalue#", "Value", "What it is set to, verbatim. Wins over everything TopForge sets."),
    )
    return Folder(
        "environment_tab",
        "Environment",
        (
            folder(
                "environment",
                "Environment Path",
                "Folder of the conda environment or venv to run in. The menu lists those found on this machine. "
                "Empty: TopForge's own, in `.topforge/env` beside the package.",
                menu=python_menu(
                    "from topforge_houdini import menus", "return menus.environments()", kind="menureplace"
                ),
            ),
            Parameter(
                "environmentmode",
                "Environment Mode",
                "string",
                default=("clean",),
                menu=Menu(
                    (("clean", "Clean (Recommended)"), ("kartaverse", "Kartaverse (CUDA_HOME, PYTHONHOME, PYTHONPATH)"))
                ),
                help="Clean removes what Houdini sets for itself and sets what the environment needs. Kartaverse sets "
                "CUDA_HOME, PYTHONHOME and PYTHONPATH from the path, as the scenes of that project do.",
            ),
            Multiparm(
                "environmentvariables",
                "Variables",
                variables,
                help="Environment variables to set for the trainer besides.",
            ),
        ),
    )


def schedulers_folder(*, cached: bool) -> Folder:
    """The tab of stock parameters. Only those are here that nodes inside the asset can follow.

    Missing on purpose: Add Job Parms (it would add parameters to the asset, while schedulers read those of the node
    inside), Schedule When and File Dependencies (same reason). A scheduler node of its own takes their place.
    """
    cache: Tuple[Entry, ...] = (cache_mode(),) if cached else ()
    return Folder("schedulers_tab", "Schedulers", (generate_when(), *cache, *scheduler_parameters()))


def generate_when() -> Parameter:
    """The stock menu that says when work items are generated."""
    return Parameter(
        "pdg_workitemgeneration",
        "Generate When",
        "ordinal",
        default=("2",),
        menu=python_menu("import pdg", "return pdg.generateWhenMenu()", use_token_value=True),
        help="When this node makes its work items. Automatic does it as early as the nodes above allow.",
    )


def cache_mode() -> Parameter:
    """The stock menu that says what is done with results on disk."""
    return Parameter(
        "pdg_cachemode",
        "Cache Mode",
        "ordinal",
        default=("0",),
        menu=python_menu("import pdg", "return pdg.cacheModeMenu()", use_token_value=True),
        help="What happens to an item whose result.json is on disk. Automatic takes it; Write Files runs the item, "
        "which still ends at once when its result is valid for these settings.",
    )


def scheduler_parameters() -> Tuple[Entry, ...]:
    """Scheduler override, label and priority of the work items."""
    return (
        Parameter(
            "topscheduler",
            "TOP Scheduler Override",
            "oppath",
            tags=(("opfilter", "!!TOP/SCHEDULER!!"), ("oprelative", ".")),
            help="Scheduler that runs the items of this node. Empty: that of the TOP network.",
        ),
        _numbered_menu(
            "pdg_workitemlabel",
            "Work Item Label",
            ("Use Default", "Inherit from Upstream Item", "Custom Expression"),
            "What the work items are called in the task graph.",
        ),
        text(
            "pdg_workitemlabelexpr",
            "Label Expression",
            "Text of the label. `@attribute` in it is that of each work item.",
            hide_when="{ pdg_workitemlabel != 2 }",
        ),
        _numbered_menu(
            "pdg_workitempriority",
            "Work Item Priority",
            ("Inherit from Upstream Item", "Custom Expression"),
            "Which items are scheduled first when several are ready.",
        ),
        Parameter(
            "pdg_workitempriorityexpr",
            "Priority Expression",
            "integer",
            default=("0",),
            range=(Bound(0), Bound(10)),
            help="Priority of the items; greater is sooner.",
            hide_when="{ pdg_workitempriority != 1 }",
        ),
    )


def _numbered_menu(name: str, label: str, labels: Tuple[str, ...], words: str) -> Parameter:
    items = tuple((str(index), item) for index, item in enumerate(labels))
    return Parameter(name, label, "ordinal", default=("0",), menu=Menu(items), help=words)


def follow(name: str, value: str | int | float | Token, *, function: str = "ch", of: str = "") -> Parm:
    """A parameter inside the asset that follows one of the asset's through a channel.

    Args:
        name: Of the parameter inside.
        value: What it is when the asset is made.
        function: "ch" for numbers and toggles, "chs" for text and for menus that evaluate to their token.
        of: Name of the asset's parameter, when it differs.
    """
    return Parm(name, (Channel('%s("../%s")' % (function, of or name), value),))


def scheduler_parm() -> Parm:
    """The inner node's scheduler: the full path of the asset's choice, since a relative one falls back in silence."""
    return Parm("topscheduler", ('`chsop("../topscheduler")`',))


def watched_parm() -> Parm:
    """Makes PDG generate anew when any parameter of the asset changes.

    PDG knows what its nodes evaluate, through references too, but not what Python code reads with `hou`. This one
    evaluates everything, and to no command at all.
    """
    expression = "__import__('topforge_houdini.node_settings').node_settings.watched(hou.pwd().parent())"
    return Parm("pdg_command", (Channel(expression, "", language="python"),))


def items_node(code: str, source: str, *, position: float = 0.0) -> Node:
    """The Python Processor that makes the work items; they end at once, their attributes are inherited below.

    Args:
        code: The whole of its Generate script.
        source: What it is wired to: "(0)" for the asset's input.
        position: Height in the network editor.
    """
    parms = (
        follow("pdg_workitemgeneration", Token("2")),
        watched_parm(),
        Parm("generate", (code,)),
        scheduler_parm(),
    )
    return Node("items", "pythonprocessor", parms, (Connection(source),), position=(0.0, position))


def run_node(position: float = -1.5) -> Node:
    """The Generic Generator that runs each item's command and expects its result.json.

    A Python Processor could set the command itself, but a cache mode is documented on this node and not on that one.
    """
    parms = (
        follow("pdg_cachemode", Token("0")),
        Parm("pdg_command", ("`@topforge_command`",)),
        Parm("expectedoutputsfrom", (Token("1"),)),
        Parm("expectedoutputattr", ("topforge_result",)),
        Parm("useexpectedoutputtag", (Token("on"),)),
        Parm("expectedoutputtag", ("file/json",)),
        scheduler_parm(),
        follow("pdg_workitemlabel", Token("0")),
        Parm("pdg_workitemlabelexpr", ('`chs("../pdg_workitemlabelexpr")`',)),
        follow("pdg_workitempriority", Token("0")),
        follow("pdg_workitempriorityexpr", 0),
    )
    inputs = (Connection("items"),)
    return Node("run", "genericgenerator", parms, inputs, version="1", position=(0.0, position))


def output_node(source: str, position: float = -3.0) -> Node:
    """What leaves a TOP asset."""
    parms = (Parm("outputidx", (0,)),)
    inputs = (Connection(source),)
    return Node("output0", "output", parms, inputs, outputs=(), position=(0.0, position), display=True)

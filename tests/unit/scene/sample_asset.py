"""A small but complete library, for the tests of writers, readers and validators. All names are made up."""

from __future__ import annotations

from topforge_scene.asset import Library, Operator
from topforge_scene.dialog_script import Bound, DialogScript, Entry, Folder, Menu, Multiparm, Parameter
from topforge_scene.network import Channel, Connection, Node, Parm, Token

NAME = "acme::lens_sorter::1.0"
FOLDER = "acme.top_lens_sorter.1.0.hda"
PATH = "acme_8_8Top_1lens__sorter_8_81.0"
GENERATE = 'import json\n\nasset = self.topNode().parent()\npattern = asset.evalParm("pattern")\n'
HELP = '''#type: node
#context: top
#internal: acme::lens_sorter::1.0

= Acme Lens Sorter =

"""Sorts pictures & more."""
'''
PYTHON = (("script_callback_language", "python"),)


def parameters() -> tuple[Entry, ...]:
    """One parameter of each kind that TopForge's nodes have."""
    return (
        Parameter("pattern", "Pattern", "string", default=("*.png",), help="Which pictures are sorted."),
        Parameter(
            "mode",
            "Mode",
            "string",
            default=("name",),
            menu=Menu((("name", "By Name"), ("size", "By Size"))),
            help="What decides the order.",
        ),
        Folder(
            "limits",
            "Limits",
            (
                Parameter("limited", "Limited", "toggle", default=("on",), help="Stop at the limit."),
                Parameter(
                    "limit",
                    "Limit",
                    "integer",
                    default=("24",),
                    range=(Bound(1, locked=True), Bound(500)),
                    disable_when="{ limited == 0 } { mode == size }",
                    help="How many pictures at most.",
                ),
            ),
            "groupsimple",
            hide_when='{ mode == "" }',
        ),
        Multiparm(
            "entries",
            "Entries",
            (
                Parameter("key#", "Key", "string", help="Name.", join_next=True),
                Parameter("value#", "Value", "string", help="Value.", no_label=True),
            ),
            help="Pairs that are written beside the result.",
        ),
        Parameter(
            "launch",
            "Launch",
            "button",
            default=("0",),
            help="Sorts now.",
            tags=(("script_callback", "hou.phm().launch(kwargs)"), *PYTHON),
        ),
        Parameter(
            "style",
            "Style",
            "string",
            menu=Menu((), ("return hou.phm().styles(kwargs)",), "python", "menureplace"),
            help="One of those found.",
        ),
    )


def operator() -> Operator:
    """`acme::lens_sorter::1.0`: a Python Processor, a Generic Generator that follows it, and an output."""
    items = Node(
        "items",
        "pythonprocessor",
        parms=(Parm("pdg_workitemgeneration", (Token("2"),)), Parm("generate", (GENERATE,))),
        inputs=(Connection("(0)"),),
        position=(0.0, 4.0),
    )
    run = Node(
        "run",
        "genericgenerator",
        parms=(
            Parm("pdg_command", ("`@acme_command`",)),
            Parm("itemcount", (Channel('ch("../limit")', 24),)),
            Parm("sequential", (Token("off"),)),
        ),
        inputs=(Connection("items"),),
        version="1",
        position=(0.0, 2.0),
    )
    output = Node(
        "output0",
        "output",
        parms=(Parm("outputidx", (0,)),),
        inputs=(Connection("run"),),
        outputs=(),
        display=True,
    )
    root = Node(
        "hdaroot", NAME, outputs=(), children=(items, run, output), max_inputs=1, is_network=True, version="1.0"
    )
    return Operator(
        name=NAME,
        label="Acme Lens Sorter",
        table="Top",
        interface=DialogScript(NAME, "Acme Lens Sorter", parameters(), "acme_lens_sorter", input_labels=("Pictures",)),
        contents=root,
        max_inputs=1,
        icon_svg='<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"/>\n',
        help=HELP,
        submenus=("Acme", "Acme/Training"),
        keywords=("sort", "<lens>"),
        python_module="from acme_tools.callbacks import launch, styles\n",
        events={"OnCreated": "kwargs['node'].setComment('made')\n"},
        version="1.0",
        descriptive_parm="pattern",
    )


def library() -> Library:
    """The library that holds it."""
    return Library((operator(),))

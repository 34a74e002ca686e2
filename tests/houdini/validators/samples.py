"""A valid asset, scene, shelf and package, for tests that damage them."""

from __future__ import annotations

import sys
from pathlib import Path

from topforge_scene import asset_files, scene
from topforge_scene.network import Channel, Connection, Node, Parm, StickyNote, Token

from .context import Context

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "unit" / "scene"))

import sample_asset

ASSET = sample_asset.FOLDER
OPERATOR = sample_asset.PATH
CONTENTS = OPERATOR + "/Contents.dir/Contents.mime"
MODULE = """def launch(kwargs):
    return kwargs


def styles(kwargs):
    return []


def open_demo(kwargs, quiet=False):
    return kwargs, quiet
"""
SHELF = """<?xml version="1.0" encoding="UTF-8"?>
<shelfDocument>
  <toolshelf name="acme" label="Acme">
    <memberTool name="acme::open_demo"/>
    <memberTool name="acme::open_again"/>
  </toolshelf>

  <tool name="acme::open_demo" label="Open Demo" icon="TOP_wedge">
    <helpText><![CDATA[Opens the demo.]]></helpText>
    <toolMenuContext name="network"><contextNetType>TOP</contextNetType></toolMenuContext>
    <toolSubmenu>Acme</toolSubmenu>
    <script scriptType="python"><![CDATA[from acme_tools import callbacks
callbacks.open_demo(kwargs)
]]></script>
    <keywordList><keyword>demo</keyword></keywordList>
  </tool>

  <tool name="acme::open_again" label="Open Again" icon="TOP_wedge">
    <helpText><![CDATA[Opens it again.]]></helpText>
    <script scriptType="python"><![CDATA[from acme_tools.callbacks import open_demo
open_demo(kwargs, quiet=True)
]]></script>
  </tool>
</shelfDocument>
"""
PACKAGE = """{
    "name": "acme",
    "version": "1.2",
    "show": true,
    "load_package_once": true,
    "enable": "houdini_version >= '20.5' and houdini_version < '23.0'",
    "hpath": "$ACME",
    "env": [
        { "ACME": { "value": "$HOUDINI_PACKAGE_PATH/acme", "method": "replace" } },
        { "ACME_DEMO": { "value": "$ACME/demo", "method": "replace" } }
    ]
}
"""


def context(folder: Path) -> Context:
    """Makes the module that the samples call, and gives what they are checked against."""
    package = folder / "python" / "acme_tools"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "callbacks.py").write_text(MODULE)
    operator = sample_asset.operator()
    return Context((folder / "python",), {"Top/" + operator.name: operator})


def asset(folder: Path) -> Path:
    """Writes the library below a folder."""
    asset_files.write(sample_asset.library(), folder / ASSET)
    return folder / ASSET


def scene_of() -> scene.Scene:
    """A TOP network with nodes of Houdini's and of ours, and geometry."""
    tokens = Node(
        "tokens",
        "attributecreate",
        (
            Parm("stringattribs", (2,)),
            Parm("stringname1", ("ROOT",)),
            Parm("stringvalue1", ("$HIP/root",)),
            Parm("stringconflict1", (Token("4"),)),
            Parm("stringname2", ("CONFIG",)),
            Parm("stringenable2", (Token("off"),)),
        ),
        version="2",
        position=(0.0, 4.5),
    )
    variables = (
        Parm("environment", (1,)),
        Parm("varname1", ("ACME_ROOT",)),
        Parm("vartype1", (Token("2"),)),
        Parm("strvarvalue1", ("`@ROOT`",)),
    )
    edit = Node("edit", "environmentedit", variables, (Connection("tokens"),), position=(0.0, 3.0))
    sorter = Node(
        "sorter",
        sample_asset.NAME,
        (
            Parm("mode", ("size",)),
            Parm("limited", (Token("off"),)),
            Parm("limit", (Channel('ch("../tokens/framevalue") + 1', 24),)),
            Parm("entries", (1,)),
            Parm("key1", ("a b",)),
        ),
        (Connection("edit"),),
        version="1.0",
        matches_definition=True,
        position=(0.0, 1.5),
    )
    last = Node("all", "waitforall", (), (Connection("sorter"), Connection("edit")), version="1", display=True)
    scheduler = Node(
        "localscheduler",
        "localscheduler",
        (Parm("pdg_workingdir", ("$HIP",)),),
        outputs=(),
        version="1",
        position=(5.0, 4.5),
        render=True,
        color=(0.478, 0.478, 0.478),
    )
    topnet = Node(
        "topnet1",
        "topnet",
        (Parm("topscheduler", ("localscheduler",)),),
        outputs=(),
        children=(scheduler, tokens, edit, sorter, last),
        notes=(StickyNote("__stickynote1", "Cook `all`."),),
        version=scene.VERSION,
        is_network=True,
    )
    code = Parm("python", ("from acme_tools import callbacks\n\ncallbacks.launch(hou.pwd())",))
    load = Node("load", "python", (code,), version=scene.VERSION)
    shown = Node(
        "output0",
        "output",
        (Parm("outputidx", (0,)),),
        (Connection("load"),),
        (),
        display=True,
        render=True,
        version=scene.VERSION,
    )
    geometry = Node(
        "geo1", "geo", outputs=(), children=(load, shown), version=scene.VERSION, display=True, is_network=True
    )
    return scene.Scene({"tasks": (topnet,), "obj": (geometry,)})


ALL = -1


def replaced(data: bytes, before: str, after: str, occurrence: int = 0) -> bytes:
    """A file with one occurrence of a text, or `ALL`, replaced by another; the text must be there."""
    text, position = data.decode("utf-8"), -1
    assert text.count(before) > max(occurrence, 0), "%r is not in the file" % before
    if occurrence == ALL:
        return text.replace(before, after).encode("utf-8")
    for _ in range(occurrence + 1):
        position = text.index(before, position + 1)
    return (text[:position] + after + text[position + len(before) :]).encode("utf-8")

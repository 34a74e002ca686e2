"""The entries of a scene that do not depend on what is in it: as Houdini 20.5.445 writes them, cut to what it needs."""

from __future__ import annotations

import dataclasses
from typing import Dict, Tuple

from topforge_scene import definition_text, node_tables, options, parm_text
from topforge_scene.definition_text import CREATED, GREY, Definition
from topforge_scene.network import Node

VERSION = "20.5.445"
"""Houdini's, as written into scenes and into the nodes of compiled types."""
SAVED = CREATED
"""When our scenes say they were saved, seconds since 1970; constant, so that two builds are the same bytes."""


@dataclasses.dataclass(frozen=True)
class Manager:
    """A network at the root of a scene."""

    table: str
    """Of the nodes in it."""
    height: float
    """Where the root's editor shows it."""
    late: bool = False
    """Its `.net` comes after that of `BEFORE_LATE`, apart from the rest."""


MANAGERS: Dict[str, Manager] = {
    "vex": Manager("Vop", 6.0, late=True),
    "mat": Manager("Vop", 3.75, late=True),
    "obj": Manager("Object", 0.0),
    "out": Manager("Driver", 1.5),
    "ch": Manager("ChopNet", 0.75),
    "shop": Manager("Shop", 2.25),
    "img": Manager("CopNet", 3.0),
    "stage": Manager("Lop", 4.5),
    "tasks": Manager("Top", 5.25),
}
"""In the order of the file."""
BEFORE_LATE = "img"
VARIABLES = {
    "ACTIVETAKE": "Main",
    "E": "2.7182818284590452354",
    "EYE": "stereo",
    "PI": "3.1415926535897932384",
    "_HIP_SAVEPLATFORM": "linux-x86_64-gcc11.2",
    "_HIP_SAVETIME": "Tue Nov 14 22:13:20 2023",
    "_HIP_SAVEVERSION": VERSION,
    "status": "0",
}
"""HIP, HIPFILE, HIPNAME, JOB and POSE are missing: Houdini sets them when it opens the scene."""
HEAD: Dict[str, bytes] = {
    ".start": b"fplayback -i on -r off -f 1 -e on -h on -t on -a on -k on -s 1\ntcur 0\nfps 24\ntset 0 10\n"
    b"frange 1 240\nunitlength 1\nunitmass 1\nprompt '`strcat(oppwf(), \" -> \")`'\n",
    ".variables": b"",
    ".aliases": b"alias matramp 'opramp'\n",
    ".takeconfig": b"takename -g take\n",
    ".hou.session": b"",
    ".OPlibraries": b"",
    ".OPpreferences": b"",
    "expression.func": b"# 0 bytes\n",
}
"""Before the managers; `.variables` is filled in by `scene`."""
TAIL: Dict[str, bytes] = {
    ".scenefilevisualizers": b"",
    ".application": b"viewupdate -u always\n",
    ".takes": b"HoudiniTakeFile 1.0\ntake name Main kids 0\n\x00\x00\x00\x02e\n",
    ".styles": b"\x7fNSJb{}",
    ".contextoptions": b"[\n]\n",
    ".cwd": b"opcf /\ntakeset Main\n",
}
"""After the managers. Left out: `.OPfallbacks`, `.OPdummydefs` (definitions of assets that Houdini ships itself)."""


def manager_entries(name: str) -> Dict[str, bytes]:
    """A manager's own entries: `.def`, `.parm` and `.userdata`."""
    shown = name == "obj"
    flags = node_tables.flags("Manager", Node(name, name, display=shown, render=shown))
    flags["exposed"] = name != "vex"
    if name == "stage":
        flags["debug"] = False
    position: Tuple[float, float] = (0.0, MANAGERS[name].height)
    definition = Definition((), "", position, flags, (), (), GREY)
    return {
        name + ".def": definition_text.write(definition, 0),
        name + ".parm": parm_text.write(()),
        name + ".userdata": options.to_binary({"___Version___": VERSION}),
    }

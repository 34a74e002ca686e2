"""Scenes, odc and text: the container, what every scene has, and the networks in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

from topforge_scene import odc
from topforge_scene.errors import SceneError

from . import mime_text, network, operators, parms, wires
from .context import HOUDINI_VERSION, Context, repository
from .findings import Finding, Findings

MANAGERS = {
    "vex": "Vop",
    "mat": "Vop",
    "obj": "Object",
    "out": "Driver",
    "ch": "ChopNet",
    "shop": "Shop",
    "img": "CopNet",
    "stage": "Lop",
    "tasks": "Top",
}
"""Table of the nodes in each, in the order of the file."""
HEAD = (
    *(".start", ".variables", ".aliases", ".takeconfig", ".hou.session", ".OPlibraries", ".OPpreferences"),
    "expression.func",
)
TAIL = (".scenefilevisualizers", ".application", ".takes", ".styles", ".contextoptions", ".cwd")
EMPTY = (".hou.session", ".OPlibraries", ".OPpreferences", ".scenefilevisualizers")
CONSTANT = {
    ".start": (
        b"fplayback -i on -r off -f 1 -e on -h on -t on -a on -k on -s 1\ntcur 0\nfps 24\ntset 0 10\nfrange 1 240\n"
        b"unitlength 1\nunitmass 1\nprompt '`strcat(oppwf(), \" -> \")`'\n"
    ),
    ".aliases": b"alias matramp 'opramp'\n",
    ".application": b"viewupdate -u always\n",
    "expression.func": b"# 0 bytes\n",
    ".takeconfig": b"takename -g take\n",
    ".takes": b"HoudiniTakeFile 1.0\ntake name Main kids 0\n\0\0\0\2e\n",
    ".styles": b"\x7fNSJb{}",
    ".contextoptions": b"[\n]\n",
    ".cwd": b"opcf /\ntakeset Main\n",
    **dict.fromkeys(EMPTY, b""),
}
OWN_VARIABLES = ("HIP", "HIPFILE", "HIPNAME")
"""What Houdini sets when it opens a scene; a stored one would be of the machine that wrote it."""
SETTING = re.compile(r"set -g ([A-Za-z_]\w*) = '([^'\\\n]*)'\n")
NEEDED_VARIABLES = ("ACTIVETAKE", "E", "EYE", "PI", "_HIP_SAVEVERSION", "_HIP_SAVETIME", "_HIP_SAVEPLATFORM", "status")


def validate_scene(path: Path, context: Context | None = None) -> list[Finding]:
    """Everything that is wrong with a scene of ours, in either form; empty when nothing is.

    Args:
        path: A `.hip`.
        context: What it is checked against; this repository when not given.
    """
    return check_scene(path.read_bytes(), path.name, context)


def check_scene(data: bytes, file: str, context: Context | None = None) -> list[Finding]:
    """The same for a scene that is no file, called `file` in findings."""
    found = Findings()
    entries = _entries(data, file, found)
    if entries is None:
        return found
    _check_entries(entries, file, found)
    _check_variables(entries.get(".variables", b""), file, found)
    surroundings = context or repository()
    assets = {name: operators.of_asset(operator) for name, operator in surroundings.operators.items()}
    for manager, table in MANAGERS.items():
        if manager + ".def" in entries:
            checked = network.Network(entries, manager, table, file, assets, found)
            wires.check(checked)
            parms.check(checked, None, surroundings.python_paths)
            for node in checked.root.all():
                _check_inside(checked, node)
    return found


def _entries(data: bytes, file: str, found: Findings) -> dict[str, bytes] | None:
    if data.startswith(b"MIME"):
        return mime_text.entries(data, file, found)
    try:
        return odc.decode(data, file)
    except SceneError as error:
        found.refused("H-FRAME", error)
        return None


def _check_entries(entries: Mapping[str, bytes], file: str, found: Findings) -> None:
    needed = [*HEAD, *("%s.%s" % (name, end) for name in MANAGERS for end in ("def", "parm", "userdata", "net")), *TAIL]
    for name in needed:
        if name not in entries:
            found.add("H-MISSING", file, "the entry %s, which every scene has" % name)
    for name, content in CONSTANT.items():
        if entries.get(name, content) != content:
            found.add("H-CONSTANT", "%s:%s" % (file, name), "is not what it is in every scene of ours")
    known = re.compile(r"(%s)[./]" % "|".join(MANAGERS))
    for name in entries:
        if name not in needed and not known.match(name):
            found.add("H-ENTRY", file, "the entry %s, which no scene of ours has" % name)
    _check_order(entries, file, found)


def _check_order(entries: Mapping[str, bytes], file: str, found: Findings) -> None:
    if [n for n in entries if n in (*HEAD, *TAIL)] != [n for n in (*HEAD, *TAIL) if n in entries]:
        found.add("H-ORDER", file, "what stands before and after the networks is not in Houdini's order")
    order = [name[: -len(".def")] for name in entries if "/" not in name and name.endswith(".def")]
    if order != [name for name in MANAGERS if name in order]:
        found.add("H-ORDER", file, "the networks are not in Houdini's order")
    nets = [name for name in entries if "/" not in name and name.endswith(".net")]
    expected = ["%s.net" % name for name in (*list(MANAGERS)[2:7], "vex", "mat", "stage", "tasks")]
    if nets != [name for name in expected if name in nets]:
        found.add("H-ORDER", file, "each network ends with its .net; vex and mat end behind img")


def _check_variables(data: bytes, file: str, found: Findings) -> None:
    where = file + ":.variables"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        found.add("H-VARIABLES", where, "not UTF-8")
        return
    values = dict(SETTING.findall(text))
    if SETTING.sub("", text) or list(values) != sorted(values) or len(values) != text.count("set -g "):
        found.add("H-VARIABLES", where, "not sorted lines of the form: set -g NAME = 'value'")
    if values.get("_HIP_SAVEVERSION") != HOUDINI_VERSION:
        found.add("H-VERSION", where, "_HIP_SAVEVERSION is not %s" % HOUDINI_VERSION)
    for name in OWN_VARIABLES:
        if name in values:
            found.add("H-VARIABLES", where, "%s is set by Houdini when the scene is opened" % name)
    for name in NEEDED_VARIABLES:
        if name not in values:
            found.add("H-VARIABLES", where, "%s is missing" % name)


def _check_inside(checked: network.Network, node: network.Node) -> None:
    """A TOP network cooks its displayed node, with the scheduler that it names; geometry shows one."""
    if node.type not in ("topnet", "geo"):
        return
    shown = [child.name for child in node.children if child.definition and child.definition.flags["display"]]
    if node.children and len(shown) != 1:
        checked.add("C-DISPLAY", node.path, "%d nodes have the display flag, not one" % len(shown))
    if node.type == "topnet" and not any(name == "topscheduler" for name, _, _ in node.parms):
        checked.add("C-SCHED", node.path, "no scheduler is named")

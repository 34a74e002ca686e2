"""What differs in a node's entries between the kinds of networks ("Top", "Sop", "Object", ...)."""

from __future__ import annotations

from typing import Dict, Tuple

from topforge_scene.definition_text import FLAGS
from topforge_scene.network import Node

_HEADS = {
    "Sop": ("sopflags sopflags = ",),
    "Object": ("objflags objflags =  origin off", "pretransform UT_DMatrix4 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"),
}
_UNCOMPRESSED = ("Top", "Cop2")
"""Tables whose nodes have `compress off`."""
_MORE_FLAGS = {"Object": ("selectable", True), "Lop": ("debug", False)}
_INSIDE = {
    "topnet": "Top",
    "geo": "Sop",
    "sopnet": "Sop",
    "lopnet": "Lop",
    "ropnet": "Driver",
    "objnet": "Object",
    "chopnet": "Chop",
    "matnet": "Vop",
    "cop2net": "Cop2",
    "dopnet": "Dop",
}


def inside(type_name: str, table: str) -> str:
    """Table of the nodes inside a node of this type; `table`, its own, for a subnet or an asset."""
    return _INSIDE.get(type_name, table)


def head(table: str) -> Tuple[str, ...]:
    """First lines of `.def`."""
    return _HEADS.get(table, ())


def flags(table: str, node: Node) -> Dict[str, bool]:
    """The flags of `.def`, in order."""
    states = dict.fromkeys(FLAGS, False)
    states.update(display=node.display, render=node.render, bypass=node.bypass, exposed=True)
    states.update(compress=table not in _UNCOMPRESSED, colordefault=node.color is None)
    if table in _MORE_FLAGS:
        name, state = _MORE_FLAGS[table]
        states[name] = state
    return states

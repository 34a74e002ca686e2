"""The table of TopForge's nodes: one module for each, with its row `NODE`. Assets, interfaces and help come from it.

Pure: `scripts/build_hdas.py` imports it where there is no Houdini.
"""

from __future__ import annotations

import importlib
from typing import Tuple

from topforge_houdini.nodes.common import NodeEntry

MODULES: Tuple[str, ...] = (
    "train",
    "environment",
    "frames",
    "poses",
    "convert",
    "checkdataset",
    "report",
    "import_result",
)
"""Modules of this package, in the order of documentation. A new node is a module and its name here."""


def table() -> Tuple[NodeEntry, ...]:
    """All nodes."""
    return tuple(importlib.import_module("topforge_houdini.nodes." + name).NODE for name in MODULES)

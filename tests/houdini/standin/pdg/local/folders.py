"""Where a scheduler works, and the `__PDG_*__` tokens."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict

from .._strict import NotInStandIn
from .._view import NodeView, on, whole


def working_folder(view: NodeView) -> str:
    """`pdg_workingdir`, absolute."""
    return str(Path(str(view.evaluate("pdg_workingdir"))).absolute())


def temp_folder(view: NodeView, scene: Dict[str, str]) -> str:
    """`tempdirmenu`: 0 below the working folder, 1 Houdini's temp folder, 2 custom; by default with our process id."""
    menu = whole(view, "tempdirmenu")
    if menu == 0:
        base = working_folder(view) + "/pdgtemp"
    elif menu == 1:
        houdini = os.environ.get("HOUDINI_TEMP_DIR") or str(Path(tempfile.gettempdir()) / "houdini_temp")
        base = "%s/%s/pdgtemp" % (houdini, scene.get("HIPNAME", "untitled"))
    else:
        base = str(view.evaluate("tempdircustom"))
    return "%s/%d" % (base, os.getpid()) if on(view, "tempdirappendpid") else base


def expand(text: str, tokens: Dict[str, str]) -> str:
    """Replaces tokens.

    Raises:
        NotInStandIn: The text still has a token that nothing is known about.
    """
    for token, value in tokens.items():
        text = text.replace("__PDG_%s__" % token, value)
    if "__PDG_" in text:
        raise NotInStandIn("the token in %r" % text)
    return text


def item_tokens(item: Any, server: str, view: NodeView) -> Dict[str, str]:
    """The tokens that are known only when an item is scheduled."""
    return {
        "ITEM_NAME": item.name,
        "ITEM_ID": str(item.id),
        "INDEX": str(item.index),
        "RESULT_SERVER": server,
        "PYTHON": '"%s"' % sys.executable,
        "HYTHON": '"%s"' % _hython(view),
        "HFS": os.environ.get("HFS", ""),
    }


def _hython(view: NodeView) -> str:
    if whole(view, "hythonbin") == 1:
        return str(view.evaluate("hythonbincustomuniversal"))
    return os.environ.get("HFS", "") + "/bin/hython"

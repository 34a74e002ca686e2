"""The one door to `topforge_scene`: the stand-in reads Houdini's files with it, and does not lend it to our code.

Under `hython` the package has to find its own `pipeline` folder. The stand-in therefore imports a private copy there,
and takes the folder off `sys.path` and the modules out of `sys.modules` again.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Dict

_PIPELINE = Path(__file__).resolve().parents[4] / "pipeline"
_NAMES = (
    "network",
    "dialog_script",
    "asset",
    "errors",
    "dialog_text",
    "asset_files",
    "asset_binary",
    "scene",
    "entries",
)


def _load() -> Dict[str, ModuleType]:
    private = os.environ.get("TOPFORGE_STANDIN_HYTHON") == "1"
    if private:
        sys.path.insert(0, str(_PIPELINE))
    try:
        modules = {name: importlib.import_module("topforge_scene." + name) for name in _NAMES}
    finally:
        if private:
            sys.path.remove(str(_PIPELINE))
            for name in [n for n in sys.modules if n.split(".")[0] in ("topforge", "topforge_scene")]:
                del sys.modules[name]
    return modules


_MODULES = _load()
network = _MODULES["network"]
dialog_script = _MODULES["dialog_script"]
asset = _MODULES["asset"]
errors = _MODULES["errors"]
dialog_text = _MODULES["dialog_text"]
asset_files = _MODULES["asset_files"]
asset_binary = _MODULES["asset_binary"]
scene = _MODULES["scene"]
entries = _MODULES["entries"]

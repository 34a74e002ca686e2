"""Where TopForge keeps what can be made again: hashes of captures, compiled extensions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Mapping

VARIABLE = "TOPFORGE_CACHE"
"""Names the folder; a farm may share one."""


def folder(variables: Mapping[str, str]) -> Path:
    """The folder that `TOPFORGE_CACHE` names, else the platform's usual place for a user's caches.

    Args:
        variables: The process environment. It need not be there yet, nor be writable.
    """
    if variables.get(VARIABLE):
        return Path(variables[VARIABLE])
    home = Path(variables["HOME"]) if variables.get("HOME") else Path.home()
    if sys.platform == "win32":
        return Path(variables.get("LOCALAPPDATA") or str(home)) / "TopForge" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "topforge"
    return Path(variables.get("XDG_CACHE_HOME") or str(home / ".cache")) / "topforge"

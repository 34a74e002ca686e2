"""Lock files of torch's extension builds: who holds them, and which were left by a build that was killed.

torch takes the lock by creating a file named `lock` in the extension's build folder, keeps it open while it builds,
and deletes it at the end. A killed build leaves the file, and every later one waits for it for ever.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from topforge import cache

STALE_AFTER_SECONDS = 600.0
"""Younger locks nobody seems to hold may belong to a build on another machine that shares the folder."""

_DEPTHS = ("lock", "*/lock", "*/*/lock", "*/*/*/lock")


@dataclasses.dataclass(frozen=True)
class BuildLock:
    """One lock file."""

    path: Path
    age_seconds: float
    holder: Optional[int]
    """A process of this machine that has it open; None when there is none that we may see."""

    @property
    def stale(self) -> bool:
        """Whether its build is certainly over: nobody holds it and it is old."""
        return self.holder is None and self.age_seconds > STALE_AFTER_SECONDS


def roots(parent: Mapping[str, str], home: Path) -> Tuple[Path, ...]:
    """Folders in which torch builds extensions: its default, the one set in the parent, and TopForge's."""
    caches = Path(parent["XDG_CACHE_HOME"]) if parent.get("XDG_CACHE_HOME") else home / ".cache"
    named = [Path(parent["TORCH_EXTENSIONS_DIR"])] if parent.get("TORCH_EXTENSIONS_DIR") else []
    every = [caches / "torch_extensions", cache.folder(parent) / "torch_extensions", *named]
    return tuple(dict.fromkeys(every))


def find(folders: Iterable[Path]) -> List[BuildLock]:
    """All lock files below `folders`, sorted by path."""
    paths = {path for folder in folders for depth in _DEPTHS for path in folder.glob(depth) if path.is_file()}
    holders = _holders() if paths else {}
    now = time.time()
    return [BuildLock(p, now - p.stat().st_mtime, holders.get(os.path.realpath(str(p)))) for p in sorted(paths)]


def _holders() -> Dict[str, int]:
    """Open file -> process id, for the processes whose open files this user may see (Linux)."""
    found: Dict[str, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                found[os.readlink(str(descriptor))] = int(process.name)
        except OSError:  # it ended meanwhile, or belongs to someone else
            continue
    return found

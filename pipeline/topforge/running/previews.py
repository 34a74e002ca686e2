"""Which picture shows best how a run is doing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from topforge import atomic
from topforge.paths import RunPaths
from topforge.results import Result

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".exr")


def newest(paths: RunPaths) -> Optional[Path]:
    """The preview that was written last, by time and then by name; None while there is none."""
    try:
        with os.scandir(str(paths.previews)) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if _is_picture(entry.name)]
    except OSError:  # no folder yet, or a file that went away meanwhile
        return None
    return Path(max(found)[1]) if found else None


def of_result(paths: RunPaths, result: Result) -> Optional[Path]:
    """The first picture that a finished run published as a preview, else its newest one."""
    published = result.with_role("preview")
    return result.path(published[0]) if published else newest(paths)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not name.startswith(atomic.TEMPORARY)

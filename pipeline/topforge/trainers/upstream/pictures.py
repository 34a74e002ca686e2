"""Previews of an upstream trainer: found in its own folder as they appear, copied where TopForge looks for previews."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Iterable

from topforge import atomic

_PNG_END = b"IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"


def pick_up(folder: Path, patterns: Iterable[str], previews: Path) -> int:
    """Copies the pictures that are complete and new, with their times, so that the newest stays the newest.

    Args:
        folder: The trainer's own; need not exist yet.
        patterns: Of file names in it, as for `Path.glob`.
        previews: The run's previews.

    Returns:
        How many were copied.
    """
    copied = 0
    for pattern in patterns:
        for picture in sorted(folder.glob(pattern)):
            target = previews / picture.name
            if _is_old(target, picture) or not is_complete(picture):
                continue
            previews.mkdir(parents=True, exist_ok=True)
            temporary = previews / (atomic.TEMPORARY + picture.name)
            shutil.copy2(str(picture), str(temporary))
            temporary.replace(target)
            copied += 1
    return copied


def _is_old(target: Path, picture: Path) -> bool:
    try:
        return target.stat().st_mtime >= picture.stat().st_mtime
    except FileNotFoundError:
        return False


def is_complete(path: Path) -> bool:
    """Whether a PNG or JPEG file ends as it must; the trainer may still be writing it."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 8), os.SEEK_SET)
            end = stream.read()
    except OSError:
        return False
    return end.endswith(_PNG_END) if path.suffix.lower() == ".png" else end.endswith(_JPEG_END)

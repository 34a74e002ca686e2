"""Writing so that a file with its final name is always complete."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Iterable, List, Union

TEMPORARY = ".tmp-"
"""Begins the names of files that are not complete yet; those that a killed process left mean nothing."""


def write_bytes(path: Path, data: bytes, durable: bool = True) -> None:
    """`write_parts` of a single one."""
    write_parts(path, [data], durable)


def write_parts(path: Path, parts: Iterable[Union[bytes, memoryview]], durable: bool = True) -> None:
    """Writes `parts` to a temporary neighbour of `path` and renames it into place.

    Args:
        path: Final name; its folder must exist.
        parts: The whole content, one after the other.
        durable: Also force file and folder to disk, so that the rename survives a power cut. Switch off only for
            files that are rewritten many times a minute (progress) or can be recomputed (expanded items).

    Raises:
        OSError: Disk full, read-only folder and the like. The old file, if any, is intact and no temporary remains.
    """
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=str(path.parent))
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(parts)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        temporary.chmod(0o644)  # mkstemp makes 0600; a farm's other users must be able to read a run folder
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def write_text(path: Path, text: str, durable: bool = True) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, text.encode("utf-8"), durable)


def write_json(path: Path, value: Any, durable: bool = True) -> None:
    """`write_bytes` for JSON: strict (no NaN), indented, sorted as given, newline at the end."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", durable)


def remove_temporaries(folder: Path) -> None:
    """Removes the temporary files that a killed or failed writer left in `folder`, which may be missing."""
    for path in beginning_with(folder, TEMPORARY):
        path.unlink()


def beginning_with(folder: Path, start: str) -> List[Path]:
    """What is in `folder`, which may be missing, under names that begin with `start`.

    `Path.glob` would do, but compiles a regular expression for each pattern in every new process.
    """
    try:
        return [path for path in folder.iterdir() if path.name.startswith(start)]
    except FileNotFoundError:
        return []


def sync_folder(folder: Union[str, Path]) -> None:
    """Forces a folder's entries to disk; does nothing where folders cannot be opened (Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

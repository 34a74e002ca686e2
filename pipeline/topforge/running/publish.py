"""Publishing an item's outputs, so that they are seen whole or not at all.

Order: every output is checked, hashed and forced to disk where the trainer wrote it; one rename makes the tree
`result/`; result.json is written last. A crash in between leaves at most a `result/` without result.json, which counts
for nothing and is replaced by the next run.
"""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import Mapping, Sequence, Tuple

from topforge import atomic, results
from topforge.errors import FailureClass, TopForgeError
from topforge.paths import RunPaths
from topforge.results import OutputFile, Result
from topforge.trainers.base import Output


class UnsoundResultError(TopForgeError):
    """The trainer ended without an error, but what it left is not a result."""

    failure_class = FailureClass.TRAINER

    def __init__(self, problem: str) -> None:
        super().__init__(
            "The trainer ended without an error, but %s." % problem,
            "Look at the end of the attempt's log, and change the settings; the same settings end the same way.",
        )


def examine(folder: Path, outputs: Sequence[Output], metrics: Mapping[str, float]) -> Tuple[OutputFile, ...]:
    """Checks what an adapter collected, and forces it to disk.

    Args:
        folder: The trainer's output tree.
        outputs: Files that must be there, inside of it.
        metrics: Final values; must be finite.

    Returns:
        The outputs with sizes and hashes.

    Raises:
        UnsoundResultError: Names the file or metric.
        OSError: Disk full and the like.
    """
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise UnsoundResultError("the metric %s is %r" % (name, value))
    paths = [output.path for output in outputs]
    for path in paths:
        if paths.count(path) > 1:
            raise UnsoundResultError("the output %s is listed twice" % path)
    return tuple(_examine(folder, output) for output in outputs)


def _examine(folder: Path, output: Output) -> OutputFile:
    path = folder / output.path
    inside = results.is_inside(output.path) and folder.resolve() in path.resolve().parents
    if not inside or not path.is_file():
        raise UnsoundResultError("the output %s is %s" % (path, "missing" if inside else "outside of %s" % folder))
    _force_to_disk(path)
    return OutputFile(output.path, output.role, path.stat().st_size, results.sha256(path))


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(paths: RunPaths, result: Result) -> None:
    """Makes `paths.output` the result: one rename, then result.json. The rest of `paths.work` is removed.

    File systems keep the order of the two renames even in a power cut; should one not, a manifest whose outputs are not
    there counts as incomplete (`results.is_complete`).

    Args:
        paths: The run folder; `output` is what `examine` looked at.
        result: What goes into result.json.

    Raises:
        OSError: Disk full and the like. There is no result.json then.
    """
    withdraw(paths)
    for folder in {path.parent for path in (paths.output / output.path for output in result.outputs)}:
        atomic.sync_folder(folder)
    paths.output.replace(paths.result)
    shutil.rmtree(str(paths.work), ignore_errors=True)  # before the disk is forced: deleting afterwards waits for it
    atomic.write_json(paths.manifest, results.to_json(result))


def withdraw(paths: RunPaths) -> None:
    """Removes a result, the manifest first, so that there is never a manifest without its outputs."""
    if paths.manifest.exists():
        paths.manifest.unlink()
        atomic.sync_folder(paths.run)
    if paths.result.exists():
        shutil.rmtree(str(paths.result))

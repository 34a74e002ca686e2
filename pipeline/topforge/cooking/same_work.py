"""The same work under another name: a renamed item takes over what was finished under its former one.

A run folder is named by the item's name and its key, so a new name means a new folder. Where the output folder holds
the finished run of the same key under another name, the new folder is made of it: docs/decisions/0018-renamed-items.md.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from topforge import atomic, platform_posix, results
from topforge.links import link_or_copy
from topforge.paths import RunPaths
from topforge.planning import planned_items
from topforge.planning.planned_items import Planned
from topforge.results import Result

_PATIENCE_SECONDS, _PAUSE_SECONDS = 2.0, 0.05
"""How long the lock of a finished run is waited for: linking its files takes another cook less."""


def found(plan: Sequence[Planned]) -> Iterator[Tuple[Planned, Result]]:
    """Items that have no run folder yet, each with the finished result of the same work beside it.

    Not those that come after others: what they made is about these under their former names.
    """
    listed: Dict[Path, List[Path]] = {}
    for planned in plan:
        output = planned.folder.parent
        named_by_hand = planned.folder != planned_items.planned(planned.item, output).folder
        if planned.item.after or named_by_hand or planned.folder.exists():
            continue
        if output not in listed:
            listed[output] = _run_folders(output)
        same = (folder for folder in listed[output] if folder.name.endswith(planned_items.ending(planned.item)))
        for result in (results.complete(folder, planned.item.key) for folder in same):
            if result is not None:
                yield planned, result
                break


def _run_folders(output: Path) -> List[Path]:
    """What lies in the output folder, without what another cook takes over just now."""
    if not output.is_dir():
        return []
    return sorted(folder for folder in output.iterdir() if not folder.name.startswith(atomic.TEMPORARY))


def take_over(plan: Sequence[Planned]) -> List[Tuple[Planned, Path]]:
    """Makes the run folders of renamed items out of the finished ones, which stay as they are.

    Safe against other runners: the finished run is locked meanwhile, and the new folder appears by one rename, whole.
    A run that cannot be locked, because it is another user's or was removed just now, is not taken over.

    Returns:
        The items, each with the folder that it was made of.

    Raises:
        OSError: The output folder cannot be written.
    """
    taken = []
    for planned, result in found(plan):
        try:
            lock = _locked(result.run)
        except OSError:
            continue
        if lock is None:  # somebody does it anew: then it is not finished
            continue
        try:
            as_it_stands = results.complete(result.run, result.key)
            is_there = planned.folder.exists()  # another cook had the lock
            if as_it_stands is not None and not is_there and _take_over(planned, as_it_stands):
                taken.append((planned, result.run))
        finally:
            os.close(lock)
    return taken


def _locked(run: Path) -> Optional[int]:
    """The lock of a run folder; None where somebody holds it for longer than another cook that takes it over does."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while True:
        lock = platform_posix.try_lock(RunPaths(run).lock)
        if lock is not None or time.monotonic() > ends:
            return lock
        time.sleep(_PAUSE_SECONDS)


def _take_over(planned: Planned, result: Result) -> bool:
    """False where another cook made the new run folder in the meantime."""
    new = planned.folder.with_name("%s%s-of-%s" % (atomic.TEMPORARY, planned.folder.name, result.run.name))
    shutil.rmtree(str(new), ignore_errors=True)  # of a killed cook: whoever has the lock is the only one who makes it
    try:
        new.mkdir()
        _fill(RunPaths(result.run), RunPaths(new))
        atomic.write_json(RunPaths(new).manifest, results.to_json(dataclasses.replace(result, name=planned.item.name)))
        new.rename(planned.folder)
    except OSError:
        if planned.folder.exists():
            return False
        raise
    finally:
        shutil.rmtree(str(new), ignore_errors=True)
    return True


def _fill(old: RunPaths, new: RunPaths) -> None:
    """All that tells of the work. Not what names it (item, state, report): whoever runs the item writes that."""
    for source, target in ((old.result, new.result), (old.checkpoint, new.checkpoint)):
        if source.is_dir():
            shutil.copytree(str(source), str(target), symlinks=True, copy_function=link_or_copy)
    if old.previews.is_dir():
        shutil.copytree(str(old.previews), str(new.previews))
    logs = sorted(old.run.glob("attempt-*.log"))
    for file in (old.metrics, old.checkpoint_owner, *logs):
        if file.exists():
            shutil.copy2(str(file), str(new.run / file.name))

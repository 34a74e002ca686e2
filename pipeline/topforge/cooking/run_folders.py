"""Making run folders ready for a cook."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import List, Sequence

from topforge import items, platform_posix, results
from topforge.errors import FailureClass, TopForgeError
from topforge.paths import RunPaths
from topforge.planning.planned_items import Planned


class InUseError(TopForgeError):
    """A run folder cannot be moved aside because a runner works in it."""

    failure_class = FailureClass.INFRA

    def __init__(self, folder: Path) -> None:
        super().__init__("Another runner works in %s." % folder, "Wait for it or stop it, then use --force again.")


class OtherWorkError(TopForgeError):
    """A run folder given by hand holds the result of another configuration."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "%s holds the result of another configuration or dataset." % folder,
            "Choose another folder, or use --force to move that result aside. To train it longer: `topforge extend`.",
        )


def prepare(plan: Sequence[Planned]) -> None:
    """Makes the run folders and writes each item.json that is not there yet or says something else.

    Raises:
        OtherWorkError: A folder holds the result of other work.
        OSError: The output folder cannot be written.
    """
    for planned in plan:
        paths = RunPaths(planned.folder)
        planned.folder.mkdir(parents=True, exist_ok=True)
        if _says(paths.item, planned.item):
            continue
        if paths.manifest.exists() and not results.is_complete(planned.folder, planned.item.key):
            raise OtherWorkError(planned.folder)
        items.write(paths.item, planned.item)


def _says(path: Path, item: items.Item) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == items.to_json(item))
    except (OSError, ValueError):  # none yet, or a torn one: written anew
        return False


def move_aside(plan: Sequence[Planned]) -> List[Path]:
    """Renames the run folders that exist to `<name>.old-<n>`, so that everything is done anew; deletes nothing.

    Raises:
        InUseError: A runner works in one of them.
    """
    moved = []
    for planned in plan:
        if not planned.folder.exists():
            continue
        lock = platform_posix.try_lock(RunPaths(planned.folder).lock)
        if lock is None:
            raise InUseError(planned.folder)
        number = 1
        while planned.folder.with_name("%s.old-%d" % (planned.folder.name, number)).exists():
            number += 1
        moved.append(planned.folder.with_name("%s.old-%d" % (planned.folder.name, number)))
        planned.folder.rename(moved[-1])
        os.close(lock)
    return moved

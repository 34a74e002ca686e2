"""What an item needs of others: results of those it depends on, and an end of those it comes after."""

from __future__ import annotations

import hashlib
from pathlib import Path

from topforge import results, states
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.planning.fingerprint import DatasetError

STANDING = "after"
"""Key of a result's provenance that holds `standing_of` the item that made it."""


class MissingDependencyError(TopForgeError):
    """An item this one depends on has no complete result."""

    def __init__(self, folder: str) -> None:
        super().__init__("This item depends on %s, which has no complete result." % folder, "Run that item first.")


class NothingBeforeError(TopForgeError):
    """None of the items this one comes after has ended yet."""

    def __init__(self, count: int) -> None:
        super().__init__("None of the %d items this one comes after has ended yet." % count, "Run them first.")


def require(item: Item) -> None:
    """Refuses to start an item too early.

    Raises:
        MissingDependencyError: One that it depends on has no result.
        NothingBeforeError: None of those that it comes after has ended, well or badly.
    """
    for folder in item.depends:
        if not results.is_complete(Path(folder)):
            raise MissingDependencyError(folder)
    if item.after and not any(_has_ended(Path(folder)) for folder in item.after):
        raise NothingBeforeError(len(item.after))


def require_dataset(item: Item) -> None:
    """Refuses to start without what is worked on.

    Raises:
        DatasetError: It is not there, although all that could make it has ended.
    """
    if item.dataset is not None and not Path(item.dataset).exists():
        raise DatasetError(Path(item.dataset), "there is no such file or folder")


def _has_ended(folder: Path) -> bool:
    """Whether it has a result, or a failure that a page can tell of."""
    if results.is_complete(folder):
        return True
    state = states.last(RunPaths(folder).state)
    return state is not None and state.status is states.Status.FAILED


def standing_of(item: Item) -> str:
    """A hash that changes when one of the items that `item` comes after ends anew; "" when it comes after none."""
    if not item.after:
        return ""
    times = "".join("%d\n" % _last_change(RunPaths(Path(folder))) for folder in item.after)
    return hashlib.sha256(times.encode("utf-8")).hexdigest()


def _last_change(paths: RunPaths) -> int:
    """When the item last got a result, else a state; in nanoseconds, 0 for never."""
    for file in (paths.manifest, paths.state):
        try:
            return file.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return 0

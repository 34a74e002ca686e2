"""What an item needs of others: results of those it depends on, and an end of those it comes after."""

from __future__ import annotations

import hashlib
from pathlib import Path

from topforge import results
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths

STANDING = "after"
"""Key of a result's provenance that holds `standing_of` the item that made it."""


class MissingDependencyError(TopForgeError):
    """An item this one depends on has no complete result."""

    def __init__(self, folder: str) -> None:
        super().__init__("This item depends on %s, which has no complete result." % folder, "Run that item first.")


class NothingBeforeError(TopForgeError):
    """None of the items this one comes after has a complete result."""

    def __init__(self, count: int) -> None:
        super().__init__("None of the %d items this one comes after has a complete result." % count, "Run them first.")


def require(item: Item) -> None:
    """Refuses to start an item too early.

    Raises:
        MissingDependencyError: One that it depends on has no result.
        NothingBeforeError: None of those that it comes after has one.
    """
    for folder in item.depends:
        if not results.is_complete(Path(folder)):
            raise MissingDependencyError(folder)
    if item.after and not any(results.is_complete(Path(folder)) for folder in item.after):
        raise NothingBeforeError(len(item.after))


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

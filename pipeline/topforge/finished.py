"""Whether an item is done already. Imports as little as it can: engines ask again and again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Optional

from topforge import results, states
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.results import Result
from topforge.states import Status

AFTER = "after"
"""Key of a result's provenance that tells how the items it came after stood: `standing_of` them."""


class OtherResultError(TopForgeError):
    """The run folder holds the result of other work."""

    def __init__(self, paths: RunPaths, key: str) -> None:
        super().__init__(
            "%s is the result of other work (key %s...), which item.json no longer describes."
            % (paths.manifest, key[:12]),
            "Use another run folder, or run with --force to replace that result.",
        )


def published(paths: RunPaths, item: Item, verify: bool = False) -> Optional[Result]:
    """The result of this very item if it is there, whole, and about the items it comes after as they stand now.

    Args:
        paths: The item's run folder.
        item: As read from it.
        verify: Also compare the outputs' hashes.

    Raises:
        OtherResultError: The result of other work is there.
    """
    if not paths.manifest.exists():
        return None
    try:
        result = results.read(paths.run)
    except results.ResultError:  # damaged: to be replaced
        return None
    if result.key != item.key:
        raise OtherResultError(paths, result.key)
    if item.after and result.provenance.get(AFTER) != standing_of(item):
        return None
    return result if results.has_outputs(result, verify) else None


def finished(paths: RunPaths, item: Item, verify: bool = False) -> Optional[Result]:
    """`published`, if the state says so too: nothing at all is left to do."""
    result = published(paths, item, verify)
    if result is None:
        return None
    state = states.read(paths.state)
    return result if state is not None and state.status is Status.DONE else None


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

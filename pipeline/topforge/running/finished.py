"""Whether an item is done already. Imports as little as it can: engines ask again and again."""

from __future__ import annotations

from typing import Optional

from topforge import results, states
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.results import Result
from topforge.running import dependencies
from topforge.states import Status


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
        found = results.read(paths.run)
    except results.ResultError:  # damaged: to be replaced
        return None
    if found.key != item.key:
        raise OtherResultError(paths, found.key)
    if item.after and found.provenance.get(dependencies.STANDING) != dependencies.standing_of(item):
        return None
    return found if results.has_outputs(found, verify) else None


def result(paths: RunPaths, item: Item, verify: bool = False) -> Optional[Result]:
    """`published`, if the state says so too: nothing at all is left to do."""
    found = published(paths, item, verify)
    if found is None:
        return None
    state = states.last(paths.state)
    return found if state is not None and state.status is Status.DONE else None

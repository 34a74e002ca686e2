"""Whether an item is done already. Imports as little as it can: engines ask again and again."""

from __future__ import annotations

from topforge import results, states
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.states import Status


class OtherResultError(TopForgeError):
    """The run folder holds the result of other work."""

    def __init__(self, paths: RunPaths, key: str) -> None:
        super().__init__(
            "%s is the result of other work (key %s...), which item.json no longer describes."
            % (paths.manifest, key[:12]),
            "Use another run folder, or run with --force to replace that result.",
        )


def is_published(paths: RunPaths, item: Item, verify: bool = False) -> bool:
    """Whether the result of this very item is there, whole.

    Args:
        paths: The item's run folder.
        item: As read from it.
        verify: Also compare the outputs' hashes.

    Raises:
        OtherResultError: The result of other work is there.
    """
    if not paths.manifest.exists():
        return False
    try:
        key = results.read(paths.run).key
    except results.ResultError:  # damaged: to be replaced
        return False
    if key != item.key:
        raise OtherResultError(paths, key)
    return results.is_complete(paths.run, item.key, verify)


def is_finished(paths: RunPaths, item: Item, verify: bool = False) -> bool:
    """`is_published`, and the state says so too: nothing at all is left to do."""
    if not is_published(paths, item, verify):
        return False
    state = states.read(paths.state)
    return state is not None and state.status is Status.DONE

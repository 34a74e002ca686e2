"""Whose saved states are in `checkpoint/`. Trainers need not know: states of other work are never within their reach.

Other work is another item written into the same folder, or the same item with settings lowered after out-of-memory. Its
states are kept aside, not deleted, and come back when that work is taken up again.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import List, Sequence

from topforge import atomic
from topforge.errors import TopForgeError
from topforge.links import link_or_copy
from topforge.paths import RunPaths


class NoStatesError(TopForgeError):
    """There is nothing to continue from."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "%s holds no saved state of its item: none was written yet, it was made with settings lowered after "
            "out-of-memory, or the run is finished and was not to keep it (keep_checkpoint)." % folder,
            "Train anew with the later end: `topforge train`, or the job with the larger value.",
        )


def owner_of(key: str, lowered: Sequence[str]) -> str:
    """The name of some work: the item's key, or a hash of it and of what was lowered."""
    return hashlib.sha256("\n".join([key, *lowered]).encode("utf-8")).hexdigest() if lowered else key


def claim(paths: RunPaths, owner: str) -> str:
    """Makes `checkpoint/` the folder of `owner`'s states; it may be absent, for the trainer to make.

    A crash between any two lines is made good by the next call.

    Returns:
        What was done about states of other work, a sentence for the log; "" when there were none.
    """
    news = ""
    current = _owner(paths)
    if paths.checkpoint.exists() and current != owner:
        aside = paths.foreign_checkpoint(current)
        if aside.exists():
            shutil.rmtree(str(aside))
        paths.checkpoint.replace(aside)
        news = "The saved states belong to other work; refused, and kept aside in %s." % aside.name
    if current != owner:
        atomic.write_text(paths.checkpoint_owner, owner + "\n", durable=False)
    own = paths.foreign_checkpoint(owner)
    if own.exists() and not paths.checkpoint.exists():
        own.replace(paths.checkpoint)
        news = (news + " Saved states of this work, kept aside before, are used again.").strip()
    return news


def _owner(paths: RunPaths) -> str:
    try:
        return paths.checkpoint_owner.read_text(encoding="utf-8").strip() or "unknown"
    except FileNotFoundError:
        return "unknown"


def hand_on(paths: RunPaths, key: str, heir: RunPaths, heir_key: str) -> None:
    """Makes saved states also those of another item, whose runner finds them kept aside in its run folder.

    Files are linked where the file system can, else copied. Does nothing where the other item has states already.

    Args:
        paths: Where the states are. Nothing is changed there.
        key: Whose states they have to be.
        heir: The other item's run folder, which exists.
        heir_key: The other item's key.

    Raises:
        NoStatesError: There are none of that item.
        OSError: They cannot be linked or copied.
    """
    aside = heir.foreign_checkpoint(heir_key)
    if aside.exists() or _owner(heir) == heir_key:
        return
    states = _states(paths) if _owner(paths) == key else []
    if not states:
        raise NoStatesError(paths.run)
    aside.mkdir()
    for state in states:
        if state.is_dir():  # upstream trainers keep folders beside their states
            shutil.copytree(str(state), str(aside / state.name))
            continue
        link_or_copy(str(state), str(aside / state.name))


def _states(paths: RunPaths) -> List[Path]:
    if not paths.checkpoint.is_dir():
        return []
    return [path for path in paths.checkpoint.iterdir() if not path.name.startswith(atomic.TEMPORARY)]


def settle(paths: RunPaths, keep: bool) -> None:
    """The work is published: its last states stay if `keep`, all others go."""
    if not keep:
        remove(paths)
        return
    for folder in atomic.beginning_with(paths.run, paths.foreign_checkpoint("").name):
        shutil.rmtree(str(folder), ignore_errors=True)


def remove(paths: RunPaths) -> None:
    """Deletes all saved states: the work is to be done anew, or is published and not to be continued."""
    for folder in (paths.checkpoint, *atomic.beginning_with(paths.run, paths.foreign_checkpoint("").name)):
        shutil.rmtree(str(folder), ignore_errors=True)

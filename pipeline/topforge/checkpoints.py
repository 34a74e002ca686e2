"""Whose saved states are in `checkpoint/`. Trainers need not know: states of other work are never within their reach.

Other work is another item written into the same folder, or the same item with settings lowered after out-of-memory. Its
states are kept aside, not deleted, and come back when that work is taken up again.
"""

from __future__ import annotations

import hashlib
import shutil
from typing import Sequence

from topforge import atomic
from topforge.paths import RunPaths


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


def remove(paths: RunPaths) -> None:
    """Deletes all saved states: the work is published, or to be done anew."""
    for folder in (paths.checkpoint, *atomic.beginning_with(paths.run, paths.foreign_checkpoint("").name)):
        shutil.rmtree(str(folder), ignore_errors=True)

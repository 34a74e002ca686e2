"""When a run's state is written, so that it costs little: the GPU waits while it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict

from topforge_train.training import checkpoint
from topforge_train.training.checkpoint import Checkpoint

SHARE = 0.05
"""Of the training that writing checkpoints on the way may take: after one that took a second, 20 seconds have none."""


class Saver:
    """Writes the checkpoints of a run, and rests after each for as long as it should have none."""

    def __init__(self, folder: Path, identity: Dict[str, Any]) -> None:
        """Takes what `checkpoint.save` needs; nothing is written yet."""
        self._folder, self._identity = folder, identity
        self._rested = time.monotonic()

    @property
    def rests(self) -> bool:
        """Whether the last checkpoint is so recent, for what it took, that one on the way is put off."""
        return time.monotonic() < self._rested

    def save(self, state: Checkpoint) -> None:
        """Writes a checkpoint, at rest or not.

        Raises:
            NotSavedError: Disk full and the like; earlier checkpoints are intact.
        """
        began = time.monotonic()
        checkpoint.save(self._folder, self._identity, state)
        ended = time.monotonic()
        self._rested = ended + (ended - began) / SHARE

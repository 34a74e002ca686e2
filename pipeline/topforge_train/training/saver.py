"""When a run's state is written, and by whom: beside the training, which only waits until it is copied.

A farm's file server may take seconds for what a GPU trains in one.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Optional

from topforge_train.training import checkpoint
from topforge_train.training.checkpoint import Checkpoint, Packed

SHARE = 0.05
"""Of the time that writing checkpoints on the way may take: after one that took a second, 20 seconds have none."""


class Saver:
    """Writes the checkpoints of a run, one at a time, and rests after each for as long as it should have none."""

    def __init__(self, folder: Path, identity: Dict[str, Any]) -> None:
        """Takes what `checkpoint.pack` and `write` need; nothing is written yet."""
        self._folder, self._identity = folder, identity
        self._rested = time.monotonic()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="topforge-checkpoint")
        self._writing: Optional[Future[None]] = None

    @property
    def rests(self) -> bool:
        """Whether the last checkpoint is so recent, for what it took, that one on the way is put off.

        Raises:
            NotSavedError: The last one could not be written.
        """
        if self._writing and not self._writing.done():
            return True
        self.wait()
        return time.monotonic() < self._rested

    def save(self, state: Checkpoint) -> None:
        """Begins to write a checkpoint, at rest or not; the state may change as soon as this returns.

        Raises:
            NotSavedError: The one before could not be written (disk full and the like); earlier ones are intact.
        """
        self.wait()
        began = time.monotonic()
        packed = checkpoint.pack(self._identity, state)
        self._writing = self._thread.submit(self._write, packed, began)

    def wait(self) -> None:
        """Returns once everything is written.

        Raises:
            NotSavedError: It could not be.
        """
        writing, self._writing = self._writing, None
        if writing:
            writing.result()

    def _write(self, packed: Packed, began: float) -> None:
        checkpoint.write(self._folder, packed)
        ended = time.monotonic()
        self._rested = ended + (ended - began) / SHARE

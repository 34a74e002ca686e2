"""The lines a run prints: nvdiffrec's own form for people and old parsers, and one machine line beside it."""

from __future__ import annotations

import os
import sys
import time
from typing import Dict, Optional, TextIO

TRAINING_SHARE = 0.95
"""Of a run's progress; the rest is writing the asset and measuring it."""


def remaining(seconds: float) -> str:
    """Seconds as nvdiffrec prints them: "42.00 s", "3.05 m", "1.20 h"."""
    if seconds >= 3600:
        return "%.2f h" % (seconds / 3600)
    return "%.2f m" % (seconds / 60) if seconds >= 60 else "%.2f s" % seconds


class Reporter:
    """Prints progress at most every `interval` seconds; stage changes at once."""

    def __init__(self, stream: Optional[TextIO] = None, quiet: bool = False):
        """Prints to `stream`, by default standard output. TOPFORGE_REPORT_INTERVAL overrides the half second.

        Args:
            stream: Where to.
            quiet: Prints nothing: one of several processes that train together speaks for all.
        """
        self._quiet = quiet
        self._stream = stream if stream is not None else sys.stdout
        self._interval = float(os.environ.get("TOPFORGE_REPORT_INTERVAL", "0.5"))
        self._next = 0.0

    def message(self, text: str) -> None:
        """A line for people."""
        if not self._quiet:
            print(text, file=self._stream, flush=True)

    def due(self) -> bool:
        """Whether enough time has passed to print another line."""
        return not self._quiet and time.monotonic() >= self._next

    def stage(self, stage: str, progress: float, message: str = "", **values: float) -> None:
        """The machine line: `topforge stage=train progress=0.4213 psnr=27.31 message=...`.

        Args:
            stage: "prepare", "train", "export", ...
            progress: 0 to 1 over the whole run.
            message: For people; the rest of the line.
            values: Numbers for the curves.
        """
        self._next = time.monotonic() + self._interval
        parts = ["stage=%s" % stage, "progress=%.4f" % progress]
        parts += ["%s=%.6g" % (key, value) for key, value in values.items()]
        self.message("topforge " + " ".join(parts) + (" message=" + message if message else ""))

    def iteration(self, step: int, losses: Dict[str, float], rate: float, milliseconds: float, left: float) -> None:
        """Nvdiffrec's line for an iteration of the current pass."""
        self.message(
            "iter=%5d, img_loss=%.6f, reg_loss=%.6f, lr=%.5f, time=%.1f ms, rem=%s"
            % (step, losses["image"], losses["regulariser"], rate, milliseconds, remaining(left))
        )

"""What every stage of a run shares: options, operators, photographs, folders, the clock, and the request to stop."""

from __future__ import annotations

import dataclasses
import signal
import time
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any, Dict, List, Optional, Tuple

import torch

from topforge.trainers.builtin_options import MONITORING, BuiltinOptions
from topforge_train.backend.interface import Backend
from topforge_train.evaluation.pictures import PictureWriter
from topforge_train.training.distributed import Ranks
from topforge_train.training.progress import Reporter
from topforge_train.training.saver import Saver
from topforge_train.views.data import ImageSet
from topforge_train.views.preparation import Prepared, prepare

PASSES = 2
"""Of a run from the beginning; see `Session.passes`."""
AGREED_EVERY = 8
"""Iterations between two agreements of several processes about the time and requests to stop: each costs a tenth of a
millisecond, in which their hosts wait for each other."""


@dataclasses.dataclass
class Clock:
    """Seconds over all attempts of a run, each from the start of its process."""

    before: float = 0.0
    """Of earlier attempts, up to the state that this one continues."""
    started: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return self.before + time.monotonic() - self.started


@dataclasses.dataclass
class Session:
    """Built once in `__main__`, handed to every stage."""

    options: BuiltinOptions
    backend: Backend
    training: ImageSet
    validation: ImageSet
    output: Path
    checkpoints: Path
    previews: Path
    reporter: Reporter
    clock: Clock = dataclasses.field(default_factory=Clock)
    ranks: Ranks = dataclasses.field(default_factory=Ranks)
    pictures: PictureWriter = dataclasses.field(default_factory=PictureWriter)
    stop_requested: bool = False
    lowered: List[str] = dataclasses.field(default_factory=list)
    """What was changed to fit into memory, a sentence each; in the summary and in the report."""
    setbacks: List[str] = dataclasses.field(default_factory=list)
    """What had to be left out or done again because it was no number, a sentence each; in the summary."""

    def __post_init__(self) -> None:
        """Nobody has asked for anything yet."""
        self._signals = (0.0, False)

    def note_lowered(self, sentence: str) -> None:
        """Remembers and tells what was lowered to fit into memory."""
        self.lowered.append(sentence)
        self.reporter.message("Out of memory; %s." % sentence)

    @property
    def device(self) -> torch.device:
        """Where the work is done. Random numbers are drawn on the CPU and moved, the same on every device."""
        return self.backend.device

    @cached_property
    def prepared(self) -> Prepared:
        """What the photographs say about themselves, found when it is first asked for."""
        found = prepare(self.backend, self.training, self.options)
        for remark in found.remarks:
            self.reporter.message(remark)
        return found

    @cached_property
    def saver(self) -> Saver:
        """Writes the checkpoints of all passes."""
        return Saver(self.checkpoints, self.identity)

    @property
    def passes(self) -> int:
        """How many passes the run has: a base mesh makes the first unnecessary."""
        return 1 if self.options.base_mesh else PASSES

    def order(self, training_pass: int) -> int:
        """Place of pass 0 or 1 among those that the run has."""
        return training_pass - (PASSES - self.passes)

    @property
    def identity(self) -> Dict[str, Any]:
        """The options that decide the result."""
        return {k: v for k, v in dataclasses.asdict(self.options).items() if k not in MONITORING}

    def listen_for_stop(self) -> None:
        """Makes SIGTERM and SIGINT a request: the loop saves within one iteration and ends."""

        def request(_: int, __: Optional[FrameType]) -> None:
            self.stop_requested = True

        signal.signal(signal.SIGTERM, request)
        signal.signal(signal.SIGINT, request)

    def signals(self, step: int) -> Tuple[float, bool]:
        """What the clock says and whether to stop, the same on all ranks; of several only now and then anew."""
        if self.ranks.size == 1 or step % AGREED_EVERY == 0:
            return self.agreed_signals()
        return self._signals

    def agreed_signals(self) -> Tuple[float, bool]:
        """The same, anew in any case; all ranks wait for each other."""
        elapsed, stop = self.ranks.greatest(self.clock.elapsed, float(self.stop_requested))
        self._signals = (elapsed, bool(stop))
        return self._signals

    def generator(self, training_pass: int, step: int) -> torch.Generator:
        """Random numbers of one iteration.

        Each iteration draws from its own generator, so that a resumed run draws what the uninterrupted one would have
        drawn and nothing about randomness has to be saved.
        """
        mixed = (self.options.seed * 1_000_003 + training_pass) * 1_000_003 + step
        return torch.Generator().manual_seed(mixed % 2**63)

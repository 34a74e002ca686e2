"""Failures that own their sentence: what happened, where, and what to do next.

Call sites pass values, not prose. Every error names a `FailureClass`, which decides whether a runner may try again,
and through it the exit code that engines see.
"""

from __future__ import annotations

import enum


class FailureClass(str, enum.Enum):
    """Why an item failed, and with that: whether another attempt can help."""

    CONFIG = "config"
    """The input is wrong (key, value, dataset, missing package). Never retried: it would fail the same way."""
    OOM = "oom"
    """The device or the host ran out of memory. Retried once, with lower settings that are named."""
    INFRA = "infra"
    """The machine failed us (killed child, full disk, lost mount). Retried with a growing pause."""
    PREEMPTED = "preempted"
    """Someone asked us to stop and the state was saved. Free to run again; resumes from the checkpoint."""
    TRAINER = "trainer"
    """The trainer ran and ended badly (diverged, empty mesh). Not retried: the same seed ends the same way."""
    INTERNAL = "internal"
    """A defect of ours. Not retried; the traceback is in the attempt log."""


EXIT_CODES = {
    FailureClass.CONFIG: 78,  # EX_CONFIG
    FailureClass.OOM: 71,  # EX_OSERR
    FailureClass.INFRA: 74,  # EX_IOERR
    FailureClass.PREEMPTED: 143,  # as if by SIGTERM, after a save
    FailureClass.TRAINER: 65,  # EX_DATAERR
    FailureClass.INTERNAL: 70,  # EX_SOFTWARE
}
EXIT_BUSY = 75
"""EX_TEMPFAIL: every suitable device is leased and the caller asked not to wait."""


class TopForgeError(Exception):
    """Base of all failures TopForge reports to a person.

    Args:
        reason: What happened and where, one sentence, naming file, key and value.
        fix: What to do next, one imperative sentence.
    """

    failure_class = FailureClass.CONFIG

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__("%s %s" % (reason, fix))
        self.reason = reason
        self.fix = fix

    @property
    def exit_code(self) -> int:
        """The process exit code that stands for this failure."""
        return EXIT_CODES[self.failure_class]

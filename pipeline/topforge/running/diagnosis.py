"""Why a child failed, in words a person can act on: the adapter's own diagnosis first, then what is common to all."""

from __future__ import annotations

import errno
import re
import signal
from typing import Optional, Sequence

from topforge import platform_posix
from topforge.errors import EXIT_CODES, FailureClass, TopForgeError
from topforge.running.process import OVERTIME, SILENT, Ending
from topforge.running.stopping import CANCELLED, PREEMPTED
from topforge.trainers.base import Diagnosis

TAIL_LINES = 200
"""Lines of output that a diagnosis sees."""
_BLOCK_LINES = 30
_PLAIN_LINES = 5
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Patterns are compiled when something failed, not at each start.
_OUT_OF_DEVICE_MEMORY = (
    r"(?i)CUDA out of memory|OutOfMemoryError|CUDA(_ERROR| error): ?_?out.of.memory|CUDNN_STATUS_ALLOC_FAILED"
)
_OUT_OF_HOST_MEMORY = r"(?m)^MemoryError|std::bad_alloc|Cannot allocate memory|ArrayMemoryError"
_NO_SPACE = r"No space left on device|Disk quota exceeded|File too large|\[Errno (28|122|27)\]"
_NO_MODULE = r"(?m)^(?:ModuleNotFoundError|ImportError): (.*)$"
_CHILD_CODES = {code: failure_class for failure_class, code in EXIT_CODES.items()}
"""A child that is ours, or follows our convention, says its class by its exit code."""
_FIXES = {
    FailureClass.CONFIG: "Correct what it names; running it again unchanged fails the same way.",
    FailureClass.OOM: "Lower resolution, batch or grid, or use a machine with more memory.",
    FailureClass.INFRA: "Look at the machine; running the item again resumes from its last checkpoint.",
    FailureClass.PREEMPTED: "Run the item again; it resumes from its last checkpoint.",
    FailureClass.TRAINER: "Read the end of the attempt's log; the same settings end the same way.",
    FailureClass.INTERNAL: "This is a defect of TopForge: please report it with the attempt's log.",
}


class ItemFailedError(TopForgeError):
    """An attempt failed; class, reason and fix are a diagnosis's."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.reason, diagnosis.fix)
        self.failure_class = diagnosis.failure_class


class CancelledError(TopForgeError):
    """Somebody asked us to stop: not a failure of the item, whose state becomes `cancelled`."""

    failure_class = FailureClass.PREEMPTED

    def __init__(self, where: str) -> None:
        super().__init__("Cancelled %s." % where, _FIXES[FailureClass.PREEMPTED])


class DiskFullError(TopForgeError):
    """There is not enough room for the run. Not tried again by itself: seconds do not free a disk."""

    failure_class = FailureClass.INFRA

    def __init__(self, folder: str, needed: int, free: int, said: str = "") -> None:
        known = said or "At least %d bytes are needed, %d are free." % (needed, free)
        super().__init__(
            "The disk of %s is full. %s" % (folder, known),
            "Free some space (temporary files of this run are removed already; its last checkpoint is kept) "
            "and run the item again.",
        )


def is_disk_full(error: BaseException) -> bool:
    """Whether an error of ours means "no room"."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL


def says_disk_full(ending: Ending, tail: Sequence[str]) -> bool:
    """Whether a failed child's last lines (or its signal: SIGXFSZ) mean "no room"."""
    return ending.exit_code == platform_posix.FILE_TOO_LARGE or bool(re.search(_NO_SPACE, "\n".join(tail)))


def of_request(request: str, where: str) -> TopForgeError:
    """What a request to stop makes of the item: cancelled, or failed as preempted."""
    if request == CANCELLED:
        return CancelledError(where)
    reason = "Preempted %s." % where
    return ItemFailedError(Diagnosis(FailureClass.PREEMPTED, reason, _FIXES[FailureClass.PREEMPTED]))


def of_stop(step: str, ending: Ending, silence_seconds: float, limit_seconds: float) -> Optional[TopForgeError]:
    """The failure of a child that we stopped; None when it ended by itself."""
    if ending.stopped in (CANCELLED, PREEMPTED):
        saved = "it did not stop in time and was killed" if ending.killed else "it stopped when asked"
        return of_request(ending.stopped, 'in step "%s": %s' % (step, saved))
    diagnosis = _of_limit(step, ending.stopped, silence_seconds, limit_seconds)
    return ItemFailedError(diagnosis) if diagnosis else None


def _of_limit(step: str, stopped: Optional[str], silence_seconds: float, limit_seconds: float) -> Optional[Diagnosis]:
    if stopped == SILENT:
        return Diagnosis(
            FailureClass.INFRA,
            'Step "%s" printed nothing for %g s and was stopped as hung (needs.silence_limit_seconds).'
            % (step, silence_seconds),
            "Look at the end of the attempt's log for what it waited for; raise the limit if the silence is normal.",
        )
    if stopped == OVERTIME:
        return Diagnosis(
            FailureClass.CONFIG,
            'Step "%s" was stopped: the item took longer than its limit of %g s (needs.time_limit_seconds).'
            % (step, limit_seconds),
            "Raise the limit or lower the work; running it again resumes from the last checkpoint.",
        )
    return None


def of_exit(step: str, exit_code: int, tail: Sequence[str]) -> Diagnosis:
    """The diagnosis of a child that ended badly by itself, from its exit code and last lines."""
    text, block = "\n".join(tail), error_block(tail)
    how = 'Step "%s" %s' % (step, _how(exit_code))
    if re.search(_OUT_OF_DEVICE_MEMORY, text):
        return _diagnosis(FailureClass.OOM, how + ": the GPU's memory is not enough", block)
    if re.search(_OUT_OF_HOST_MEMORY, text):
        return _diagnosis(FailureClass.OOM, how + ": the machine's memory is not enough", block)
    if exit_code in (platform_posix.KILLED, 128 - platform_posix.KILLED):
        how += " (somebody's kill -9, or the system's when memory ran out: see `dmesg`)"
        return _diagnosis(FailureClass.INFRA, how, block)
    if exit_code == platform_posix.TERMINATED:
        return _diagnosis(FailureClass.PREEMPTED, how + ", by somebody else than its runner", block)
    missing = re.search(_NO_MODULE, text)
    if missing:
        fix = "Install it into the item's environment; `topforge doctor` checks what a trainer needs."
        return _diagnosis(FailureClass.CONFIG, how + ": " + missing.group(1), block, fix)
    return _diagnosis(_CHILD_CODES.get(exit_code, FailureClass.TRAINER), how, block)


def _diagnosis(failure_class: FailureClass, reason: str, block: str, fix: str = "") -> Diagnosis:
    reason = reason + (":\n" + block if block else " and printed nothing.")
    return Diagnosis(failure_class, reason, fix or _FIXES[failure_class])


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return "ended with exit code %d" % exit_code
    return "was ended by signal %d (%s)" % (-exit_code, signal.strsignal(-exit_code) or "real-time")


def error_block(tail: Sequence[str]) -> str:
    """The last error in some output: the last Python traceback with its exception, else the last lines."""
    lines = [line.rstrip() for line in tail if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    return "\n".join(lines[starts[-1] :][-_BLOCK_LINES:] if starts else lines[-_PLAIN_LINES:])

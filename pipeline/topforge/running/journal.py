"""An item's voice while a runner works on it: state.json, metrics.csv, attempt-N.log, stdout, and PDG.

Disk first, then stdout, then PDG; each at most twice a second, however much the trainer prints.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Optional, Sequence, TextIO

from topforge import atomic, states
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.results import Result
from topforge.running import diagnosis, progress
from topforge.running.metrics_table import MetricsTable
from topforge.running.pdg_report import News, PdgReport
from topforge.states import State, Status
from topforge.trainers.base import Report, Step

_PERIOD_SECONDS = 0.5
_HEARTBEAT_SECONDS = 10.0
"""A living runner renews state.json this often, so that a monitor can tell it from a dead machine."""
NOTE = "[topforge] "
"""Begins the lines of an attempt's log that are ours."""


class Journal:
    """What is told about one item. Only the runner that holds the item's lock may have one."""

    def __init__(self, paths: RunPaths, output: Optional[TextIO]) -> None:
        """Remembers where to tell; `output` receives the lines engines read, None for nobody."""
        self._paths, self._output = paths, output
        self._state = State(Status.WAITING, host=platform.node(), process=os.getpid())
        self._pdg = PdgReport(os.environ, self.say)
        self._said: Sequence[str] = ()

    def say(self, line: str) -> None:
        """Prints a line for engines and people; a reader that went away is no reason to stop."""
        if self._output is None:
            return
        try:
            self._output.write(line + "\n")
            self._output.flush()
        except (OSError, ValueError):  # broken pipe, full disk behind a redirection, closed stream
            self._output = None

    def waiting(self, message: str, attempt: int) -> None:
        """The item waits; written when the message is another one or the last write is old."""
        stale = time.time() - self._state.updated >= _HEARTBEAT_SECONDS
        if stale or self._state.status is not Status.WAITING or self._state.message != message:
            news = self._state.message != message
            self._write(Status.WAITING, message=message, attempt=attempt, stage=None, seconds_left=None, devices=None)
            if news:
                self.say("openjd_status: %s" % message)
                self._pdg.waiting(message)

    def running(self, attempt: int, devices: Optional[str], tracker: progress.Tracker) -> None:
        """The item runs, as far as `tracker` says."""
        self._write(
            Status.RUNNING,
            message=tracker.message,
            stage=tracker.stage,
            progress=tracker.progress,
            seconds_left=tracker.seconds_left(time.monotonic()),
            metrics=dict(tracker.metrics) or None,
            attempt=attempt,
            devices=devices,
        )
        lines = progress.dialects(tracker.progress, tracker.message)
        if lines != self._said:
            self._said = lines
            self.say("\n".join(lines))
        self._pdg.progress(self._paths, _news(tracker))

    def attempt_begins(self, log: Path) -> None:
        """An attempt begins, which writes the file `log`."""
        self._pdg.attempt(log)

    def attempt_ends(self, tracker: progress.Tracker) -> None:
        """It ended where `tracker` says; how, is told next."""
        self._pdg.hold(_news(tracker))

    def done(self, result: Result, message: str, attempt: int) -> None:
        """The item is done; `message` also tells what went less well than it should."""
        self._write(
            Status.DONE,
            message=message,
            stage=None,
            progress=1.0,
            seconds_left=None,
            metrics=dict(result.metrics),
            attempt=attempt,
        )
        self.say("\n".join(progress.dialects(1.0, message)))
        self._pdg.done(self._paths, result)

    def queued(self, message: str) -> None:
        """The runner gives up without having tried; somebody else may."""
        self._write(Status.QUEUED, message=message)

    def ended(self, failure: TopForgeError) -> None:
        """The item failed or was cancelled."""
        if isinstance(failure, diagnosis.CancelledError):
            self._write(Status.CANCELLED, message=failure.reason, seconds_left=None)
        else:
            self._write(
                Status.FAILED,
                message=failure.reason.split("\n")[0],
                seconds_left=None,
                failure_class=failure.failure_class,
                reason=failure.reason,
                fix=failure.fix,
            )
        self.say("openjd_fail: %s" % " ".join(("%s %s" % (failure.reason, failure.fix)).split()))
        self._pdg.failed(self._paths, "%s %s" % (failure.reason, failure.fix))

    def _write(self, status: Status, **changes: Any) -> None:
        fresh: Dict[str, Any] = {"failure_class": None, "reason": None, "fix": None}
        self._state = states.write(
            self._paths.state, dataclasses.replace(self._state, status=status, **{**fresh, **changes})
        )


class AttemptJournal:
    """One attempt's log, rows of metrics.csv, and progress."""

    def __init__(
        self,
        journal: Journal,
        paths: RunPaths,
        attempt: int,
        devices: Optional[str],
        parse: Callable[[str], Optional[Report]],
    ) -> None:
        """Opens attempt-N.log and points latest.log to it."""
        self.tail: Deque[str] = deque(maxlen=diagnosis.TAIL_LINES)
        """The step's last lines."""
        self._journal, self._attempt, self._devices, self._parse = journal, attempt, devices, parse
        self._log = paths.attempt_log(attempt).open("a", encoding="utf-8", newline="\n", buffering=1)
        _point(paths.latest_log, paths.attempt_log(attempt))
        journal.attempt_begins(paths.attempt_log(attempt))
        self._table = MetricsTable(paths.metrics, attempt)
        self._tracker: Optional[progress.Tracker] = None
        self._started = self._written = time.monotonic()
        self._news = False

    def note(self, text: str) -> None:
        """Writes a line of ours into the log."""
        self._log.write("".join("%s%s\n" % (NOTE, line) for line in text.splitlines()))

    def plan(self, steps: Sequence[Step]) -> None:
        """Tells what the attempt consists of."""
        self._tracker = progress.Tracker(steps)

    def begin(self, index: int) -> None:
        """Step number `index` starts."""
        assert self._tracker is not None
        self.tail.clear()
        self._tracker.begin(index, time.monotonic())
        self._write()

    def line(self, line: str) -> None:
        """A line of the child's output."""
        self._log.write(line + "\n")
        self.tail.append(line)
        report = self._parse(line)
        if report is not None:
            assert self._tracker is not None
            now = time.monotonic()
            self._tracker.update(report, now)
            self._table.add(report, self._tracker.stage, now - self._started)
            self._news = True

    @property
    def steps(self) -> Optional[int]:
        """The last iteration that the trainer told; None = it told none."""
        return self._tracker.step if self._tracker is not None else None

    def tick(self) -> None:
        """Writes what is new, at most twice a second, and now and then a sign of life."""
        age = time.monotonic() - self._written
        if age >= (_PERIOD_SECONDS if self._news else _HEARTBEAT_SECONDS):
            self._write()

    def _write(self) -> None:
        assert self._tracker is not None
        self._written, self._news = time.monotonic(), False
        self._table.flush()
        self._journal.running(self._attempt, self._devices, self._tracker)

    def close(self) -> None:
        """Writes the last rows and closes the log."""
        if self._tracker is not None:
            self._journal.attempt_ends(self._tracker)
        try:
            self._table.flush()
        finally:
            self._log.close()


def _news(tracker: progress.Tracker) -> News:
    left = tracker.seconds_left(time.monotonic())
    return News(tracker.progress, tracker.position, tracker.step, left, dict(tracker.metrics))


def _point(link: Path, log: Path) -> None:
    """Makes latest.log name the newest log; where the file system has no links, it does without."""
    temporary = link.with_name("%s%s-%d" % (atomic.TEMPORARY, link.name, os.getpid()))
    try:
        temporary.symlink_to(log.name)
        temporary.replace(link)
    except (NotImplementedError, PermissionError):
        pass

"""One attempt at an item: its steps in order, as children in the item's environment, and a look at what they made."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from topforge import atomic
from topforge.environments import environment
from topforge.environments.environment import ResolvedEnvironment
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.results import OutputFile
from topforge.running import diagnosis, process, publish
from topforge.running.diagnosis import DiskFullError, ItemFailedError
from topforge.running.journal import AttemptJournal, Journal
from topforge.running.lease import Lease
from topforge.running.stopping import StopRequest
from topforge.trainers.base import Adapter, Collected, Step

_WATCH_SECONDS = 1.0
LEAST_FREE_BYTES = 32 << 20
"""An attempt does not start with less room on the run folder's disk."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What all attempts at an item share."""

    paths: RunPaths
    item: Item
    adapter: Adapter
    journal: Journal
    stop: StopRequest
    lock: int
    """Descriptor of the item's lock."""
    standing: str = ""
    """How the items stood that this one comes after, when it began: `dependencies.standing_of` it."""


@dataclasses.dataclass
class Record:
    """How an attempt went, for provenance; filled while it goes."""

    number: int
    started: float = dataclasses.field(default_factory=time.time)
    seconds: float = 0.0
    outcome: str = ""
    """"done", or class and reason of the failure."""
    steps: List[Dict[str, Any]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Success:
    """A successful attempt."""

    outputs: Tuple[OutputFile, ...]
    """What the adapter collected, examined, with sizes and hashes."""
    collected: Collected
    environment: ResolvedEnvironment
    lease: Lease
    steps: Optional[int]
    """The last iteration that the trainer told; None = it told none."""


def next_number(paths: RunPaths) -> int:
    """The number of the next attempt: one more than the highest that has a log."""
    stems = [path.stem.partition("-")[2] for path in atomic.beginning_with(paths.run, "attempt-")]
    return 1 + max((int(stem) for stem in stems if stem.isdigit()), default=0)


def run(work: Work, config: Any, lease: Lease, record: Record, seconds_left: Optional[float], news: str) -> Success:
    """Runs one attempt to its end.

    Args:
        work: The item.
        config: The configuration to run, perhaps lowered.
        lease: Devices, held by the caller.
        record: Gets the steps' timings.
        seconds_left: What is left of the total limit; None = no limit.
        news: What this attempt does differently, for its log.

    Raises:
        TopForgeError: The attempt failed or was stopped; everything it started is gone.
    """
    journal = AttemptJournal(work.journal, work.paths, record.number, lease.devices, work.adapter.parser(config))
    started = time.monotonic()
    try:
        deadline = None if seconds_left is None else started + seconds_left
        return _Attempt(work, config, lease, record, journal, deadline).run(news)
    except TopForgeError as failure:
        record.outcome = "%s: %s" % (failure.failure_class.value, failure.reason)
        journal.note("attempt %d ended: %s %s" % (record.number, failure.reason, failure.fix))
        raise
    finally:
        record.seconds = round(time.monotonic() - started, 3)
        journal.close()


class _Attempt:
    def __init__(
        self,
        work: Work,
        config: Any,
        lease: Lease,
        record: Record,
        journal: AttemptJournal,
        deadline: Optional[float],
    ) -> None:
        self._work, self._config, self._lease, self._record, self._journal = work, config, lease, record, journal
        self._paths, self._needs, self._deadline = work.paths, work.item.needs, deadline
        self._watched = time.monotonic()

    def run(self, news: str) -> Success:
        where = "%s, process %d" % (platform.node(), os.getpid())
        self._journal.note('attempt %d at "%s" on %s' % (self._record.number, self._work.item.name, where))
        self._journal.note("licence: " + self._work.adapter.licence)
        self._journal.note(news)
        self._prepare_folders()
        adapter, builds = self._work.adapter, self._work.adapter.builds(self._config)
        resolved = environment.resolve(
            self._work.item.environment, os.environ, self._lease.devices or "", adapter.name, builds=builds
        )
        self._journal.note("environment: %s, %s" % (resolved.prefix, resolved.summary))
        steps = adapter.steps(self._work.item, self._config, self._paths)
        self._journal.plan(steps)
        for index, step in enumerate(steps):
            self._journal.begin(index)
            self._run_step(step, resolved)
        collected = adapter.collect(self._work.item, self._config, self._paths)
        outputs = publish.examine(self._paths.output, collected.outputs, collected.metrics)
        self._record.outcome = "done"
        return Success(outputs, collected, resolved, self._lease, self._journal.steps)

    def _prepare_folders(self) -> None:
        if self._paths.work.exists():
            shutil.rmtree(str(self._paths.work))
        self._paths.output.mkdir(parents=True)

    def _run_step(self, step: Step, resolved: ResolvedEnvironment) -> None:
        arguments = tuple(word.replace("{python}", resolved.python) for word in step.arguments)
        self._journal.note('step "%s": %s' % (step.name, " ".join(arguments)))
        command = process.Command(
            arguments,
            Path(step.working_folder) if step.working_folder else self._paths.work,
            {**resolved.variables, **dict(step.variables)},
            self._lease.descriptors,
            (self._work.lock,),
        )
        limits = process.Limits(self._needs.silence_limit_seconds, self._deadline, self._needs.grace_seconds)
        ending = process.run(command, limits, self._work.stop, self._journal.line, self._tick)
        self._watch()
        self._record.steps.append(
            {"name": step.name, "seconds": round(ending.seconds, 3), "exit_code": ending.exit_code}
        )
        if ending.orphans:
            left = ", ".join(str(pid) for pid in ending.orphans)
            self._journal.note('step "%s" left processes behind, which were killed: %s' % (step.name, left))
        self._judge(step, ending)

    def _tick(self) -> None:
        self._journal.tick()
        if time.monotonic() - self._watched >= _WATCH_SECONDS:
            self._watch()

    def _watch(self) -> None:
        """Lets the adapter look at the disk; before a step is judged, so that a failed one leaves its pictures too."""
        self._work.adapter.watch(self._work.item, self._config, self._paths)
        self._watched = time.monotonic()

    def _judge(self, step: Step, ending: process.Ending) -> None:
        tail = tuple(self._journal.tail)
        if ending.stopped == process.SILENT:
            hung = self._work.adapter.diagnose_silence(tail)
            if hung is not None:
                raise ItemFailedError(hung)
        stopped = diagnosis.of_stop(
            step.name, ending, self._needs.silence_limit_seconds, self._needs.time_limit_seconds
        )
        if stopped is not None:
            raise stopped
        if ending.exit_code == 0:
            return
        found = self._work.adapter.diagnose(ending.exit_code, tail)
        if diagnosis.says_disk_full(ending, tail):
            raise disk_full(self._paths, found.reason if found else "")
        raise ItemFailedError(found or diagnosis.of_exit(step.name, ending.exit_code, tail))


def disk_full(paths: RunPaths, said: str = "") -> DiskFullError:
    """The failure for a full disk, after the attempt's own temporary files are removed; checkpoints stay.

    Args:
        paths: The run folder.
        said: What the trainer says about it: it knows which file of how many bytes found no room.
    """
    wasted = sum(path.stat().st_size for path in paths.work.rglob("*") if path.is_file()) if paths.work.exists() else 0
    shutil.rmtree(str(paths.work), ignore_errors=True)
    for folder in (paths.run, paths.checkpoint):
        atomic.remove_temporaries(folder)
    free = shutil.disk_usage(str(paths.run)).free
    return DiskFullError(str(paths.run), max(LEAST_FREE_BYTES, 2 * wasted), free, said)


def require_space(paths: RunPaths) -> None:
    """Refuses to start on a disk that is as good as full.

    Raises:
        DiskFullError: With the folder, what is needed and what is free.
    """
    free = shutil.disk_usage(str(paths.run)).free
    if free < LEAST_FREE_BYTES:
        raise DiskFullError(str(paths.run), LEAST_FREE_BYTES, free)

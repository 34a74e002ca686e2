"""`run-item`: the one command every engine executes, at least once, on whatever machine it likes.

Look whether the work is done already; else lock the item, lease devices, run the adapter's steps as children, check
what they made, publish it by one rename and write result.json last. A failed attempt is followed by another where
that can help. Whatever happens, state.json says it, no process is left, and running the item again continues.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any, List, Optional, TextIO

from topforge import atomic, items, platform_posix, schema
from topforge.errors import FailureClass, TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.results import Result
from topforge.running import attempts, checkpoints, dependencies, diagnosis, finished, provenance, publish, retry
from topforge.running import lease as leases
from topforge.running.attempts import Record, Success, Work
from topforge.running.journal import NOTE, Journal
from topforge.running.lease import BusyError, Lease
from topforge.running.stopping import StopRequest
from topforge.trainers import registry
from topforge.trainers.base import Diagnosis

_POLL_SECONDS = 0.1


class NotWritableError(TopForgeError):
    """Nothing can be written into the run folder."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            "The run folder cannot be written: %s." % error, "Make it writable, or choose another output folder."
        )


def run(
    run_folder: Path,
    wait: bool = True,
    verify: bool = False,
    force: bool = False,
    policy: Optional[retry.Policy] = None,
    output: Optional[TextIO] = None,
) -> int:
    """Makes sure that the item in `run_folder` is done.

    Call it in the main thread of a process of its own, or one that was forked for it: it handles signals, adopts
    orphans, and kills every child that appears while it works.

    Args:
        run_folder: Holds item.json.
        wait: False gives up when another runner has the item or no suitable device is free.
        verify: Trust a finished item only after comparing its outputs' hashes.
        force: Remove result and checkpoints first.
        policy: When to try again after a failure.
        output: Gets the progress lines that engines read; None = nobody.

    Returns:
        An exit code: 0 done (now or before), else as `errors.EXIT_CODES`; EXIT_BUSY when it gave up waiting; cancelled
        ends as preempted does. Failures are also told on stderr.
    """
    paths = RunPaths(Path(run_folder).absolute())
    try:
        item = items.read(paths.item)
        if not force and finished.result(paths, item, verify):
            return 0
        platform_posix.become_subreaper()
        with StopRequest() as stop:
            return _Runner(paths, item, stop, wait, verify, policy or retry.Policy(), output).run(force)
    except TopForgeError as failure:
        print("topforge: %s\n  %s" % (failure.reason, failure.fix), file=sys.stderr)
        return failure.exit_code


class _Runner:
    """One call of `run` that found work to do."""

    def __init__(
        self,
        paths: RunPaths,
        item: Item,
        stop: StopRequest,
        wait: bool,
        verify: bool,
        policy: retry.Policy,
        output: Optional[TextIO],
    ) -> None:
        self._paths, self._item, self._stop = paths, item, stop
        self._wait, self._verify = wait, verify
        self._retries = retry.Retries(policy)
        self._journal = Journal(paths, output)
        self._records: List[Record] = []
        self._lowered: List[str] = []

    def run(self, force: bool) -> int:
        lock = self._lock()
        try:
            if force:
                self._start_anew()
            result = finished.published(self._paths, self._item, self._verify)
            if result is None:
                return self._run_locked(lock)
            self._finish(result)
            return 0
        except OSError as error:  # state.json could not be written either
            raise NotWritableError(error) from error
        finally:
            os.close(lock)

    def _lock(self) -> int:
        """Takes the item's lock; while another runner has it, state.json is that one's."""
        told = False
        while self._stop.request is None:
            try:
                lock = platform_posix.try_lock(self._paths.lock)
            except OSError as error:
                raise NotWritableError(error) from error
            if lock is not None:
                return lock
            if not self._wait:
                raise BusyError("another runner works on %s" % self._paths.run)
            if not told:
                self._journal.say("openjd_status: waiting: another runner works on this item")
            told = True
            self._stop.sleep(_POLL_SECONDS)
        raise diagnosis.of_request(self._stop.request, "while another runner worked on the item")

    def _start_anew(self) -> None:
        publish.withdraw(self._paths)
        checkpoints.remove(self._paths)
        if self._paths.metrics.exists():
            self._paths.metrics.unlink()

    def _run_locked(self, lock: int) -> int:
        try:
            self._run_attempts(lock)
            return 0
        except BusyError as failure:
            self._journal.queued(failure.reason)
            raise
        except TopForgeError as failure:
            self._journal.ended(failure)
            raise
        except Exception as error:
            translated = self._translate(error)
            self._journal.ended(translated)
            raise translated from error

    def _translate(self, error: Exception) -> TopForgeError:
        """Failures of our own making and of the file system, as what they mean to a person."""
        if diagnosis.is_disk_full(error):
            return attempts.disk_full(self._paths)
        if isinstance(error, OSError):
            if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR):
                return NotWritableError(error)
            fix = "Look at the machine and the mount; running the item again continues."
            return diagnosis.ItemFailedError(Diagnosis(FailureClass.INFRA, "%s." % error, fix))
        self._append_to_log(traceback.format_exc())
        reason = "%s: %s (a defect of TopForge or of its adapter)." % (type(error).__name__, error)
        fix = "Please report it with the traceback in %s." % self._paths.latest_log
        return diagnosis.ItemFailedError(Diagnosis(FailureClass.INTERNAL, reason, fix))

    def _run_attempts(self, lock: int) -> None:
        atomic.remove_temporaries(self._paths.run)
        dependencies.require(self._item)
        adapter = registry.get(self._item.adapter)
        config: Any = schema.from_json(adapter.options, self._item.config, str(self._paths.item))
        if adapter.needs_dataset:
            dependencies.require_dataset(self._item)
        adapter.validate(config, self._item.dataset)
        standing = dependencies.standing_of(self._item)
        work = Work(self._paths, self._item, adapter, self._journal, self._stop, lock, standing)
        success = None
        while success is None:
            try:
                success = self._attempt(work, config)
            except Exception as error:
                failure = error if isinstance(error, TopForgeError) else self._translate(error)
                config = self._next_config(work, config, failure)
        result = provenance.result(work, config, success, self._records, self._lowered)
        publish.publish(self._paths, result)
        checkpoints.settle(self._paths, adapter.keeps_states(config))
        self._finish(result)

    def _attempt(self, work: Work, config: Any) -> Success:
        attempts.require_space(self._paths)
        number = attempts.next_number(self._paths)
        news = checkpoints.claim(self._paths, checkpoints.owner_of(self._item.key, self._lowered))
        lease = leases.acquire(
            self._item.needs,
            os.environ,
            self._stop,
            lambda why: self._journal.waiting("waiting for " + why, number - 1),
            self._wait,
        )
        if lease is None or self._stop.request is not None:
            assert self._stop.request is not None
            raise diagnosis.of_request(self._stop.request, "before the trainer was started")
        record = Record(number)
        self._records.append(record)
        try:
            news = "\n".join([*self._lowered, news]).strip()
            return attempts.run(work, config, lease, record, self._seconds_left(), news)
        finally:
            self._release(lease)

    def _seconds_left(self) -> Optional[float]:
        """What is left of the total limit; waiting does not count."""
        limit = self._item.needs.time_limit_seconds
        return limit - sum(record.seconds for record in self._records) if limit else None

    def _release(self, lease: Lease) -> None:
        survivors = lease.release()
        if survivors:
            held = ", ".join(str(pid) for pid in survivors)
            self._append_to_log("these processes escaped and still hold a GPU: %s" % held)

    def _next_config(self, work: Work, config: Any, failure: TopForgeError) -> Any:
        """The configuration of the next attempt, after its pause; raises `failure` when there is none."""
        if isinstance(failure, diagnosis.DiskFullError):
            raise failure
        attempt, reason = len(self._records), failure.reason.split("\n")[0]
        if self._retries.may_lower(failure.failure_class):
            lower = work.adapter.lower_settings(config)
            if lower is None:
                raise failure
            self._lowered.append(lower[1])
            self._journal.waiting("trying again with lower settings: %s (%s)" % (lower[1], reason), attempt)
            return lower[0]
        pause = self._retries.pause(failure.failure_class)
        if pause is None:
            raise failure
        self._journal.waiting("trying again in %.0f s: %s" % (pause, reason), attempt)
        self._stop.sleep(pause)
        if self._stop.request is not None:
            raise diagnosis.of_request(self._stop.request, "while waiting to try again")
        return config

    def _finish(self, result: Result) -> None:
        """Writes the report and the last state; nothing that goes wrong here undoes the result."""
        message = "; ".join(["done", *result.remarks])
        problem = self._write_report()
        self._journal.done(result, message + problem, attempts.next_number(self._paths) - 1)

    def _write_report(self) -> str:
        """Writes report.html for a run that measured something; what went wrong, as the end of a message."""
        if not self._paths.metrics.exists() or self._report_is_up_to_date():
            return ""
        try:
            importlib.import_module("topforge.report").write(self._paths.run)
        except Exception as error:
            self._append_to_log("The report could not be written.\n" + traceback.format_exc())
            return "; the report could not be written (%s: %s)" % (type(error).__name__, error)
        return ""

    def _report_is_up_to_date(self) -> bool:
        """False also for the page that somebody asked for while the item had no result yet."""
        report = self._paths.report
        return report.exists() and report.stat().st_mtime_ns >= self._paths.manifest.stat().st_mtime_ns

    def _append_to_log(self, text: str) -> None:
        """A note into the newest attempt's log, which is closed already; to stderr when there is none."""
        lines = "".join("%s%s\n" % (NOTE, line) for line in text.splitlines())
        number = attempts.next_number(self._paths) - 1
        if number == 0:
            sys.stderr.write(lines)
            return
        with self._paths.attempt_log(number).open("a", encoding="utf-8") as log:
            log.write(lines)

"""Cooks the items of a job on this machine: in the order of their dependencies, so many at a time.

All truth is on disk: what has a valid result is not touched, so the same command continues after any interruption.
"""

from __future__ import annotations

import gc
import select
import signal
import time
from collections import deque
from typing import Deque, Dict, List, Sequence

from topforge import states
from topforge.cooking import outcomes
from topforge.cooking.display import Display, Running
from topforge.cooking.outcomes import Outcome
from topforge.cooking.workers import Runner, Worker
from topforge.errors import EXIT_CODES, FailureClass
from topforge.paths import RunPaths
from topforge.planning.planned_items import Planned
from topforge.running.stopping import PREEMPTED, StopRequest
from topforge.states import Status


class Cook:
    """One cook of one plan. Make it in the main thread of a process without other threads."""

    def __init__(self, plan: Sequence[Planned], parallel: int, display: Display, runner: Runner) -> None:
        """Looks who depends on whom; starts nothing.

        Args:
            plan: Items, each after those it depends on, in prepared run folders.
            parallel: Most items at work at once.
            display: Is told what happens.
            runner: Does one item, in its own process; `topforge.running.run_item.run`.
        """
        self._plan, self._parallel, self._display, self._runner = plan, parallel, display, runner
        known = {str(planned.folder): index for index, planned in enumerate(plan)}
        self._needs = [{known[f] for f in planned.item.depends if f in known} for planned in plan]
        self._follows = [{known[f] for f in planned.item.after if f in known} for planned in plan]
        self._waits_for = [needs | follows for needs, follows in zip(self._needs, self._follows)]
        self._awaited_by: List[List[int]] = [[] for _ in plan]
        for index, others in enumerate(self._waits_for):
            for other in others:
                self._awaited_by[other].append(index)
        self._ready: Deque[int] = deque(index for index, others in enumerate(self._waits_for) if not others)
        self._workers: Dict[int, Worker] = {}
        self._began: Dict[int, float] = {}
        self._outcomes: Dict[int, Outcome] = {}
        self._stops = 0

    def run(self) -> List[Outcome]:
        """Cooks until nothing is left to do or somebody asks to stop; one outcome for each item, in order.

        The first request to stop (ctrl-C, SIGTERM, SIGHUP, SIGUSR1) goes to all runners, which save; the second kills.
        """
        self._display.begin(len(self._plan))
        gc.freeze()  # the forked processes then share what is here: a collection would touch, and so copy, all of it
        try:
            with StopRequest() as stop:
                while self._workers or (self._ready and not self._stops):
                    self._reap()
                    self._start_ready(stop)  # after reaping: a place that is free must not wait for the next event
                    self._obey(stop)
                    self._wait(stop)
        finally:
            self._kill()
            self._display.end()
        queued = Status.QUEUED.value
        return [self._outcomes.get(index, Outcome(planned, queued)) for index, planned in enumerate(self._plan)]

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stops > 0

    def _start_ready(self, stop: StopRequest) -> None:
        while self._ready and len(self._workers) < self._parallel and not self._stops and stop.request is None:
            index = self._ready.popleft()
            before = outcomes.if_done_before(self._plan[index])
            if before is not None:
                self._settle(index, before)
                continue
            self._began[index] = time.monotonic()
            self._workers[index] = Worker(self._plan[index].folder, self._runner)

    def _reap(self) -> None:
        for index, worker in list(self._workers.items()):
            exit_code = worker.poll()
            if exit_code is not None:
                if self._stops and exit_code < 0:  # by our signal, before or after the runner could listen to it
                    exit_code = EXIT_CODES[FailureClass.PREEMPTED]
                del self._workers[index]
                seconds = time.monotonic() - self._began[index]
                self._settle(index, outcomes.of_ended(self._plan[index], exit_code, worker.close(), seconds))

    def _settle(self, index: int, outcome: Outcome) -> None:
        """Notes an outcome, and frees or gives up those that wait for it."""
        self._outcomes[index] = outcome
        self._display.ended(outcome)
        for waiting in self._awaited_by[index]:
            if waiting in self._outcomes or not (outcome.succeeded or outcome.failed):
                continue  # given up already; or stopped, and the next cook goes on
            if index in self._needs[waiting] and outcome.failed:
                self._skip(waiting, 'It depends on "%s", which %s.' % (outcome.planned.item.name, _verb(outcome)))
                continue
            self._waits_for[waiting].discard(index)
            if not self._waits_for[waiting]:
                self._free(waiting)

    def _free(self, index: int) -> None:
        """All that the item waits for has ended."""
        followed = [self._outcomes[other] for other in self._follows[index]]
        if followed and all(outcome.status == outcomes.SKIPPED for outcome in followed):
            self._skip(index, "None of the items it comes after was run.")
        else:
            self._ready.append(index)

    def _skip(self, index: int, reason: str) -> None:
        self._settle(index, Outcome(self._plan[index], outcomes.SKIPPED, reason=reason))

    def _obey(self, stop: StopRequest) -> None:
        if stop.request is None:
            return
        self._stops += 1
        if self._stops > 1:
            self._display.say("Killing what is left.")
            self._kill()
        elif self._workers:
            count = len(self._workers)
            what = "1 item saves" if count == 1 else "%d items save" % count
            self._display.say("Stopping: waiting while %s; ctrl-C again kills." % what)
            for worker in self._workers.values():
                worker.send(signal.SIGUSR1 if stop.request == PREEMPTED else signal.SIGTERM)
        stop.request = None

    def _kill(self) -> None:
        for worker in self._workers.values():
            worker.send(signal.SIGKILL)

    def _wait(self, stop: StopRequest) -> None:
        """Until a process ends, a signal comes, or the display is due."""
        due = self._display.due()
        if self._workers:
            select.select([stop], [], [], max(due, 0.0))
            stop.drain()
        if due <= 0:
            self._display.show(self._running())

    def _running(self) -> List[Running]:
        return [
            Running(self._plan[index], states.last(RunPaths(self._plan[index].folder).state)) for index in self._workers
        ]


def _verb(outcome: Outcome) -> str:
    return "was skipped" if outcome.status == outcomes.SKIPPED else "failed"


def exit_code_of(ended: Sequence[Outcome], stopped: bool) -> int:
    """What a cook's process returns: as if by SIGTERM when stopped, else the class of the first failure, else 0."""
    if stopped:
        return EXIT_CODES[FailureClass.PREEMPTED]
    failed = [outcome.failure_class for outcome in ended if outcome.failure_class is not None]
    return EXIT_CODES[failed[0]] if failed else 0

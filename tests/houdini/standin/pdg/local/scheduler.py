"""Which items run, in how many slots, and what their exit means."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Dict, List, Tuple

from .. import _view
from .._items import Item
from .._scheduler import BaseScheduler
from .._strict import NotInStandIn
from .environment import job_environment
from .folders import expand, item_tokens
from .process import CommandError, Process, arguments

_RETRY = 2


class LocalScheduler(BaseScheduler):
    """Runs items of one network. Called on the cook's thread, except where said."""

    def __init__(self, context: Any, view: _view.NodeView) -> None:
        super().__init__(context, view)
        self._lock = threading.RLock()
        self._waiting: List[Tuple[Item, Any]] = []
        self._processes: Dict[int, Process] = {}
        self._cooks: Dict[int, Any] = {}
        self._failures: Dict[int, int] = {}

    # what the cook calls
    def slots(self) -> int:
        """`maxprocsmenu`: 0 a quarter of the processors, -1 all but one, 1 `maxprocs`."""
        menu, processors = self.whole("maxprocsmenu"), os.cpu_count() or 1
        return max(1, {0: processors // 4, -1: processors - 1}.get(menu, self.whole("maxprocs")))

    def schedule(self, item: Item, cook: Any) -> None:
        self._cooks[item.id] = cook
        self._failures.pop(item.id, None)
        self._waiting.append((item, cook))

    def start_ready(self) -> None:
        """Starts waiting items while there are slots."""
        for entry in list(self._waiting):
            item, cook = entry
            if self._fits(item):
                self._waiting.remove(entry)
                self._start(item, cook)

    def cancel(self, item: Item) -> None:
        found = next((entry for entry in self._waiting if entry[0] is item), None)
        if found is not None:
            self._waiting.remove(found)
            found[1].report(lambda: found[1].ended(item, "", 0.0, canceled=True))
        with self._lock:
            process = self._processes.get(item.id)
        if process is not None:
            process.cancel()

    # slots
    def _needs(self, item: Item) -> int:
        return self.whole("local_CPUs_to_use", item) if self.on("local_is_CPU_number_set", item) else 1

    def _fits(self, item: Item) -> bool:
        if self.whole("local_useminfreemem", item) or self.on("local_enablemaxmemory", item):
            raise NotInStandIn("limits of memory")
        with self._lock:
            running = [self.find(number) for number in self._processes]
        if self.on("pdg_usemaxtasks") and len(running) >= self.whole("pdg_maxtasks"):
            return False
        if self.on("local_single", item) and any(self.on("local_single", other) for other in running):
            return False
        used = sum(self._needs(other) for other in running)
        return not running or used + self._needs(item) <= self.slots()

    # running
    def _start(self, item: Item, cook: Any) -> None:
        try:
            self.serialize(item)
            tokens = {**self.folder_tokens(), **item_tokens(item, self.server.address, self.view)}
            variables = job_environment(self, item, self.context.scene_variables(), self.slots())
            words = arguments(expand(item.command, tokens), item.shell, variables)
            item.log_path = self._log_path(item)
            limit = float(self.text("local_maxtime", item)) if self.on("local_enabletimeout", item) else None
            process = Process(words, variables, Path(item.log_path), limit, lambda over: self._over(item, cook, over))
            with self._lock:
                self._processes[item.id] = process
        except (CommandError, NotInStandIn, OSError) as error:
            problem = str(error)
            cook.report(lambda: cook.ended(item, problem, 0.0))
            return
        cook.started(item)

    def _log_path(self, item: Item) -> str:
        if self.on("uselogfilename"):
            raise NotInStandIn("where a custom name of the log lies")
        return "%s/logs/%s.log" % (self.temp_folder, item.name)

    def _over(self, item: Item, cook: Any, process: Process) -> None:
        """On the process's thread."""
        while True:
            with self._lock:
                if self._processes.get(item.id) is process:
                    del self._processes[item.id]
                    break
            threading.Event().wait(0.001)  # it ended before it was entered
        cook.report(lambda: self._judge(item, cook, process))

    def _judge(self, item: Item, cook: Any, process: Process) -> None:
        if process.canceled:
            cook.ended(item, "", process.seconds, canceled=True)
            return
        problem = "" if process.code == 0 else "exit code %d of: %s" % (process.code, item.command)
        if process.timed_out:
            succeeded = self.whole("local_handletimeout", item) == 1
            problem = "" if succeeded else "killed after %g s" % process.seconds
        elif problem and (self.on("local_echandleall", item) or process.code == self.whole("local_eccustomcode", item)):
            handling = self.whole("local_echandleby", item)
            if handling == _RETRY and self._again(item, cook):
                return
            if handling == 1:
                item.log(1, problem)
                item.node.warning("%s: %s" % (item.name, problem))
            problem = "" if handling in (1, 3) else problem
        cook.ended(item, problem, process.seconds)

    def _again(self, item: Item, cook: Any) -> bool:
        failures = self._failures[item.id] = self._failures.get(item.id, 0) + 1
        if failures > self.whole("local_maximumretries", item):
            return False
        self._waiting.append((item, cook))
        return True

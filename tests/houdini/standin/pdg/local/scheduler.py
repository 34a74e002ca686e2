"""Which items run, in how many slots, and what their exit means."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from .. import _view
from .._items import Item
from .._strict import NotInStandIn, Strict
from .callback_server import CallbackServer
from .environment import job_environment
from .folders import expand, item_tokens, temp_folder, working_folder
from .process import CommandError, Process, arguments

_SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
_RETRY = 2


class Scheduler(Strict):
    """pdg.Scheduler of a local scheduler, as far as code outside of schedulers may use it."""

    __slots__ = ("_record",)

    def __init__(self, record: Any) -> None:
        self._record = record

    @property
    def name(self) -> str:
        return self._record.view.name()

    def workingDir(self, local: bool) -> str:
        return self._record.working_folder

    def tempDir(self, local: bool) -> str:
        return self._record.temp_folder

    def scriptDir(self, local: bool) -> str:
        return self._record.script_folder

    def logDir(self, local: bool) -> str:
        return self._record.temp_folder + "/logs"

    def dataDir(self, local: bool) -> str:
        return self._record.temp_folder + "/data"

    def localizePath(self, path: str) -> str:
        return self._record.localize(path)

    def topNode(self) -> Any:
        return self._record.view.hou_node()


class LocalScheduler:
    """Runs items of one network. Called on the cook's thread, except where said."""

    def __init__(self, context: Any, view: _view.NodeView) -> None:
        self.context = context
        self.view = view
        self.public = Scheduler(self)
        self._server: Optional[CallbackServer] = None
        self._lock = threading.RLock()
        self._waiting: List[Tuple[Item, Any]] = []
        self._processes: Dict[int, Process] = {}
        self._cooks: Dict[int, Any] = {}
        self._failures: Dict[int, int] = {}

    # parameters: a job parameter of the node wins over the scheduler's
    def _holder(self, name: str, item: Optional[Item]) -> _view.NodeView:
        return item.node.view if item is not None and item.node.view.has_parm(name) else self.view

    def text(self, name: str, item: Optional[Item] = None) -> str:
        return str(self._holder(name, item).evaluate(name))

    def whole(self, name: str, item: Optional[Item] = None) -> int:
        return _view.whole(self._holder(name, item), name)

    def on(self, name: str, item: Optional[Item] = None) -> bool:
        return _view.on(self._holder(name, item), name)

    def count(self, name: str, item: Optional[Item] = None) -> int:
        return self._holder(name, item).count(name)

    # folders
    @property
    def working_folder(self) -> str:
        return working_folder(self.view)

    @property
    def temp_folder(self) -> str:
        return temp_folder(self.view, dict(self.context.scene_variables()))

    @property
    def script_folder(self) -> str:
        return self.temp_folder + "/scripts"

    def localize(self, path: str) -> str:
        return expand(path, self._folder_tokens())

    def _folder_tokens(self) -> Dict[str, str]:
        temp = self.temp_folder
        tokens = {"DIR": self.working_folder, "SCRIPTDIR": self.script_folder, "TEMP": temp, "SHARED_TEMP": temp}
        return {**tokens, "SHARED_ROOT": self.working_folder}

    @property
    def server(self) -> CallbackServer:
        if self._server is None:
            self._server = CallbackServer(self._find, self.context, lambda item, text: self.localize(text))
        return self._server

    def _find(self, number: int) -> Item:
        for item in self.context.items():
            if item.id == number:
                return item
        raise KeyError(number)

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

    def cook_ended(self) -> None:
        if self.whole("pdg_deletetempdir") == 2:
            shutil.rmtree(self.temp_folder, ignore_errors=True)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    # slots
    def _needs(self, item: Item) -> int:
        return self.whole("local_CPUs_to_use", item) if self.on("local_is_CPU_number_set", item) else 1

    def _fits(self, item: Item) -> bool:
        if self.whole("local_useminfreemem", item) or self.on("local_enablemaxmemory", item):
            raise NotInStandIn("limits of memory")
        with self._lock:
            running = [self._find(number) for number in self._processes]
        if self.on("pdg_usemaxtasks") and len(running) >= self.whole("pdg_maxtasks"):
            return False
        if self.on("local_single", item) and any(self.on("local_single", other) for other in running):
            return False
        used = sum(self._needs(other) for other in running)
        return not running or used + self._needs(item) <= self.slots()

    # running
    def _start(self, item: Item, cook: Any) -> None:
        try:
            self._serialize(item)
            tokens = {**self._folder_tokens(), **item_tokens(item, self.server.address, self.view)}
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

    def _serialize(self, item: Item) -> None:
        """Scripts and data of the job. The JSON's form is the stand-in's own; `.gz` by default is not."""
        Path(self.script_folder).mkdir(parents=True, exist_ok=True)
        for script in _SCRIPTS.glob("*.py"):
            shutil.copyfile(script, Path(self.script_folder) / script.name)
        folder = Path(self.temp_folder) / "data"
        folder.mkdir(parents=True, exist_ok=True)
        table = item.attributes.by_name
        content = {
            "name": item.name,
            "id": item.id,
            "index": item.index,
            "attributes": {name: [str(value) for value in one._values] for name, one in table.items()},
            "inputs": [file.path for file in item.inputs(lambda other: other.outputs)],
        }
        data = json.dumps(content).encode("utf-8")
        if self.on("pdg_compressworkitemdata"):
            (folder / (item.name + ".json.gz")).write_bytes(gzip.compress(data))
        else:
            (folder / (item.name + ".json")).write_bytes(data)

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

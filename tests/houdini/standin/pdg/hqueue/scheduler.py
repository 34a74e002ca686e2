"""Items as jobs of an HQueue server. The session stays open and asks the server how its jobs are.

Left out: the message queue on the farm (`mqusage`), which would stand between jobs and session. Jobs call the
session's own server here. Submit Graph As Job is not imitated.
"""

from __future__ import annotations

import datetime
import threading
import xmlrpc.client
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List, NamedTuple

from .. import _view
from .._attributes import AttribError
from .._enums import attribType
from .._items import Item
from .._scheduler import BaseScheduler
from .._strict import NotInStandIn
from .._writing import Lock
from ..local.folders import expand
from .job_parms import specification

_FINISHED = ("succeeded", "failed", "cancelled", "abandoned")


class _Submitted(NamedTuple):
    item: Item
    cook: Any


class HQueueScheduler(BaseScheduler):
    """Runs items of one network on the farm that `address` names."""

    def __init__(self, context: Any, view: _view.NodeView) -> None:
        super().__init__(context, view)
        self._lock = threading.RLock()
        self._jobs: Dict[int, _Submitted] = {}
        self._stopped = threading.Event()
        self._waiting: List[_Submitted] = []
        self._ticking = False

    @property
    def temp_folder(self) -> str:
        """Below the working folder: jobs on other machines read it. The folder's name is the stand-in's own."""
        return self.working_folder + "/pdgtemp"

    def compresses_data(self) -> bool:
        """hqueuescheduler has no parameter for it."""
        return True

    def _farm(self) -> Any:
        return xmlrpc.client.ServerProxy(self.text("address"), allow_none=True)

    # what the cook calls
    def schedule(self, item: Item, cook: Any) -> None:
        self._waiting.append(_Submitted(item, cook))

    def start_ready(self) -> None:
        """Submits; the server decides what runs when."""
        if self._waiting and self.on("pdg_usemaxtasks"):
            raise NotInStandIn("pdg_maxtasks on a farm")
        while self._waiting:
            self._submit(self._waiting.pop(0))

    def cancel(self, item: Item) -> None:
        with self._lock:
            numbers = [number for number, job in self._jobs.items() if job.item is item]
        if numbers:
            self._farm().cancelJobs(numbers)

    def stop(self) -> None:
        self._stopped.set()
        super().stop()

    # jobs
    def _submit(self, job: _Submitted) -> None:
        item = job.item
        try:
            farm = self._farm()
            self._check_folders(farm)
            self.serialize(item)
            command = expand(item.command, {**self.folder_tokens(), **self._item_tokens(item)})
            (number,) = farm.newjob(specification(self, item, command))
        except (OSError, xmlrpc.client.Error, NotInStandIn, AttribError) as error:
            problem = "%s cannot be submitted to HQueue at %s: %s" % (item.name, self.text("address"), error)
            job.cook.report(lambda: job.cook.ended(item, problem, 0.0))
            return
        with Lock(item):
            item.attributes.set("hqueue_jobid", attribType.Int, number)
        item.log_path = "%s/logs/%s.log" % (self.temp_folder, item.name)
        with self._lock:
            self._jobs[number] = job
            if not self._ticking:
                self._ticking = True
                threading.Thread(target=self._tick, name="pdg-hqueue", daemon=True).start()

    def _check_folders(self, farm: Any) -> None:
        """The working folder must be on the shared drive, which is at the same place here and on the farm.

        Raises:
            NotInStandIn: What becomes of paths otherwise is not documented.
        """
        if self.on("uselocalsharedroot"):
            raise NotInStandIn("a shared root that is not the server's")
        root, working = PurePosixPath(farm.getHQRoot("linux", True)), Path(self.working_folder).resolve()
        if root != working and root not in working.parents:
            raise NotInStandIn("a working folder (%s) outside of the farm's shared root (%s)" % (working, root))

    def _item_tokens(self, item: Item) -> Dict[str, str]:
        """Without those of Houdini's own Python and folder: they are the farm's, and `\\$HQROOT` stands in them."""
        own = {"ITEM_NAME": item.name, "ITEM_ID": str(item.id), "INDEX": str(item.index)}
        return {**own, "RESULT_SERVER": self.server.address}

    # on the thread that asks
    def _tick(self) -> None:
        period = float(self.text("pdg_tickperiod"))
        while not self._stopped.wait(period):
            with self._lock:
                jobs = dict(self._jobs)
                if not jobs:
                    self._ticking = False
                    return
            try:
                self._ask(jobs)
            except (OSError, xmlrpc.client.Error) as error:
                self._lose(jobs, "what PDG does when HQueue stops answering (%s)" % error)

    def _ask(self, jobs: Dict[int, _Submitted]) -> None:
        farm = self._farm()
        for found in farm.getJobs(sorted(jobs), ["id", "status", "startTime", "endTime"]):
            job, status = jobs[found["id"]], found["status"]
            if status == "running":
                job.cook.report(lambda job=job: self._started(job))
            if status in _FINISHED:
                log = Path(job.item.log_path)
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text(farm.getJobOutput(found["id"]), encoding="utf-8")
                self._forget(found["id"], job, status, _seconds(found))

    def _started(self, job: _Submitted) -> None:
        if not job.item.finished:
            job.cook.started(job.item)

    def _forget(self, number: int, job: _Submitted, status: str, seconds: float) -> None:
        with self._lock:
            del self._jobs[number]
        handling = self.whole("hqueue_echandleby", job.item)
        if status == "abandoned" or (status == "failed" and handling != 0):
            what = "what an item whose job is %s becomes (hqueue_echandleby %d)" % (status, handling)
            problem = str(NotInStandIn(what))
        else:
            problem = "" if status == "succeeded" else "HQueue job %d is %s: %s" % (number, status, job.item.command)
        canceled = status == "cancelled"
        job.cook.report(lambda: job.cook.ended(job.item, problem, seconds, canceled=canceled))

    def _lose(self, jobs: Dict[int, _Submitted], what: str) -> None:
        problem = str(NotInStandIn(what))
        for number, job in jobs.items():
            with self._lock:
                self._jobs.pop(number, None)
            job.cook.report(lambda job=job: job.cook.ended(job.item, problem, 0.0))


def _seconds(found: Dict[str, Any]) -> float:
    """HQueue tells whole seconds; a job that never ran has none."""
    if found["startTime"] is None:
        return 0.0
    times = [str(found[name]) for name in ("endTime", "startTime")]
    ended, started = (datetime.datetime.strptime(text, "%Y%m%dT%H:%M:%S") for text in times)
    return (ended - started).total_seconds()

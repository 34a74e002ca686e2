"""Jobs of the stand-in of HQueue: what a specification may hold, and which jobs may run beside which."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union
from xmlrpc.client import DateTime, Fault

FINISHED = ("succeeded", "failed", "cancelled", "abandoned")
_KNOWN = {
    "name": str, "command": str, "description": str, "environment": dict, "cpus": int, "tags": list, "priority": int,
    "maxTime": int, "submittedBy": str, "triesLeft": int,
}  # fmt: skip
"""Documented keys that are imitated."""
_DOCUMENTED = (
    "children", "childrenIds", "conditions", "emailReasons", "emailTo", "host", "onCancel", "onError", "onChildError",
    "onSuccess", "maxHosts", "minHosts", "shell", "resources",
)  # fmt: skip
"""The other documented keys."""


class Job:
    """One job."""

    def __init__(self, number: int, specification: Dict[str, Any]) -> None:
        _check(specification)
        self.id = number
        self.specification = specification
        self.status = "runnable"
        self.cancel_asked = False
        self.queued = _now()
        self.started: Optional[DateTime] = None
        self.ended: Optional[DateTime] = None

    @property
    def tags(self) -> List[str]:
        return list(self.specification.get("tags", []))

    @property
    def cpus(self) -> int:
        return int(self.specification.get("cpus", 1))

    def set_status(self, status: str) -> None:
        self.status = status
        if status == "running":
            self.started = _now()
        if status in FINISHED:
            self.ended = _now()

    def attributes(self) -> Dict[str, Any]:
        """What `getJob` gives, as far as it is imitated."""
        return {
            "id": self.id,
            "name": self.specification["name"],
            "status": self.status,
            "tags": self.tags,
            "cpus": self.cpus,
            "priority": self.specification.get("priority", 0),
            "queueTime": self.queued,
            "startTime": self.started,
            "endTime": self.ended,
        }


def specifications(given: Union[str, Dict[str, Any], Sequence[Dict[str, Any]]]) -> List[Dict[str, Any]]:
    """`newjob` takes one specification, a list of them, or either as JSON text."""
    found = json.loads(given) if isinstance(given, str) else given
    return list(found) if isinstance(found, (list, tuple)) else [found]


def may_join(job: Job, running: Sequence[Job], cpus: int) -> bool:
    """Whether a machine that runs some jobs takes one more: by its tags and by free processors.

    `single` wants the machine to itself; two jobs with the same `single:...` are never on one machine.
    """
    if running and ("single" in job.tags or any("single" in other.tags for other in running)):
        return False
    taken = {tag for other in running for tag in other.tags if tag.startswith("single:")}
    return not taken.intersection(job.tags) and sum(other.cpus for other in running) + job.cpus <= cpus


def log_of(root: Path, number: int) -> Path:
    """Where a job's output goes; the place is the stand-in's own."""
    return root / "job_logs" / ("%d.log" % number)


def _check(specification: Dict[str, Any]) -> None:
    """Refuses what is not documented, and what is but is not imitated: a typing error must not go unnoticed."""
    if "name" not in specification or not specification.get("command"):
        raise Fault(1, "a job without a name or a command is not imitated")
    for key, value in specification.items():
        if key in _DOCUMENTED:
            raise Fault(1, "the key %s of a job is not imitated" % key)
        if key not in _KNOWN:
            raise Fault(1, "no job has the key %r" % key)
        if type(value) is not _KNOWN[key]:
            raise Fault(1, "%s of a job is %r" % (key, value))
    for name, value in specification.get("environment", {}).items():
        if not isinstance(value, str):
            raise Fault(1, "environment values are texts, %s is %r" % (name, value))


def _now() -> DateTime:
    return DateTime(datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None))

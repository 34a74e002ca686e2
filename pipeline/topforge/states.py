"""Where an item stands: `state.json`, for people, monitors and engines. Truth about completion is `result.json`."""

from __future__ import annotations

import dataclasses
import enum
import json
import time
from pathlib import Path
from typing import Any, Dict, Optional

from topforge import atomic
from topforge.errors import FailureClass


class Status(str, enum.Enum):
    """The life of an item."""

    QUEUED = "queued"
    """Expanded, nothing has touched it yet."""
    WAITING = "waiting"
    """A runner has it and waits for something; `message` names what (a free GPU, another runner, a retry's pause)."""
    RUNNING = "running"
    """The trainer is at work."""
    DONE = "done"
    """`result.json` is there and the outputs are complete."""
    FAILED = "failed"
    """Ended; `failure_class`, `reason` and `fix` are set."""
    CANCELLED = "cancelled"
    """Stopped on request after a save; running it again resumes."""


@dataclasses.dataclass(frozen=True)
class State:
    """One snapshot of an item's life. Fields are None where the status does not give them a meaning."""

    status: Status
    message: str = ""
    """For people: "train, step 400 of 1000", "waiting for a free GPU (2 of 2 leased)"."""
    stage: Optional[str] = None
    """Name of the running step: "train", "export", "report", ..."""
    progress: Optional[float] = None
    """0 to 1 over the whole item."""
    seconds_left: Optional[float] = None
    metrics: Optional[Dict[str, float]] = None
    """Newest values: loss, psnr, ..."""
    attempt: int = 0
    """Counts from 1 with the first start of the trainer; 0 before."""
    host: Optional[str] = None
    process: Optional[int] = None
    """The runner's process id on `host`."""
    devices: Optional[str] = None
    """Leased devices as given to CUDA_VISIBLE_DEVICES; None without a GPU."""
    failure_class: Optional[FailureClass] = None
    reason: Optional[str] = None
    fix: Optional[str] = None
    updated: float = 0.0
    """Unix time of this snapshot; set by `write`."""


def write(path: Path, state: State, durable: bool = False) -> State:
    """Writes `state` with the current time and returns what was written."""
    stamped = dataclasses.replace(state, updated=time.time())
    atomic.write_json(path, {k: v for k, v in dataclasses.asdict(stamped).items() if v is not None}, durable)
    return stamped


def read(path: Path) -> Optional[State]:
    """The state on disk, or None when there is none yet. Fields of a newer version are ignored.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not isinstance(raw, dict) or "status" not in raw:
        raise ValueError("it holds no status")
    known = {f.name for f in dataclasses.fields(State)}
    values = {k: v for k, v in raw.items() if k in known}
    values["status"] = Status(values["status"])
    if values.get("failure_class") is not None:
        values["failure_class"] = FailureClass(values["failure_class"])
    return State(**values)


def last(path: Path) -> Optional[State]:
    """`read` for those who go on in any case: None also for a file that a power cut or a full disk damaged.

    It is not forced to disk while an item runs, and says nothing that running the item again would not.
    """
    try:
        return read(path)
    except ValueError:
        return None

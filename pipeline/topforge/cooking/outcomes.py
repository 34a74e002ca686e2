"""How the items of a job stand when a cook ends."""

from __future__ import annotations

import dataclasses
from typing import Mapping, Optional, Tuple

from topforge import results, states
from topforge.errors import EXIT_BUSY, EXIT_CODES, FailureClass
from topforge.paths import RunPaths
from topforge.planning.planned_items import Planned
from topforge.running import finished
from topforge.states import Status

WAS_DONE = "done before"
"""The result was there before this cook."""
SKIPPED = "skipped"
"""Not started, because an item it depends on failed."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an item stands when the cook ends."""

    planned: Planned
    status: str
    """A `states.Status` value, WAS_DONE or SKIPPED."""
    seconds: Optional[float] = None
    """Wall time, of all attempts for an item that was done before."""
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    reason: str = ""
    fix: str = ""
    failure_class: Optional[FailureClass] = None
    remarks: Tuple[str, ...] = ()
    """Of one that succeeded, as `Result.remarks`."""

    @property
    def succeeded(self) -> bool:
        """Whether the item has a complete result."""
        return self.status in (Status.DONE.value, WAS_DONE)

    @property
    def failed(self) -> bool:
        """Whether this cook can no longer give it a result."""
        return self.status in (Status.FAILED.value, SKIPPED)


def if_done_before(planned: Planned) -> Optional[Outcome]:
    """The outcome of an item that needs no runner: its result is complete and its state says so."""
    try:
        result = finished.result(RunPaths(planned.folder), planned.item)
    except finished.OtherResultError:  # its runner will say so
        return None
    if result is None:
        return None
    seconds = sum(attempt["seconds"] for attempt in result.provenance["attempts"])
    return Outcome(planned, WAS_DONE, seconds, result.metrics, remarks=result.remarks)


def of_ended(planned: Planned, exit_code: int, said: str, seconds: float) -> Outcome:
    """The outcome of an item whose runner has ended.

    Args:
        planned: The item.
        exit_code: The runner's; negative for a signal.
        said: What the runner printed: the only word when it could not write state.json.
        seconds: Wall time.
    """
    if exit_code == 0:
        result = results.read(planned.folder)
        return Outcome(planned, Status.DONE.value, seconds, result.metrics, remarks=result.remarks)
    if exit_code == EXIT_CODES[FailureClass.PREEMPTED]:
        return Outcome(planned, Status.CANCELLED.value, seconds)
    state = states.last(RunPaths(planned.folder).state)
    if state is not None and state.status is Status.FAILED and state.failure_class is not None:
        return _failed(planned, seconds, state.reason or "", state.fix or "", state.failure_class)
    if exit_code < 0:
        reason = "The runner was ended by signal %d." % -exit_code
        return _failed(planned, seconds, reason, "Cook again: it continues.", FailureClass.INFRA)
    kinds = {code: kind for kind, code in EXIT_CODES.items()}
    kind = kinds.get(exit_code, FailureClass.INFRA if exit_code == EXIT_BUSY else FailureClass.INTERNAL)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = lines[0] if len(lines) == 2 else (lines or ["The runner ended with exit code %d." % exit_code])[-1]
    return _failed(planned, seconds, reason, lines[1] if len(lines) == 2 else "", kind)


def _failed(planned: Planned, seconds: float, reason: str, fix: str, kind: FailureClass) -> Outcome:
    return Outcome(planned, Status.FAILED.value, seconds, {}, reason, fix, kind)

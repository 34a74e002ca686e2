"""How far an item is: from what its steps report to one number, the time left, and the lines engines read. No I/O."""

from __future__ import annotations

import math
from typing import Dict, List, Optional, Sequence

from topforge.trainers.base import Report, Step

_SMOOTHING_SECONDS = 20.0
"""Time constant of the smoothed rate: long enough for a calm display, short enough to follow a change of stage."""
_SHARE_DENOMINATOR = 1000


class Tracker:
    """Weighted progress over an item's steps, with the time that is left."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._total = sum(step.weight for step in steps)
        self._index = 0
        self.metrics: Dict[str, float] = {}
        """Newest finite value of each metric."""
        self.begin(0, 0.0)

    def begin(self, index: int, now: float) -> None:
        """Step number `index` starts; `now` in seconds on any steady clock."""
        self._index, self._share = index, 0.0
        self._began, self._rate = now, _Rate()
        self._told_left: Optional[float] = None
        self._stage: Optional[str] = None
        self._message = ""

    def update(self, report: Report, now: float) -> None:
        """Takes in what a line said. Values that are not finite are passed over; progress never goes back in a step."""
        share = _share(report)
        if share is not None:
            self._share = max(self._share, share)
            self._rate.update(self._share, now)
        if report.seconds_left is not None and math.isfinite(report.seconds_left):
            self._told_left = max(0.0, report.seconds_left)
        self._stage = report.stage or self._stage
        self._message = report.message or _position(report) or self._message
        for name, value in (report.metrics or {}).items():
            if math.isfinite(value):
                self.metrics[name] = value

    @property
    def stage(self) -> str:
        """What is going on: the stage the child names, else the step's name."""
        return self._stage or self._steps[self._index].name

    @property
    def message(self) -> str:
        """For people: "train, step 400 of 1000"."""
        return ", ".join(part for part in (self.stage, self._message) if part)

    @property
    def progress(self) -> float:
        """0 to 1 over the whole item."""
        done = sum(step.weight for step in self._steps[: self._index])
        return min(1.0, (done + self._share * self._steps[self._index].weight) / self._total) if self._total else 0.0

    def seconds_left(self, now: float) -> Optional[float]:
        """Until the whole item is done: the child's own word for its step if it gives one, else from its rate."""
        left = self._told_left if self._told_left is not None else self._rate.seconds_left(self._share)
        weight = self._steps[self._index].weight
        if left is None or weight <= 0:
            return None
        later = sum(step.weight for step in self._steps[self._index + 1 :])
        return left + (now - self._began + left) * later / weight


class _Rate:
    """Share per second, smoothed; starts at the first report, so that a resumed run is not taken for a fast one."""

    def __init__(self) -> None:
        self._last: Optional[float] = None
        self._share = 0.0
        self._rate: Optional[float] = None

    def update(self, share: float, now: float) -> None:
        if self._last is None:
            self._last, self._share = now, share
        elif now > self._last and share > self._share:
            span, rate = now - self._last, (share - self._share) / (now - self._last)
            keep = math.exp(-span / _SMOOTHING_SECONDS)
            self._rate = rate if self._rate is None else keep * self._rate + (1.0 - keep) * rate
            self._last, self._share = now, share

    def seconds_left(self, share: float) -> Optional[float]:
        return (1.0 - share) / self._rate if self._rate else None


def _share(report: Report) -> Optional[float]:
    """Progress in its step, 0 to 1; from step and total where the line gives no progress."""
    share = report.progress
    if share is None and report.step is not None and report.total:
        share = report.step / report.total
    return min(1.0, max(0.0, share)) if share is not None and math.isfinite(share) else None


def _position(report: Report) -> str:
    if report.step is None:
        return ""
    return "step %d of %d" % (report.step, report.total) if report.total else "step %d" % report.step


def dialects(progress: float, message: str) -> List[str]:
    """The lines by which engines that read stdout learn of progress: HQueue's and Open Job Description's.

    Args:
        progress: 0 to 1, finite.
        message: One line for people.
    """
    share = int(progress * _SHARE_DENOMINATOR)
    return [
        "PROGRESS: %d/%d" % (share, _SHARE_DENOMINATOR),
        "openjd_progress: %.1f" % (100.0 * progress),
        "openjd_status: %s" % " ".join(message.split()),
    ]

"""How far an item is: from what its steps report to one number, the time left, and the lines engines read. No I/O."""

from __future__ import annotations

import math
from collections import deque
from typing import Deque, Dict, List, Optional, Sequence, Tuple

from topforge.trainers.base import Report, Step

_WINDOW_SECONDS, _WINDOW_SHARE = 20.0, 0.3
"""The rate is that of the last 20 s, or of the last third of a long step: calm, and yet follows a change of stage."""
_SETTLING_SECONDS, _SETTLING_REPORTS, _SETTLING_SHARE = 10.0, 5, 0.05
"""Before so much has been seen there is no estimate: kernels are compiled and caches filled at the start."""
_SHARE_DENOMINATOR = 1000


class Tracker:
    """Weighted progress over an item's steps, with the time that is left."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._total = sum(step.weight for step in steps)
        self._index = 0
        self.metrics: Dict[str, float] = {}
        """Newest finite value of each metric."""
        self.step: Optional[int] = None
        """Newest step that a child told, of whichever stage."""
        self.begin(0, 0.0)

    def begin(self, index: int, now: float) -> None:
        """Step number `index` starts; `now` in seconds on any steady clock."""
        self._index, self._share = index, 0.0
        self._began, self._rate = now, _Rate()
        self._told_left: Optional[float] = None
        self._stage: Optional[str] = None
        self._message = self._short = ""

    def update(self, report: Report, now: float) -> None:
        """Takes in what a line said. Values that are not finite are passed over; progress never goes back in a step."""
        share = _share(report)
        if share is not None:
            self._share = max(self._share, share)
            self._rate.update(self._share, now)
        if report.step is not None:
            self.step = report.step
        if report.seconds_left is not None and math.isfinite(report.seconds_left):
            self._told_left = max(0.0, report.seconds_left)
        self._say(report)
        for name, value in (report.metrics or {}).items():
            if math.isfinite(value):
                self.metrics[name] = value

    def _say(self, report: Report) -> None:
        if report.stage and report.stage != self._stage:
            self._stage, self._message, self._short = report.stage, "", ""
        if report.message or report.total or not self._message:  # else a metric between two reports of progress
            self._message = report.message or _position(report) or self._message
        if report.step is not None:
            self._short = "step %d/%d" % (report.step, report.total) if report.total else "step %d" % report.step

    @property
    def stage(self) -> str:
        """What is going on: the stage the child names, else the step's name."""
        return self._stage or self._steps[self._index].name

    @property
    def message(self) -> str:
        """For people: "train, step 400 of 1000"."""
        return ", ".join(part for part in (self.stage, self._message) if part)

    @property
    def position(self) -> str:
        """The same in few words: "step 400/1000"; where a stage has no steps, all of `message`."""
        return self._short or self.message

    @property
    def progress(self) -> float:
        """0 to 1 over the whole item."""
        done = sum(step.weight for step in self._steps[: self._index])
        return min(1.0, (done + self._share * self._steps[self._index].weight) / self._total) if self._total else 0.0

    def seconds_left(self, now: float) -> Optional[float]:
        """Until the whole item is done, None while nobody knows.

        From the rate of progress; the child's own word, usually the time of its last iteration multiplied, counts only
        when it tells no progress.
        """
        left = self._rate.seconds_left(self._share, now) if self._rate.known else self._told_left
        weight = self._steps[self._index].weight
        if left is None or weight <= 0:
            return None
        later = sum(step.weight for step in self._steps[self._index + 1 :])
        return left + (now - self._began + left) * later / weight


class _Rate:
    """Share per second over the recent past.

    Starts where progress first moved: a resumed run is then not taken for a fast one, nor the first iteration, which
    compiles kernels and fills caches, for a usual one.
    """

    def __init__(self) -> None:
        self._recent: Deque[Tuple[float, float]] = deque()
        self._start = (0.0, 0.0)
        self._reports = 0

    @property
    def known(self) -> bool:
        """Whether any progress was told at all."""
        return self._reports > 0

    def update(self, share: float, now: float) -> None:
        if self._recent and share <= self._recent[-1][1]:
            return
        self._reports += 1
        if self._reports <= 2:
            self._start = (now, share)
            self._recent.clear()
        self._recent.append((now, share))
        oldest = now - max(_WINDOW_SECONDS, _WINDOW_SHARE * (now - self._start[0]))
        while len(self._recent) > 2 and self._recent[1][0] <= oldest:
            self._recent.popleft()

    def seconds_left(self, share: float, now: float) -> Optional[float]:
        began, before = self._recent[0]
        if share <= before or not self._has_settled(share, now):
            return None
        return (1.0 - share) * (now - began) / (share - before)

    def _has_settled(self, share: float, now: float) -> bool:
        patient = now - self._start[0] >= _SETTLING_SECONDS and self._reports >= _SETTLING_REPORTS
        return patient or share - self._start[1] >= _SETTLING_SHARE


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

"""Milliseconds a step by the clock, from progress lines that both trainers print in the same form."""

import re
import statistics
from typing import List, Tuple

from benchmarking.process import Line

ITERATION = re.compile(r"^iter=\s*(\d+),")
SETTLED = 0.1
"""The share of a pass that is left out at its begin: first calls set up tables, pools and graphs."""

Stamp = Tuple[int, float]
"""Iteration of the pass, seconds since the start of the process."""


def passes(lines: List[Line]) -> List[List[Stamp]]:
    """The stamps of each pass: a new pass begins where the iteration falls back."""
    found: List[List[Stamp]] = []
    for line in lines:
        match = ITERATION.match(line.text)
        if not match:
            continue
        step = int(match.group(1))
        if not found or step < found[-1][-1][0]:
            found.append([])
        found[-1].append((step, line.seconds))
    return found


def milliseconds(stamps: List[Stamp]) -> float:
    """Median time of a step between two progress lines; data loading and drawing of references are inside.

    The median leaves out the few stretches in which a preview was written. NaN where fewer than two lines came.
    """
    first = stamps[0][0] + SETTLED * (stamps[-1][0] - stamps[0][0]) if stamps else 0
    stretches: List[float] = []
    for (step, seconds), (later, then) in zip(stamps, stamps[1:]):
        if step >= first and later > step:
            stretches += [1000.0 * (then - seconds) / (later - step)] * (later - step)
    return statistics.median(stretches) if stretches else float("nan")


def at(stamps: List[Stamp], step: float) -> float:
    """Seconds at which an iteration of the pass was reached, between two lines by interpolation."""
    before = [stamp for stamp in stamps if stamp[0] <= step] or stamps[:1]
    after = [stamp for stamp in stamps if stamp[0] >= step] or stamps[-1:]
    (a, begin), (b, end) = before[-1], after[0]
    return begin if b <= a else begin + (end - begin) * (step - a) / (b - a)

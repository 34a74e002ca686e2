"""Milliseconds a step by the clock, from progress lines that both trainers print in the same form."""

import re
from typing import List, Sequence, Tuple

from benchmarking.process import Line

ITERATION = re.compile(r"^iter=\s*(\d+),")
BOUNDARY = re.compile(r"^(Base mesh has|topforge stage=unwrap)")
"""What is printed between the passes."""
SETTLED = 0.1
"""The share of a pass that is left out at its begin: first calls set up tables, pools and graphs."""

Stamp = Tuple[int, float]
"""Iteration of the pass, seconds since the start of the process."""


def passes(lines: List[Line]) -> List[List[Stamp]]:
    """The stamps of each pass that printed any."""
    found: List[List[Stamp]] = [[]]
    for line in lines:
        if BOUNDARY.match(line.text):
            found.append([])
        match = ITERATION.match(line.text)
        if not match:
            continue
        found[-1].append((int(match.group(1)), line.seconds))
    return [stamps for stamps in found if stamps]


def milliseconds(stamps: List[Stamp], intervals: Sequence[int] = ()) -> float:
    """Mean time of a step; data loading and drawing of references are inside.

    Left out are the first tenth of the pass and the stretches between two lines in which a preview or a checkpoint was
    written, both of which `seconds` of a whole run has in it.

    Args:
        stamps: Of one pass.
        intervals: Iterations between previews, and between checkpoints; 0 = none.

    Returns:
        NaN where too few lines came.
    """
    first = stamps[0][0] + SETTLED * (stamps[-1][0] - stamps[0][0]) if stamps else 0
    steps, total = 0, 0.0
    for (step, seconds), (later, then) in zip(stamps, stamps[1:]):
        interrupted = any(interval and later // interval > step // interval for interval in intervals)
        if step >= first and later > step and not interrupted:
            steps, total = steps + later - step, total + then - seconds
    return 1000.0 * total / steps if steps else float("nan")


def at(stamps: List[Stamp], step: float) -> float:
    """Seconds at which an iteration of the pass was reached, between two lines by interpolation."""
    before = [stamp for stamp in stamps if stamp[0] <= step] or stamps[:1]
    after = [stamp for stamp in stamps if stamp[0] >= step] or stamps[-1:]
    (a, begin), (b, end) = before[-1], after[0]
    return begin if b <= a else begin + (end - begin) * (step - a) / (b - a)

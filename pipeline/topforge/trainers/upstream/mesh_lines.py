"""Lines that nvdiffrec and nvdiffmodeling both print: an iteration, and torch that builds an extension."""

from __future__ import annotations

import dataclasses
import re
from typing import Mapping, Optional

from topforge.trainers.base import Report

_ITERATION = re.compile(
    r"^iter=\s*(\d+), img_loss=(\S+), (?:reg|lap)_loss=(\S+), lr=(\S+), time=(\S+) ms, "
    r"rem=(?:[\d.]+|nan|inf) ?[hms]\s*$"
)
_BUILDING = re.compile(r"^Building extension module (\w+)")


@dataclasses.dataclass(frozen=True)
class Iteration:
    """One iteration of one pass."""

    number: int
    """They run from 0 to `iter`, both included."""
    metrics: Mapping[str, float]


def iteration(line: str) -> Optional[Iteration]:
    """The iteration that a stripped line tells of; None for any other line, and for a torn one."""
    match = _ITERATION.match(line)
    if match is None:
        return None
    try:
        values = [float(text) for text in match.groups()[1:]]
    except ValueError:
        return None
    return Iteration(int(match.group(1)), dict(zip(("loss", "regulariser", "rate", "milliseconds"), values)))


def building(line: str) -> Optional[Report]:
    """Reads torch's `Building extension module NAME`."""
    match = _BUILDING.match(line)
    if match is None:
        return None
    return Report(stage="extensions", message="building %s, which takes minutes the first time" % match.group(1))

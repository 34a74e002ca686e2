"""From values to places along an axis, and the ticks on it."""

from __future__ import annotations

import dataclasses
import math
from typing import List, Sequence

_LOGARITHMIC_FROM = 8.0
"""Ratio of greatest to least from which a logarithmic axis shows more."""

_LEAST = 1e-290
"""Below this, floating point has no room for an axis."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """Maps `low` to `start` and `high` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (self.end - self.start) * (at - low) / (high - low)

    def ticks(self, about: int) -> List[float]:
        """Round values within the axis."""
        if not self.logarithmic:
            return _round_steps(self.low, self.high, about)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1,), (1, 3), (1, 2, 5)):
            values = [factor * 10.0**decade for decade in decades for factor in factors]
            ticks = [value for value in values if self.low <= value <= self.high]
            if len(ticks) >= 3:
                break
        return ticks[:: -(-len(ticks) // (about + 2))]


def _round_steps(low: float, high: float, about: int) -> List[float]:
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.8)
    first = math.ceil(low / step - 1e-9)
    return [float("%.12g" % (index * step)) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def wants_logarithm(values: Sequence[float]) -> bool:
    """Whether values span so much that only a logarithmic axis shows all of them."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > _LOGARITHMIC_FROM


def fitted(values: Sequence[float], start: float, end: float, logarithmic: bool = False, margin: float = 0.06) -> Scale:
    """An axis that holds finite values with a margin; a single value gets some room around it."""
    low, high = min(values), max(values)
    if logarithmic:
        room = max((high / low) ** margin, 1.1)
        return Scale(low / room, high * room, start, end, True)
    largest = max(abs(low), abs(high))
    if high - low > max(1e-9 * largest, _LEAST):
        room = (high - low) * margin
    else:  # as good as one value
        room = max(0.05 * largest, _LEAST) if largest > _LEAST else 0.5
    return Scale(low - room, high + room, start, end)

"""Whether a failed attempt is followed by another, and after what pause.

config, trainer, internal: never. oom: with lower settings, a few times. infra: a few times, with a growing pause.
preempted: not here, but by whoever runs the item again, as often as it likes.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Optional

from topforge.errors import FailureClass


@dataclasses.dataclass(frozen=True)
class Policy:
    """How often, and how patiently."""

    infra_retries: int = 2
    """Further attempts after failures of the machine."""
    first_pause_seconds: float = 2.0
    growth: float = 4.0
    """Each pause is this much longer than the one before."""
    longest_pause_seconds: float = 60.0
    lowerings: int = 3
    """Further attempts after out-of-memory, each with lower settings than the one before."""


class Retries:
    """Counts one item's failures."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._infra = 0
        self._lowerings = 0

    def pause(self, failure_class: FailureClass) -> Optional[float]:
        """Notes an infra failure; seconds until the next attempt, or None when there is none.

        The pause is drawn from the upper half of its range: items that failed together do not come back together.
        """
        if failure_class is not FailureClass.INFRA or self._infra >= self._policy.infra_retries:
            return None
        seconds = self._policy.first_pause_seconds * self._policy.growth**self._infra
        self._infra += 1
        return min(seconds, self._policy.longest_pause_seconds) * random.uniform(0.5, 1.0)

    def may_lower(self, failure_class: FailureClass) -> bool:
        """Notes an out-of-memory failure; whether lower settings may be tried."""
        if failure_class is not FailureClass.OOM or self._lowerings >= self._policy.lowerings:
            return False
        self._lowerings += 1
        return True

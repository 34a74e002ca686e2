"""How far a pass is: by its iterations or by its share of the time budget, whichever is further."""

from __future__ import annotations

import dataclasses
from typing import Dict, Optional

BUDGET_SHARE = 0.9
"""Of `time_budget`; the rest is for writing and measuring the result."""
TURN_SHARE = 0.1
"""Of the iterations an extension adds: over them its progress comes from where it was to where the new end puts it."""


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Where a pass begins and ends. Seconds are of the run's clock, which counts all attempts from their start.

    An extended run goes on as if its new end had been planned from the beginning. What depends on progress (step sizes,
    weights that fall, the coarse stage) would jump then, from near the end of the old plan to the middle of the new
    one; so progress itself goes from the one to the other along a straight line (`TURN_SHARE`).
    """

    iterations: int
    started: float = 0.0
    """When the pass began."""
    ends: Optional[float] = None
    """When it must be over; None = only its iterations count."""
    turned: int = 0
    """The iteration at which an extension began."""
    lead: float = 0.0
    """How much further it was then than the new plan says."""

    def progress(self, step: int, elapsed: float) -> float:
        """0 at the beginning of the pass, 1 at its end.

        Args:
            step: Iterations that are done.
            elapsed: What the clock says.
        """
        turn = max(TURN_SHARE * (self.iterations - self.turned), 1.0)
        return min(self.share(step, elapsed) + self.lead * max(0.0, 1.0 - (step - self.turned) / turn), 1.0)

    def share(self, step: int, elapsed: float) -> float:
        """The same without an extension's turn: for showing how much is done."""
        by_steps = step / self.iterations
        if self.ends is None:
            return min(by_steps, 1.0)
        by_time = (elapsed - self.started) / max(self.ends - self.started, 1e-9)
        return min(max(by_steps, by_time), 1.0)

    def is_over(self, step: int, elapsed: float) -> bool:
        """Whether no iteration is left, or no time."""
        return step >= self.iterations or self.is_out_of_time(elapsed)

    def is_out_of_time(self, elapsed: float) -> bool:
        """Whether the pass's share of the time budget is used up."""
        return self.ends is not None and elapsed >= self.ends

    def extended(self, step: int, elapsed: float, progress: float) -> Timeline:
        """This one for a run that was at `progress` of an earlier plan at iteration `step`."""
        return dataclasses.replace(self, turned=step, lead=max(progress - self.share(step, elapsed), 0.0))

    def saved(self) -> Dict[str, float]:
        """What a checkpoint has to keep; the rest follows from the options."""
        return {"started": self.started, "turned": self.turned, "lead": self.lead}

    def resumed(self, saved: Dict[str, float]) -> Timeline:
        """The inverse of `saved`."""
        return dataclasses.replace(
            self, started=saved["started"], turned=int(saved["turned"]), lead=float(saved["lead"])
        )


def of_pass(number: int, passes: int, iterations: int, time_budget: float, elapsed: float) -> Timeline:
    """The plan of pass `number` of `passes`, which begins when the clock says `elapsed`.

    Each pass has to be over after an equal share of the time that is for training, counted from the start of the
    process: reading photographs and setting up is paid by the first pass, unwrapping by the second.

    Args:
        number: From 0.
        passes: How many there are.
        iterations: Of the pass.
        time_budget: Seconds for the whole run; 0 = no limit.
        elapsed: Seconds of the clock.
    """
    ends = BUDGET_SHARE * time_budget * (number + 1) / passes if time_budget else None
    return Timeline(iterations, elapsed, ends)

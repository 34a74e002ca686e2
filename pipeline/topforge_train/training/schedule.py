"""How weights and step sizes change over a pass. Everything here is a function of progress p in [0, 1] or of a step."""

from __future__ import annotations

import math


def rate_factor(schedule: str, step: int, progress: float, warmup: int) -> float:
    """Factor on the step size.

    Args:
        schedule: "cosine" falls to 1 % at progress 1; "nvdiffrec" is 10^(-0.0002 step) whatever the length.
        step: Iteration of the pass.
        progress: 0 to 1.
        warmup: Iterations over which the rate rises from zero (nvdiffrec: 100 in pass 2).
    """
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "nvdiffrec":
        return float(10.0 ** (-0.0002 * (step - warmup)))
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def ramp(value: float, steps: int, step: int) -> float:
    """Rises linearly from 0 to `value` over `steps` iterations: regularisers must not freeze an unformed solution."""
    return value * min(1.0, step / max(steps, 1))

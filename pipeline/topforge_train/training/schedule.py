"""How weights and step sizes change over a pass. Everything here is a function of progress p in [0, 1] or of a step."""

from __future__ import annotations

import math
from typing import Dict

import torch
from torch import Tensor

from topforge_train.training.session import Session
from topforge_train.training.step import Drawn


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


def choose_views(session: Session, training_pass: int, step: int, count: int) -> Tensor:
    """Indices [count] of the views of an iteration: every view once before any comes again.

    Stateless, so that a resumed run sees the same order: the shuffle of an epoch depends on seed, pass and epoch only.
    """
    total = len(session.training)
    position = step * count
    chosen = []
    while len(chosen) < count:
        epoch, offset = divmod(position + len(chosen), total)
        order = torch.randperm(total, generator=session.generator(training_pass + 10, epoch))
        chosen += order[offset : offset + count - len(chosen)].tolist()
    return torch.tensor(chosen)


def drawn(session: Session, training_pass: int, step: int, count: int, level: int, numbers: Dict[str, float]) -> Drawn:
    """An iteration of `count` views at a level of the photographs' pyramid, each before a colour of its own.

    Of several processes each has `count` views of its own. `numbers` are the weights and the rate that change from one
    iteration to the next.
    """
    generator, ranks = session.generator(training_pass, step), session.ranks
    everywhere = count * ranks.size
    return Drawn(
        level=level,
        views=ranks.share(choose_views(session, training_pass, step, everywhere)),
        background=ranks.share(torch.rand(everywhere, 1, 1, 3, generator=generator)),
        seed=ranks.share(torch.randint(2**31 - 1, (ranks.size,), generator=generator, dtype=torch.int32)),
        numbers={name: torch.tensor(number) for name, number in numbers.items()},
    )

"""What an iteration draws on the CPU: all that changes from one iteration to the next."""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Sequence, Tuple

import torch
from torch import Tensor

from topforge_train.training.session import Session


@dataclasses.dataclass(frozen=True)
class Drawn:
    """All that changes from one iteration to the next, in tensors of fixed shape."""

    level: int
    """Which of the photographs' resolutions, 0 the finest."""
    views: Tensor  # [B] int64, photographs
    background: Tensor  # [B, 1, 1, 3] linear colour behind the object
    seed: Tensor  # [1] int32, for noise that is made on the device (`backend.warp_noise`)
    numbers: Dict[str, Tensor]  # [] float32: weights of terms by name, and "rate", the factor on all step sizes

    @property
    def shape(self) -> Tuple[int, int]:
        """What decides the shapes of an iteration's tensors, apart from its `Room`."""
        return self.level, len(self.views)

    def tensors(self) -> List[Tensor]:
        """All of them, in an order of their own."""
        return [self.views, self.background, self.seed, *self.numbers.values()]

    def with_tensors(self, tensors: Sequence[Tensor]) -> Drawn:
        """The same with other tensors, in the order of `tensors`."""
        views, background, seed, *numbers = tensors
        return Drawn(self.level, views, background, seed, dict(zip(self.numbers, numbers)))

    def split(self, parts: int) -> List[Drawn]:
        """The views in parts of equal size, each with noise of its own; `parts` divides their number."""
        if parts == 1:
            return [self]
        shares = enumerate(zip(self.views.chunk(parts), self.background.chunk(parts)))
        return [
            dataclasses.replace(self, views=views, background=background, seed=self.seed + number)
            for number, (views, background) in shares
        ]

    def to(self, device: torch.device) -> Drawn:
        """The same on a device; a GPU is not waited for."""
        return self.with_tensors([tensor.to(device, non_blocking=True) for tensor in self.tensors()])


def choose_views(session: Session, training_pass: int, step: int, count: int) -> Tensor:
    """Indices [count] of the views of an iteration: every view once before any comes again.

    Stateless, so that a resumed run sees the same order: the shuffle of an epoch depends on seed, pass and epoch only.
    """
    total = len(session.training)
    position = step * count
    chosen: List[int] = []
    while len(chosen) < count:
        epoch, offset = divmod(position + len(chosen), total)
        order = torch.randperm(total, generator=session.generator(training_pass + 10, epoch))
        chosen += order[offset : offset + count - len(chosen)].tolist()
    return torch.tensor(chosen)


def draw_views(
    session: Session, training_pass: int, step: int, count: int, level: int, numbers: Dict[str, float]
) -> Drawn:
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

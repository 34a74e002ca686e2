"""What an iteration draws on the CPU: all that changes from one iteration to the next."""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Sequence, Tuple

import torch
from torch import Tensor


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

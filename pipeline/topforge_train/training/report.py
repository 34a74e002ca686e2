"""What an iteration found out: a row of numbers on the device first, read by the host when it is there."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.padding import Lengths

GRADIENT = "gradient"
"""Name of the gradient's length among the terms of an iteration; not minimised, only looked at."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What an iteration found out.

    Attributes:
        step: Its number.
        terms: Weighted terms of the loss by name, and the gradient's length.
        lengths: How long its lists had to be.
        rejected: Whether it was not applied.
    """

    step: int
    terms: Dict[str, float]
    lengths: Dict[str, int]
    rejected: bool

    @property
    def is_finite(self) -> bool:
        """Whether all terms are numbers."""
        return all(math.isfinite(term) for term in self.terms.values())


@dataclasses.dataclass(frozen=True)
class Report:
    """What an iteration found out as one row of numbers: terms, lengths, and, once fetched, whether it was rejected."""

    names: Tuple[str, ...]
    lists: Tuple[str, ...]
    numbers: Tensor  # float32
    event: Optional[Any] = None  # of the copy to the CPU

    @classmethod
    def of(cls, terms: Dict[str, Tensor], lengths: Lengths, device: torch.device) -> Report:
        """The row of terms [] and lengths, on the device."""
        counts = [torch.as_tensor(length, device=device).reshape(()).float() for length in lengths.values()]
        numbers = torch.stack([*(term.detach() for term in terms.values()), *counts])
        return cls(tuple(terms), tuple(lengths), numbers)

    @property
    def terms(self) -> Tensor:
        """The terms among the numbers."""
        return self.numbers[: len(self.names)]

    @property
    def lengths(self) -> Tensor:
        """The lengths among the numbers."""
        return self.numbers[len(self.names) :]

    def copied(self) -> Report:
        """With numbers that the next iteration does not overwrite."""
        return dataclasses.replace(self, numbers=self.numbers.clone())

    def joined(self, other: Report) -> Report:
        """This one and another part's: sums of terms, the greater lengths. Overwrites this one."""
        self.terms.add_(other.terms)
        torch.maximum(self.lengths, other.lengths, out=self.lengths)
        return self

    def spoilt(self, limits: Optional[Tensor]) -> Tensor:
        """1 if a term is no number or a number exceeds its limit, else 0: [] float32 on the device."""
        sound = torch.isfinite(self.numbers) if limits is None else self.numbers.abs() <= limits  # NaN is not
        return 1.0 - sound.all().float()

    def fetched(self, rejected: Tensor) -> Report:
        """On the CPU; from a GPU the copy is begun, not awaited."""
        numbers = torch.cat([self.numbers, rejected.reshape(1)])
        if not numbers.is_cuda:
            return dataclasses.replace(self, numbers=numbers)
        here = torch.empty(numbers.shape, pin_memory=True).copy_(numbers, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        return dataclasses.replace(self, numbers=here, event=event)

    def found(self, step: int) -> Found:
        """As plain numbers; waits for the copy."""
        if self.event is not None:
            self.event.synchronize()
        *values, rejected = self.numbers.tolist()
        terms = dict(zip(self.names, values))
        lengths = {name: int(value) for name, value in zip(self.lists, values[len(self.names) :])}
        return Found(step, terms, lengths, bool(rejected))

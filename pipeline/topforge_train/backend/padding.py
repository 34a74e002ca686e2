"""Lists that may end in padding: on a GPU their length is a capacity, and how much of it counts is known only there."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Union

import torch
from torch import Tensor

Room = Mapping[str, int]
"""Lengths of the lists of an iteration by name; a list without an entry is exactly as long as it needs to be."""

EXACT: Room = {}
"""Every list is as long as it needs to be. A GPU must be waited for to know."""

Lengths = Dict[str, Union[int, Tensor]]
"""How long lists must be, by the same names: numbers, or integer tensors of one element on the device."""


def mean(values: Tensor, count: Optional[Tensor]) -> Tensor:
    """Mean of values [P, ...] over the first `count` [1] rows, or over all where that is None; 0 over nothing.

    What stands in the other rows has no influence, and gets no gradient.
    """
    if count is None:
        return values.mean() if len(values) else values.sum()
    real = first(len(values), count).reshape(-1, *[1] * (values.dim() - 1))
    each = values[0].numel()
    return torch.where(real, values, 0.0).sum() / (count.clamp(1, len(values)) * each)[0]


def first(length: int, count: Tensor) -> Tensor:
    """Which of [length] rows are among the first `count` [1]: bool."""
    return torch.arange(length, device=count.device) < count

"""How long the lists of captured iterations are: a little longer than what they had to hold so far."""

from __future__ import annotations

import math
from typing import Dict, List

import torch
from torch import Tensor

from topforge_train.backend.padding import Room
from topforge_train.training.report import Found

SLACK = 1.1
"""How much longer lists are than what they had to hold so far. One too short costs a capture: 25 ms on an H100."""
GRANULE = 256
"""Lengths are multiples of this."""


def roomier(room: Room, found: Found) -> Dict[str, int]:
    """Room for all that an iteration found, with slack; a list that was long enough stays as long."""
    lengths = {}
    for name, length in found.lengths.items():
        before, needed = room.get(name, 0), GRANULE * max(1, math.ceil(SLACK * length / GRANULE))
        lengths[name] = max(needed, before) if not before or length > before else before
    return lengths


def too_short(room: Room, found: Found) -> List[str]:
    """The lists that could not hold what an iteration found."""
    return [name for name, length in found.lengths.items() if length > room.get(name, length)]


def limits_of(room: Room, found: Found, device: torch.device) -> Tensor:
    """What the numbers of a `Report` like that of `found` may be at most: terms anything finite, lists their room."""
    largest = [torch.finfo(torch.float32).max] * len(found.terms)
    return torch.tensor([*largest, *map(float, room.values())], device=device)

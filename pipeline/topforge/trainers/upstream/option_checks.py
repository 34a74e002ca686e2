"""Refusing values of options that an upstream trainer would accept and fail on later."""

from __future__ import annotations

import json
from typing import Any, Sequence

from topforge.errors import TopForgeError


class UpstreamOptionError(TopForgeError):
    """A value that the trainer would take and fail on later, or silently get wrong."""

    def __init__(self, trainer: str, key: str, value: Any, problem: str, fix: str) -> None:
        super().__init__('%s cannot run with "%s": %s: %s.' % (trainer, key, json.dumps(value), problem), fix)


def require_powers_of_two(trainer: str, texture_res: Sequence[int]) -> None:
    """Refuses textures whose mip levels the trainer's gradients cannot go through.

    Raises:
        UpstreamOptionError: With the next larger size.
    """
    for side in texture_res:
        if side & (side - 1):
            fix = "Write powers of two, such as [%d, %d]." % ((1 << side.bit_length(),) * 2)
            raise UpstreamOptionError(trainer, "texture_res", list(texture_res), "%d is no power of two" % side, fix)

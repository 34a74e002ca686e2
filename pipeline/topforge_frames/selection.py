"""Which frames of a video to take: the sharpest of each stretch, so that views stay evenly spread along the path."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from topforge_frames import sharpness


def stretches(total: int, length: float) -> List[Tuple[int, int]]:
    """Cuts `total` frames into stretches of `length` frames (at least one each), as (first, end) pairs."""
    length = max(length, 1.0)
    count = max(1, int(np.ceil(total / length - 1e-9)))
    edges = np.minimum(np.round(np.arange(count + 1) * length).astype(int), total)
    return [(int(first), int(end)) for first, end in zip(edges[:-1], edges[1:]) if end > first]


def length_of_stretch(by: str, amount: float, total: int, frame_rate: float) -> float:
    """Frames that one is chosen of.

    Args:
        by: "count" (so many in all), "per_second" or "every" (one of so many).
        amount: The number that `by` speaks of.
        total: Frames in all.
        frame_rate: Frames a second.
    """
    if by == "count":
        return total / max(1, min(int(amount), total))
    return frame_rate / amount if by == "per_second" else amount


def choose(values: Sequence[float], length: float, sharpest: bool, limit: float) -> Tuple[List[int], List[int]]:
    """The frames to take, and of these candidates the ones left out as blurred.

    Args:
        values: Sharpness of every frame.
        length: Frames that one is chosen of.
        sharpest: Take the sharpest of each stretch; False = the one in its middle.
        limit: Leave out candidates whose sharpness is below this share of their neighbours' median.

    Returns:
        Indices taken and indices left out, both in order.
    """
    candidates = [
        _best(values, first, end) if sharpest else (first + end - 1) // 2
        for first, end in stretches(len(values), length)
    ]
    relative = sharpness.relative([values[index] for index in candidates])
    taken = [index for index, share in zip(candidates, relative) if share >= limit]
    return taken, [index for index in candidates if index not in taken]


def _best(values: Sequence[float], first: int, end: int) -> int:
    return first + int(np.argmax(values[first:end]))

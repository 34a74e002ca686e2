"""Lists of images of different sizes, as kernels take them: device addresses and sizes."""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend import parallel
from topforge_train.backend.warp_runtime import check


def addresses(images: Sequence[Tensor]) -> Any:
    """Device addresses of contiguous float32 images, as a Warp array of uint64.

    A kernel takes any number of levels this way without first copying them into one buffer. The caller keeps the
    images alive until the launch returned.
    """
    values = torch.tensor([image.data_ptr() for image in images], dtype=torch.int64, device=images[0].device)
    return parallel.vectors(values, wp.uint64)


def sizes(images: Sequence[Tensor]) -> Any:
    """(height, width) of images [..., h, w, C] as a Warp array of vec2i."""
    values = [[image.shape[-3], image.shape[-2]] for image in images]
    return parallel.vectors(torch.tensor(values, dtype=torch.int32, device=images[0].device), wp.vec2i)


def gradients(levels: Sequence[Tensor], needed: bool) -> List[Tensor]:
    """Zeroed gradients of the levels, or empty tensors where none is wanted."""
    return [torch.zeros_like(level) for level in levels] if needed else []


def prepare(levels: Sequence[Tensor], places: Tensor, level: Tensor, cube: bool) -> Tuple[List[Tensor], Tensor, Tensor]:
    """Levels, coordinates and fractional levels, detached and contiguous.

    Raises:
        TensorMismatchError: A shape, type or device is wrong, or the levels differ in their channels.
    """
    device, channels = levels[0].device, levels[0].shape[-1]
    shape = (6, "n", "n", channels) if cube else ("h", "w", channels)
    images = [check("levels", image, shape, torch.float32, device) for image in levels]
    places = check("directions" if cube else "coordinates", places, ("P", 3 if cube else 2), torch.float32, device)
    return images, places, check("level", level, (len(places),), torch.float32, device)


@wp.func
def level_and_fraction(level: wp.float32, count: wp.int32):
    """The finer of two neighbouring levels and the weight of the coarser one; clamped to the chain."""
    last = wp.max(count - 2, 0)
    lower = wp.clamp(wp.int32(wp.floor(level)), 0, last)
    fraction = wp.clamp(level - wp.float32(lower), 0.0, 1.0)
    if count == 1:
        fraction = wp.float32(0.0)
    return lower, fraction

"""Lists of images of different sizes, as kernels take them: device addresses and sizes."""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.warp_runtime import TensorMismatchError, check

MOST_LEVELS = 16
"""A chain of 2 x 2 averages of this length begins at 131,072 texels."""

Pointers = wp.types.vector(length=MOST_LEVELS, dtype=wp.uint64)
Sides = wp.types.vector(length=MOST_LEVELS, dtype=wp.int32)


@wp.struct
class Chain:
    """Any number of images as kernels take them: by value, so that nothing is copied, neither images nor this."""

    count: wp.int32
    pointers: Pointers
    heights: Sides
    widths: Sides


def chain(images: Sequence[Tensor]) -> Any:
    """Device addresses and sizes of contiguous float32 images [..., h, w, C].

    The caller keeps the images alive until the launch returned.

    Raises:
        TensorMismatchError: There are more images than a chain holds.
    """
    if len(images) > MOST_LEVELS:
        raise TensorMismatchError("levels", "a list of at most %d images" % MOST_LEVELS, images[MOST_LEVELS])
    unused = [0] * (MOST_LEVELS - len(images))
    result = Chain()
    result.count = len(images)
    result.pointers = Pointers(*[image.data_ptr() for image in images], *unused)
    result.heights = Sides(*[image.shape[-3] for image in images], *unused)
    result.widths = Sides(*[image.shape[-2] for image in images], *unused)
    return result


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
def image_of(chain: Chain, index: wp.int32):
    """Address, height and width of one of the images.

    The loop is unrolled. An index that is known only when the kernel runs would make every thread copy the chain into
    memory of its own first, which takes ten times as long as the lookup.
    """
    pointer = chain.pointers[0]
    height = chain.heights[0]
    width = chain.widths[0]
    for k in range(1, 16):
        if k == index:
            pointer = chain.pointers[k]
            height = chain.heights[k]
            width = chain.widths[k]
    return pointer, height, width


@wp.func
def level_and_fraction(level: wp.float32, count: wp.int32):
    """The finer of two neighbouring levels and the weight of the coarser one; clamped to the chain."""
    last = wp.max(count - 2, 0)
    lower = wp.clamp(wp.int32(wp.floor(level)), 0, last)
    fraction = wp.clamp(level - wp.float32(lower), 0.0, 1.0)
    if count == 1:
        fraction = wp.float32(0.0)
    return lower, fraction

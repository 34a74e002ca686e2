"""Numbers brought back into their limits, in place, as a Warp kernel: read and written once."""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges
from topforge_train.backend.warp_runtime import TensorMismatchError, check

wp.set_module_options({"enable_backward": False})


ROUNDS = 16
"""Numbers that one thread looks at."""


@wp.kernel
def limit_kernel(
    first: int,
    stride: int,
    values: wp.array(dtype=float),
    minimum: wp.array(dtype=float),
    maximum: wp.array(dtype=float),
):
    """A few numbers of one channel, `stride` apart; what is within its limits is not written."""
    thread = first + wp.tid()
    low = minimum[thread % minimum.shape[0]]
    high = maximum[thread % maximum.shape[0]]
    for i in range(thread, values.shape[0], stride):
        value = values[i]
        if value < low:
            values[i] = low
        elif value > high:
            values[i] = high


def limit_(values: Tensor, minimum: Tensor, maximum: Tensor) -> None:
    """Forces values [..., C] between minimum [C] and maximum [C], all float32; NaN stays.

    Raises:
        TensorMismatchError: A shape, a type or a device is wrong, or the values do not lie one behind another.
    """
    if not values.is_contiguous():
        raise TensorMismatchError("values", "contiguous", values)
    flat = check("values", values.view(-1), ("N",), torch.float32, values.device)
    low, high = (
        check("limits", each, (values.shape[-1],), torch.float32, values.device) for each in (minimum, maximum)
    )
    if len(flat):
        stride = -(-len(flat) // (ROUNDS * len(low))) * len(low)  # a thread stays in its channel
        launch_ranges(limit_kernel, stride, (stride, flat, low, high), values.device)

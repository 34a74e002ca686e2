"""Numbers brought back into their limits, in place, as a Warp kernel: read and written once."""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges
from topforge_train.backend.warp_runtime import TensorMismatchError, check

wp.set_module_options({"enable_backward": False})


@wp.kernel
def limit_kernel(
    first: int,
    values: wp.array(dtype=float),
    minimum: wp.array(dtype=float),
    maximum: wp.array(dtype=float),
):
    """One channel of one row; what is within its limits is not written."""
    i = first + wp.tid()
    channel = i % minimum.shape[0]
    value = values[i]
    if value < minimum[channel]:
        values[i] = minimum[channel]
    elif value > maximum[channel]:
        values[i] = maximum[channel]


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
        launch_ranges(limit_kernel, len(flat), (flat, low, high), values.device)

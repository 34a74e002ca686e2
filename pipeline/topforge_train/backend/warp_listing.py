"""Lists of what is flagged, in order: as long as need be, or of a given length, for which no GPU has to be waited."""

from __future__ import annotations

from typing import Optional, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges

wp.set_module_options({"enable_backward": False})


@wp.kernel
def listing_kernel(first: int, sums: wp.array(dtype=int), out: wp.array(dtype=wp.int64)):
    """Puts an item into its place in the list if it is flagged: there the running sum rises."""
    i = first + wp.tid()
    before = wp.int32(0)
    if i > 0:
        before = sums[i - 1]
    if sums[i] != before and before < out.shape[0]:
        out[before] = wp.int64(i)


def listed(flags: Tensor, capacity: Optional[int] = None) -> Tuple[Tensor, Optional[Tensor]]:
    """Where flags [N] are set, ascending.

    Args:
        flags: [N] bool, or whole numbers that are 0 or not.
        capacity: Length of the result; None = as long as need be.

    Returns:
        Indices [P] int64, and how many are set, [1] int32 on the device, or None without a capacity. Beyond that
        number the list is filled up with N; where the number exceeds the capacity, the rest is left out.
    """
    if capacity is None:
        return torch.nonzero(flags).squeeze(1), None
    sums = torch.cumsum(flags if flags.dtype == torch.bool else flags != 0, 0, dtype=torch.int32)
    out = torch.full((capacity,), len(flags), dtype=torch.int64, device=flags.device)
    if len(flags) and capacity:
        launch_ranges(listing_kernel, len(flags), (sums, out), flags.device)
    return out, sums[-1:]

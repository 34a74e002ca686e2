"""Random numbers made where they are needed, from a seed that lies there: the same on every device, and in replays.

Each number has a place in a sequence and follows from that place and the seed alone (a counter-based generator: PCG's
hash, as Warp has it), so drawing more of them changes none.
"""

from __future__ import annotations

from typing import Optional

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges
from topforge_train.backend.warp_runtime import check

wp.set_module_options({"enable_backward": False})

STREAM_STEP = wp.constant(wp.int32(747796405))
"""Between the seeds of two streams."""


@wp.kernel
def normal_kernel(first: int, seed: wp.array(dtype=int), stream: int, out: wp.array(dtype=float)):
    """One number of the normal distribution."""
    i = first + wp.tid()
    state = wp.rand_init(seed[0] + stream * STREAM_STEP, i)
    out[i] = wp.randn(state)


@wp.kernel
def choice_kernel(
    first: int, seed: wp.array(dtype=int), stream: int, count: wp.array(dtype=int), out: wp.array(dtype=wp.int64)
):
    """One whole number below `count`, 0 if that is 0."""
    i = first + wp.tid()
    state = wp.rand_init(seed[0] + stream * STREAM_STEP, i)
    chosen = int(wp.randf(state) * float(count[0]))
    out[i] = wp.int64(wp.max(wp.min(chosen, count[0] - 1), 0))


def normal(seed: Tensor, stream: int, rows: int, columns: int) -> Tensor:
    """Numbers [rows, columns] of the normal distribution with deviation 1, on the seed's device.

    Args:
        seed: [1] int32.
        stream: Sequences of one seed that must not repeat each other have different numbers.
        rows: How many.
        columns: For each.
    """
    out = torch.empty((rows, columns), device=seed.device)
    seed = check("seed", seed, (1,), torch.int32, seed.device)
    if out.numel():
        launch_ranges(normal_kernel, out.numel(), (seed, stream, out.view(-1)), seed.device)
    return out


def choice(seed: Tensor, stream: int, rows: int, total: int, count: Optional[Tensor] = None) -> Tensor:
    """Numbers [rows] int64 of 0..total - 1, each as likely, on the seed's device; repeats are possible.

    Args:
        seed: [1] int32.
        stream: As in `normal`.
        rows: How many.
        total: Below which, where `count` is None.
        count: [1] int32 on the device, at most `total`, instead of it.
    """
    out = torch.empty(rows, dtype=torch.int64, device=seed.device)
    seed = check("seed", seed, (1,), torch.int32, seed.device)
    below = torch.full((1,), total, dtype=torch.int32, device=seed.device)
    if count is not None:
        below = torch.minimum(below, count)
    if rows:
        launch_ranges(choice_kernel, rows, (seed, stream, below, out), seed.device)
    return out

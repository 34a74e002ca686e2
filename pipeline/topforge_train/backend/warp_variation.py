"""Total variation of a texture as Warp kernels: it is read once, and its adjoint written once."""

from __future__ import annotations

from typing import Any

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges
from topforge_train.backend.warp_runtime import check

wp.set_module_options({"enable_backward": False})

ROWS = 32
"""Rows that one thread adds up."""


@wp.kernel
def variation_kernel(
    first: int,
    texels: wp.array(dtype=float),
    height: int,
    stride: int,
    channels: int,
    rows: int,
    sums: wp.array(dtype=float),
):
    """One column of one channel, over some rows: differences to the texels before, along both axes, wrapped."""
    i = first + wp.tid()
    column = i % stride  # texel * channels + channel
    start = (i // stride) * rows
    left = column - channels
    if left < 0:
        left += stride
    above = texels[((start + height - 1) % height) * stride + column]
    total = wp.float32(0.0)
    for y in range(start, wp.min(start + rows, height)):
        here = texels[y * stride + column]
        total += wp.abs(here - above) + wp.abs(here - texels[y * stride + left])
        above = here
    sums[i] = total


@wp.func
def direction(difference: float) -> float:
    """-1, 0 or 1, the slope of the absolute value."""
    if difference > 0.0:
        return 1.0
    if difference < 0.0:
        return -1.0
    return 0.0


@wp.kernel
def variation_adjoint_kernel(
    first: int,
    texels: wp.array(dtype=float),
    height: int,
    stride: int,
    channels: int,
    rows: int,
    gradient: wp.array(dtype=float),
    to_texels: wp.array(dtype=float),
):
    """One column of one channel, over some rows: each texel's slope from its four neighbours."""
    i = first + wp.tid()
    column = i % stride
    start = (i // stride) * rows
    left = column - channels
    if left < 0:
        left += stride
    right = column + channels
    if right >= stride:
        right -= stride
    slope = gradient[column % channels]
    above = texels[((start + height - 1) % height) * stride + column]
    here = texels[start * stride + column]
    for y in range(start, wp.min(start + rows, height)):
        below_row = y + 1
        if below_row == height:
            below_row = wp.int32(0)
        below = texels[below_row * stride + column]
        ends = direction(here - texels[y * stride + left]) + direction(here - texels[y * stride + right])
        to_texels[y * stride + column] = slope * (direction(here - above) + direction(here - below) + ends)
        above = here
        here = below


class _Variation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, texels: Tensor) -> Tensor:
        height, width, channels = texels.shape
        texels = texels.contiguous()
        ctx.save_for_backward(texels)
        stride, parts = width * channels, -(-height // ROWS)
        sums = texels.new_empty((parts * width, channels))
        arguments = (texels.view(-1), height, stride, channels, ROWS, sums.view(-1))
        launch_ranges(variation_kernel, parts * stride, arguments, texels.device)
        return sums.sum(0) / (2 * height * width)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (texels,) = ctx.saved_tensors
        height, width, channels = texels.shape
        to_texels = torch.empty_like(texels)
        slopes = gradient / (2 * height * width)
        stride, parts = width * channels, -(-height // ROWS)
        arguments = (texels.view(-1), height, stride, channels, ROWS, slopes, to_texels.view(-1))
        launch_ranges(variation_adjoint_kernel, parts * stride, arguments, texels.device)
        return to_texels


def variation(texels: Tensor) -> Tensor:
    """Mean absolute difference of each channel between texels one apart, over both axes, wrapped: [C].

    Args:
        texels: [H, W, C] float32; differentiable.

    Raises:
        TensorMismatchError: Another shape or type.
    """
    check("texels", texels, ("H", "W", "C"), torch.float32, texels.device)
    return _Variation.apply(texels)

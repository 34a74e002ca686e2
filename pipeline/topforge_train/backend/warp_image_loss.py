"""The difference of a batch of images as one Warp kernel: one source for CPU and GPU, slopes by hand.

The value and its slope are found in the same visit to a pixel, so the backward only multiplies. Each thread adds up a
few pixels; their sums are added by torch, in an order that does not change from run to run.
"""

from __future__ import annotations

from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges, vectors
from topforge_train.backend.warp_runtime import TensorMismatchError, check

wp.set_module_options({"enable_backward": False})

NAMES = ("logl1", "logl2", "mse", "smape", "relmse")
"""The colour losses of `training.loss` in the order of their numbers here."""

LOG_L1, LOG_L2, MEAN_SQUARE, SYMMETRIC_RELATIVE = (wp.constant(number) for number in range(4))
BRIGHTEST = wp.constant(65535.0)
BEND = wp.constant(0.0031308)
ROUNDS = 8
"""Pixels for each thread; an argument of the kernel, because Warp unrolls loops over constants."""


@wp.func
def tone(x: float):
    """sRGB(ln(1 + x)) of x clamped to 0..65535, and its slope, which is 0 where the clamp holds. NaN stays NaN."""
    c = x
    inside = wp.float32(1.0)
    if x < 0.0:
        c = wp.float32(0.0)
        inside = wp.float32(0.0)
    if x > BRIGHTEST:
        c = wp.float32(BRIGHTEST)
        inside = wp.float32(0.0)
    one = 1.0 + c
    logarithm = wp.log(one)
    rounded = one - 1.0
    if rounded > 0.0:
        logarithm = logarithm * (c / rounded)  # ln(1 + c) to the last digits: Goldberg 1991, theorem 4
    else:
        logarithm = c
    if logarithm <= BEND:
        return 12.92 * logarithm, inside * 12.92 / one
    power = wp.pow(logarithm, 1.0 / 2.4)
    return 1.055 * power - 0.055, inside * (1.055 / 2.4) * power / (logarithm * one)


@wp.func
def sign(x: float) -> float:
    """-1, 0 or 1 (Warp's own calls 0 positive)."""
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return 0.0


@wp.func
def difference(kind: int, a: float, b: float):
    """The loss of one channel and its slope in a."""
    if kind <= LOG_L2:
        ta, slope = tone(a)
        tb, _ = tone(b)
        d = ta - tb
        if kind == LOG_L1:
            return wp.abs(d), sign(d) * slope
        return d * d, 2.0 * d * slope
    d = a - b
    if kind == MEAN_SQUARE:
        return d * d, 2.0 * d
    if kind == SYMMETRIC_RELATIVE:
        sum = wp.abs(a) + wp.abs(b) + 0.01
        return wp.abs(d) / sum, (sign(d) - wp.abs(d) / sum * sign(a)) / sum
    squares = a * a + b * b + 0.1
    return d * d / squares, 2.0 * (d - d * d / squares * a) / squares


@wp.kernel
def image_term_kernel(
    first: int,
    kind: int,
    pixels: int,
    rounds: int,
    thread_stride: int,
    round_stride: int,
    pixels_per_background: int,
    color_scale: float,
    coverage_scale: float,
    images: wp.array(dtype=wp.vec4),
    targets: wp.array(dtype=wp.vec4),
    backgrounds: wp.array(dtype=wp.vec3),
    sums: wp.array(dtype=float),
    slopes: wp.array(dtype=wp.vec4),
):
    """The weighted term of a few pixels: their sum, and the slope in each where `slopes` has room."""
    thread = first + wp.tid()
    total = wp.float32(0.0)
    for turn in range(rounds):
        i = thread * thread_stride + turn * round_stride
        if i < pixels:
            image = images[i]
            target = targets[i]
            slope = wp.vec4(0.0, 0.0, 0.0, 0.0)
            equal = image == target  # most pixels are empty in both; equal ones cost nothing under any background
            if not equal:
                background = backgrounds[i // pixels_per_background]
                for channel in range(3):
                    a = image[channel] + (1.0 - image[3]) * background[channel]
                    b = target[channel] + (1.0 - target[3]) * background[channel]
                    value, by_a = difference(kind, a, b)
                    total += color_scale * value
                    slope[channel] = color_scale * by_a
                    slope[3] = slope[3] - color_scale * by_a * background[channel]
                d = image[3] - target[3]
                total += coverage_scale * wp.abs(d)
                slope[3] = slope[3] + coverage_scale * sign(d)
            if slopes.shape[0] > 0:
                slopes[i] = slope
    sums[thread] = total


class _ImageTerm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, target: Tensor, background: Tensor, kind: int, weight: float) -> Tensor:
        image = image.contiguous()
        pixels = image.numel() // 4
        slopes = torch.empty_like(image) if ctx.needs_input_grad[0] else image.new_empty(0, 4)
        threads = -(-pixels // ROUNDS)
        sums = image.new_empty(threads)
        # Neighbouring threads of a GPU read neighbouring pixels; a thread of a CPU reads its own in a row.
        strides = (1, threads) if image.is_cuda else (ROUNDS, 1)
        shared = pixels // (background.numel() // 3)
        sizes = (kind, pixels, ROUNDS, *strides, shared, 1.0 / (3 * pixels), weight / pixels)
        arrays = (vectors(image.view(-1, 4), wp.vec4), vectors(target.view(-1, 4), wp.vec4))
        more = (vectors(background.view(-1, 3), wp.vec3), sums, vectors(slopes.view(-1, 4), wp.vec4))
        launch_ranges(image_term_kernel, threads, (*sizes, *arrays, *more), image.device)
        ctx.save_for_backward(slopes)
        return sums.sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Any, ...]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradient, None, None, None, None


def image_term(name: str, image: Tensor, target: Tensor, background: Tensor, coverage_weight: float) -> Tensor:
    """Colour plus coverage difference of images, both over the same background: a scalar, differentiable in `image`.

    Means over pixels (and channels) of a loss of `training.loss`, whose `image_term` is the same in plain torch.

    Args:
        name: One of `NAMES`.
        image: [B, H, W, 4] float32, linear radiance premultiplied by coverage, and coverage.
        target: The same of the photographs; a constant.
        background: [B, 1, 1, 3] linear radiance, or any leading part of [B, H, W, 3] that is not repeated.
        coverage_weight: Of the coverage's mean absolute difference.

    Raises:
        TensorMismatchError: An input has another shape, type or device than stated.
    """
    device = image.device
    check("image", image, ("B", "H", "W", 4), torch.float32, device)
    target = check("target", target, image.shape, torch.float32, device)
    places = check("background", background, ("B", "H", "W", 3), torch.float32, device)
    if background.shape[:3] not in {image.shape[:count] + (1,) * (3 - count) for count in range(4)}:
        raise TensorMismatchError("background", "float32 [B, 1, 1, 3] of the images", background)
    return _ImageTerm.apply(image, target, places, NAMES.index(name), float(coverage_weight))

"""Trilinear lookup in a chain of images, with hand-written adjoints."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend import parallel
from topforge_train.backend.mip_levels import Chain, chain, gradients, image_of, level_and_fraction, prepare

wp.set_module_options({"enable_backward": False})


@wp.func
def corners(coordinate: wp.vec2, size: wp.vec2i):
    """Clamped texel columns and rows (x0, x1, y0, y1) around a coordinate, and the weights of the second ones."""
    x = coordinate[0] * wp.float32(size[1]) - 0.5
    y = coordinate[1] * wp.float32(size[0]) - 0.5
    left = wp.floor(x)
    top = wp.floor(y)
    # Clamping the integers, not the coordinate, keeps even a NaN inside the image.
    x0 = wp.clamp(wp.int32(left), 0, size[1] - 1)
    x1 = wp.clamp(wp.int32(left + 1.0), 0, size[1] - 1)
    y0 = wp.clamp(wp.int32(top), 0, size[0] - 1)
    y1 = wp.clamp(wp.int32(top + 1.0), 0, size[0] - 1)
    return wp.vec4i(x0, x1, y0, y1), wp.vec2(x - left, y - top)


@wp.kernel
def texture_forward(
    first: wp.int32,
    shares: wp.int32,
    chain: Chain,
    channels: wp.int32,
    coordinates: wp.array(dtype=wp.vec2),
    level: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
):
    """`shares` threads per point, for every so manieth channel: out[i] = sum over two levels and four texels each."""
    item = first + wp.tid()
    i = item // shares
    lower, fraction = level_and_fraction(level[i], chain.count)
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if step == 0 or weight > 0.0:
            pointer, height, width = image_of(chain, lower + step)
            size = wp.vec2i(height, width)
            texels = wp.array(ptr=pointer, shape=(size[0] * size[1] * channels,), dtype=wp.float32)
            box, f = corners(coordinates[i], size)
            a = (box[2] * size[1] + box[0]) * channels
            b = (box[2] * size[1] + box[1]) * channels
            c = (box[3] * size[1] + box[0]) * channels
            d = (box[3] * size[1] + box[1]) * channels
            wa = weight * (1.0 - f[0]) * (1.0 - f[1])
            wb = weight * f[0] * (1.0 - f[1])
            wc = weight * (1.0 - f[0]) * f[1]
            wd = weight * f[0] * f[1]
            for k in range(item % shares, channels, shares):
                value = wa * texels[a + k] + wb * texels[b + k] + wc * texels[c + k] + wd * texels[d + k]
                if step == 1:
                    value += out[i * channels + k]
                out[i * channels + k] = value


@wp.kernel
def texture_backward_coordinates(
    first: wp.int32,
    chain: Chain,
    channels: wp.int32,
    coordinates: wp.array(dtype=wp.vec2),
    level: wp.array(dtype=wp.float32),
    grad_out: wp.array(dtype=wp.float32),
    grad_coordinates: wp.array(dtype=wp.vec2),
):
    """One thread per point: the slopes of the bilinear patches times the incoming gradient."""
    i = first + wp.tid()
    lower, fraction = level_and_fraction(level[i], chain.count)
    total = wp.vec2(0.0, 0.0)
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if weight > 0.0:
            pointer, height, width = image_of(chain, lower + step)
            size = wp.vec2i(height, width)
            texels = wp.array(ptr=pointer, shape=(size[0] * size[1] * channels,), dtype=wp.float32)
            box, f = corners(coordinates[i], size)
            a = (box[2] * size[1] + box[0]) * channels
            b = (box[2] * size[1] + box[1]) * channels
            c = (box[3] * size[1] + box[0]) * channels
            d = (box[3] * size[1] + box[1]) * channels
            slope_x = wp.float32(0.0)
            slope_y = wp.float32(0.0)
            for k in range(channels):
                g = grad_out[i * channels + k]
                ta = texels[a + k]
                tb = texels[b + k]
                tc = texels[c + k]
                td = texels[d + k]
                slope_x += g * ((1.0 - f[1]) * (tb - ta) + f[1] * (td - tc))
                slope_y += g * ((1.0 - f[0]) * (tc - ta) + f[0] * (td - tb))
            total += weight * wp.vec2(slope_x * wp.float32(size[1]), slope_y * wp.float32(size[0]))
    grad_coordinates[i] = total


@wp.kernel
def texture_backward_texels(
    owner: wp.int32,
    owners: wp.int32,
    shares: wp.int32,
    chain: Chain,
    channels: wp.int32,
    coordinates: wp.array(dtype=wp.vec2),
    level: wp.array(dtype=wp.float32),
    grad_out: wp.array(dtype=wp.float32),
):
    """As forwards, for each owner: adds to the rows of texels that the owner holds (see `parallel`)."""
    item = wp.tid()
    i = item // shares
    lower, fraction = level_and_fraction(level[i], chain.count)
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if weight > 0.0:
            pointer, height, width = image_of(chain, lower + step)
            size = wp.vec2i(height, width)
            grads = wp.array(ptr=pointer, shape=(size[0] * size[1] * channels,), dtype=wp.float32)
            box, f = corners(coordinates[i], size)
            for row in range(2):
                y = wp.where(row == 0, box[2], box[3])
                if y % owners == owner:
                    row_weight = weight * wp.where(row == 0, 1.0 - f[1], f[1])
                    a = (y * size[1] + box[0]) * channels
                    b = (y * size[1] + box[1]) * channels
                    for k in range(item % shares, channels, shares):
                        g = row_weight * grad_out[i * channels + k]
                        if g != 0.0:  # padding has none, and would queue up in one place
                            wp.atomic_add(grads, a + k, (1.0 - f[0]) * g)
                            wp.atomic_add(grads, b + k, f[0] * g)


class _Texture(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, coordinates: Tensor, level: Tensor, *levels: Tensor) -> Tensor:
        images, coordinates, level = prepare(levels, coordinates, level, cube=False)
        channels = images[0].shape[-1]
        out = torch.empty((coordinates.shape[0], channels), device=level.device)
        points = parallel.vectors(coordinates, wp.vec2)
        shares = _shares(channels, level.device)
        arguments = [shares, chain(images), channels, points, level, out.view(-1)]
        parallel.launch_ranges(texture_forward, len(level) * shares, arguments, level.device)
        ctx.save_for_backward(coordinates, level, *images)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> Tuple[Any, ...]:
        coordinates, level, *images = ctx.saved_tensors
        channels = images[0].shape[-1]
        points, incoming = parallel.vectors(coordinates, wp.vec2), grad_out.contiguous().view(-1)
        shared = [channels, points, level, incoming]
        grad_coordinates = None
        if ctx.needs_input_grad[0]:
            grad_coordinates = torch.empty_like(coordinates)
            arguments = [chain(images), *shared, parallel.vectors(grad_coordinates, wp.vec2)]
            parallel.launch_ranges(texture_backward_coordinates, len(level), arguments, level.device)
        grads = gradients(images, any(ctx.needs_input_grad[2:]))
        if grads:
            shares = _shares(channels, level.device)
            arguments = [shares, chain(grads), *shared]
            parallel.launch_owners(texture_backward_texels, len(level) * shares, arguments, level.device)
        return (grad_coordinates, None, *(grads or [None] * len(images)))


def _shares(channels: int, device: torch.device) -> int:
    """How many threads work on a point: on a GPU one for each channel, so that neighbours touch neighbouring bytes."""
    return channels if device.type == "cuda" else 1


def texture(levels: Sequence[Tensor], coordinates: Tensor, level: Tensor) -> Tensor:
    """Trilinear lookup in a mip chain, edges clamped; differentiable in the levels and the coordinates.

    Args:
        levels: Images [h, w, C] float32, finest first; the sizes need not halve.
        coordinates: [P, 2] float32; (0, 0) is the corner of texel [0, 0], first component along the width.
        level: [P] float32 fractional level, clamped to the chain; not differentiated.

    Returns:
        [P, C] float32.

    Raises:
        TensorMismatchError: An input has another shape, type or device than stated.
    """
    return _Texture.apply(coordinates, level, *levels)

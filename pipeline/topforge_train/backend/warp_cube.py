"""Trilinear lookup in a chain of cube maps, seamless across faces, with hand-written adjoints."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend import parallel
from topforge_train.backend.mip_levels import Chain, chain, gradients, image_of, level_and_fraction, prepare

wp.set_module_options({"enable_backward": False})


@wp.func
def face_vector(face: wp.int32, major: wp.float32, s: wp.float32, t: wp.float32) -> wp.vec3:
    """A vector from its components along a face's outward axis, its columns and its rows (OpenGL 4.6, table 8.19)."""
    if face == 0:
        return wp.vec3(major, -t, -s)
    if face == 1:
        return wp.vec3(-major, -t, s)
    if face == 2:
        return wp.vec3(s, major, t)
    if face == 3:
        return wp.vec3(s, -major, -t)
    if face == 4:
        return wp.vec3(s, -t, major)
    return wp.vec3(-s, -t, -major)


@wp.func
def project(d: wp.vec3):
    """The face a direction hits, its coordinates (s, t) in [-1, 1] there, and the length along the face's axis."""
    size = wp.vec3(wp.abs(d[0]), wp.abs(d[1]), wp.abs(d[2]))
    face = wp.int32(0)
    s = -d[2]
    t = -d[1]
    major = size[0]
    if size[0] >= size[1] and size[0] >= size[2]:
        if d[0] < 0.0:
            face = wp.int32(1)
            s = d[2]
    elif size[1] >= size[2]:
        major = size[1]
        s = d[0]
        if d[1] >= 0.0:
            face = wp.int32(2)
            t = d[2]
        else:
            face = wp.int32(3)
            t = -d[2]
    else:
        major = size[2]
        if d[2] >= 0.0:
            face = wp.int32(4)
            s = d[0]
        else:
            face = wp.int32(5)
            s = -d[0]
    major = wp.max(major, 1.0e-12)
    return face, wp.vec2(s / major, t / major), major


@wp.func
def texel(face: wp.int32, x: wp.int32, y: wp.int32, n: wp.int32) -> wp.int32:
    """Index of texel (x, y) of a face, x and y in -1..n: one step off the face is its neighbour's texel.

    Returns -1 at the three-face corners, where no fourth texel exists.
    """
    off_x = x < 0 or x >= n
    off_y = y < 0 or y >= n
    if off_x and off_y:
        return -1
    column = x
    row = y
    home = face
    if off_x or off_y:
        scale = 2.0 / wp.float32(n)
        s = (wp.float32(x) + 0.5) * scale - 1.0
        t = (wp.float32(y) + 0.5) * scale - 1.0
        home, uv, _ = project(face_vector(face, 1.0, s, t))
        column = wp.clamp(wp.int32((uv[0] + 1.0) * 0.5 * wp.float32(n)), 0, n - 1)
        row = wp.clamp(wp.int32((uv[1] + 1.0) * 0.5 * wp.float32(n)), 0, n - 1)
    return (home * n + row) * n + column


@wp.func
def taps(face: wp.int32, uv: wp.vec2, n: wp.int32):
    """Indices of the four texels around a point of a face (row by row; -1 at a corner), and the fractions."""
    x = (uv[0] + 1.0) * 0.5 * wp.float32(n) - 0.5
    y = (uv[1] + 1.0) * 0.5 * wp.float32(n) - 0.5
    # Clamping the integers keeps even a NaN inside the map.
    x0 = wp.clamp(wp.int32(wp.floor(x)), -1, n - 1)
    y0 = wp.clamp(wp.int32(wp.floor(y)), -1, n - 1)
    index = wp.vec4i(
        texel(face, x0, y0, n), texel(face, x0 + 1, y0, n), texel(face, x0, y0 + 1, n), texel(face, x0 + 1, y0 + 1, n)
    )
    return index, wp.vec2(x - wp.float32(x0), y - wp.float32(y0))


@wp.func
def bilinear_weights(index: wp.vec4i, f: wp.vec2) -> wp.vec4:
    """Weights of the four taps. A corner has three texels: the missing fourth is their mean, which is continuous."""
    w = wp.vec4((1.0 - f[0]) * (1.0 - f[1]), f[0] * (1.0 - f[1]), (1.0 - f[0]) * f[1], f[0] * f[1])
    for k in range(4):
        if index[k] < 0:
            share = w[k] / 3.0
            w = w + wp.vec4(share, share, share, share)
            w[k] = 0.0
    return w


@wp.func
def weight_slopes(index: wp.vec4i, f: wp.vec2):
    """Derivatives of `bilinear_weights` by the two fractions."""
    by_x = wp.vec4(f[1] - 1.0, 1.0 - f[1], -f[1], f[1])
    by_y = wp.vec4(f[0] - 1.0, -f[0], 1.0 - f[0], f[0])
    for k in range(4):
        if index[k] < 0:
            x = by_x[k] / 3.0
            y = by_y[k] / 3.0
            by_x = by_x + wp.vec4(x, x, x, x)
            by_y = by_y + wp.vec4(y, y, y, y)
            by_x[k] = 0.0
            by_y[k] = 0.0
    return by_x, by_y


@wp.kernel
def cube_forward(
    first: wp.int32,
    chain: Chain,
    channels: wp.int32,
    directions: wp.array(dtype=wp.vec3),
    level: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
):
    """One thread per direction: sum over two levels and four texels each."""
    i = first + wp.tid()
    lower, fraction = level_and_fraction(level[i], chain.count)
    face, uv, _ = project(directions[i])
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if step == 0 or weight > 0.0:
            pointer, n, _width = image_of(chain, lower + step)
            texels = wp.array(ptr=pointer, shape=(6 * n * n * channels,), dtype=wp.float32)
            index, f = taps(face, uv, n)
            w = weight * bilinear_weights(index, f)
            at = wp.vec4i(
                wp.max(index[0], 0) * channels,
                wp.max(index[1], 0) * channels,
                wp.max(index[2], 0) * channels,
                wp.max(index[3], 0) * channels,
            )
            for k in range(channels):
                value = (
                    w[0] * texels[at[0] + k]
                    + w[1] * texels[at[1] + k]
                    + w[2] * texels[at[2] + k]
                    + w[3] * texels[at[3] + k]
                )
                if step == 1:
                    value += out[i * channels + k]
                out[i * channels + k] = value


@wp.kernel
def cube_backward_lookup(
    first: wp.int32,
    chain: Chain,
    channels: wp.int32,
    directions: wp.array(dtype=wp.vec3),
    level: wp.array(dtype=wp.float32),
    grad_out: wp.array(dtype=wp.float32),
    grad_directions: wp.array(dtype=wp.vec3),
    grad_level: wp.array(dtype=wp.float32),
):
    """One thread per direction: gradients to the direction and to the level."""
    i = first + wp.tid()
    count = chain.count
    lower, fraction = level_and_fraction(level[i], count)
    face, uv, major = project(directions[i])
    slope = wp.vec2(0.0, 0.0)
    by_level = wp.float32(0.0)
    for step in range(wp.min(count, 2)):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        sign = wp.where(step == 0, -1.0, 1.0)
        pointer, n, _width = image_of(chain, lower + step)
        texels = wp.array(ptr=pointer, shape=(6 * n * n * channels,), dtype=wp.float32)
        index, f = taps(face, uv, n)
        dots = wp.vec4(0.0, 0.0, 0.0, 0.0)
        for corner in range(4):
            at = wp.max(index[corner], 0) * channels
            dot = wp.float32(0.0)
            for k in range(channels):
                dot += grad_out[i * channels + k] * texels[at + k]
            dots[corner] = dot
        by_x, by_y = weight_slopes(index, f)
        slope += weight * 0.5 * wp.float32(n) * wp.vec2(wp.dot(by_x, dots), wp.dot(by_y, dots))
        by_level += sign * wp.dot(bilinear_weights(index, f), dots)
    # d(s / major) = ds / major - s dmajor / major
    grad_directions[i] = face_vector(face, -wp.dot(slope, uv), slope[0], slope[1]) / major
    inside = count > 1 and level[i] >= 0.0 and level[i] <= wp.float32(count - 1)
    grad_level[i] = wp.where(inside, by_level, 0.0)


@wp.kernel
def cube_backward_texels(
    owner: wp.int32,
    owners: wp.int32,
    chain: Chain,
    channels: wp.int32,
    directions: wp.array(dtype=wp.vec3),
    level: wp.array(dtype=wp.float32),
    grad_out: wp.array(dtype=wp.float32),
):
    """One thread per direction and owner: adds to the rows of texels that the owner holds (see `parallel`)."""
    i = wp.tid()
    lower, fraction = level_and_fraction(level[i], chain.count)
    face, uv, _ = project(directions[i])
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if weight > 0.0:
            pointer, n, _width = image_of(chain, lower + step)
            grads = wp.array(ptr=pointer, shape=(6 * n * n * channels,), dtype=wp.float32)
            index, f = taps(face, uv, n)
            w = weight * bilinear_weights(index, f)
            for corner in range(4):
                at = index[corner]
                if at >= 0 and (at / n) % owners == owner:
                    for k in range(channels):
                        wp.atomic_add(grads, at * channels + k, w[corner] * grad_out[i * channels + k])


class _TextureCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, directions: Tensor, level: Tensor, *levels: Tensor) -> Tensor:
        maps, directions, level = prepare(levels, directions, level, cube=True)
        channels = maps[0].shape[-1]
        out = torch.empty((directions.shape[0], channels), device=level.device)
        rays = parallel.vectors(directions, wp.vec3)
        arguments = [chain(maps), channels, rays, level, out.view(-1)]
        parallel.launch_ranges(cube_forward, len(level), arguments, level.device)
        ctx.save_for_backward(directions, level, *maps)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> Tuple[Any, ...]:
        directions, level, *maps = ctx.saved_tensors
        rays, incoming = parallel.vectors(directions, wp.vec3), grad_out.contiguous().view(-1)
        shared = [maps[0].shape[-1], rays, level, incoming]
        grad_directions, grad_level = None, None
        if any(ctx.needs_input_grad[:2]):
            grad_directions, grad_level = torch.empty_like(directions), torch.empty_like(level)
            arguments = [chain(maps), *shared, parallel.vectors(grad_directions, wp.vec3), grad_level]
            parallel.launch_ranges(cube_backward_lookup, len(level), arguments, level.device)
        grads = gradients(maps, any(ctx.needs_input_grad[2:]))
        if grads:
            parallel.launch_owners(cube_backward_texels, len(level), [chain(grads), *shared], level.device)
        return (grad_directions, grad_level, *(grads or [None] * len(maps)))


def texture_cube(levels: Sequence[Tensor], directions: Tensor, level: Tensor) -> Tensor:
    """Trilinear lookup in a chain of cube maps, seamless across faces; differentiable in every argument.

    Args:
        levels: [6, n, n, C] float32, faces +x -x +y -y +z -z in OpenGL's orientation; sizes need not halve.
        directions: [P, 3] float32, need not be unit length.
        level: [P] float32 fractional level, clamped to the chain (where its gradient is 0).

    Returns:
        [P, C] float32.

    Raises:
        TensorMismatchError: An input has another shape, type or device than stated.
    """
    return _TextureCube.apply(directions, level, *levels)

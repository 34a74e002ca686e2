"""Multiresolution hash encoding (arXiv 2201.05989, section 3), with hand-written adjoints.

Cells and indices follow tiny-cuda-nn, so that a table trained by one backend can be used by another: level l has
scale = base * growth^l - 1, resolution = ceil(scale) + 1, and a point lies at x * scale + 0.5. A level whose whole
lattice fits its table is indexed directly, x fastest; the others by the hash of the paper's equation 4.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, List, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend import parallel
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.warp_runtime import TensorMismatchError, check

wp.set_module_options({"enable_backward": False})

MOST_COPIES = 8
"""Tables that share the additions to a gradient on a GPU."""
COPIED_NUMBERS = 2**24
"""Numbers in all of them together; a larger table has none to share with."""


PRIME_Y = wp.constant(wp.uint32(2654435761))
PRIME_Z = wp.constant(wp.uint32(805459861))


@dataclasses.dataclass(frozen=True)
class Level:
    """One lattice: scale (cells across the unit cube, as in the module's text), resolution, entries, hashed or not."""

    scale: float
    resolution: int
    entries: int
    hashed: bool


def lattice(spec: HashGridSpec) -> List[Level]:
    """The levels of a hash grid, coarsest first."""
    growth = math.log2(spec.finest_resolution / spec.base_resolution) / max(spec.levels - 1, 1)
    result = []
    for level in range(spec.levels):
        # Rounded, because 512.0000001 - 1 must not become 512 cells.
        scale = round(spec.base_resolution * 2.0 ** (level * growth) - 1.0, 5)
        resolution = math.ceil(scale) + 1
        dense = math.ceil(resolution**3 / 8) * 8
        entries = min(dense, 2**spec.log2_table)
        result.append(Level(scale, resolution, entries, hashed=resolution**3 > entries))
    return result


@functools.lru_cache(maxsize=8)
def packed(spec: HashGridSpec, device: torch.device) -> Tuple[Tensor, Tensor]:
    """Scales [levels] of the lattices; resolutions, and entries, negative where hashed, [levels, 2] int32.

    In memory: of an argument that holds a value for each level, every thread would make a copy to look into.
    """
    levels = lattice(spec)
    scales = torch.tensor([level.scale for level in levels], device=device)
    sizes = [[level.resolution, -level.entries if level.hashed else level.entries] for level in levels]
    return scales, torch.tensor(sizes, dtype=torch.int32, device=device)


@wp.func
def entry(x: wp.int32, y: wp.int32, z: wp.int32, resolution: wp.int32, entries: wp.int32) -> wp.int32:
    """Row of a lattice vertex in its level's slice; `entries` is negative where hashed."""
    if entries < 0:
        mixed = wp.uint32(x) ^ (wp.uint32(y) * PRIME_Y) ^ (wp.uint32(z) * PRIME_Z)
        return wp.int32(mixed & wp.uint32(-entries - 1))
    index = x + resolution * (y + resolution * z)
    return wp.where(index >= entries, index - entries, index)


@wp.func
def cell(p: wp.vec3, resolution: wp.int32) -> wp.vec3i:
    """The cell of a lattice that holds a point. Clamping the integers keeps even a NaN inside the table."""
    return wp.vec3i(
        wp.clamp(wp.int32(wp.floor(p[0])), 0, resolution - 1),
        wp.clamp(wp.int32(wp.floor(p[1])), 0, resolution - 1),
        wp.clamp(wp.int32(wp.floor(p[2])), 0, resolution - 1),
    )


@wp.func
def fractions(p: wp.vec3, c: wp.vec3i) -> wp.vec3:
    """Where in its cell a point is."""
    return p - wp.vec3(wp.float32(c[0]), wp.float32(c[1]), wp.float32(c[2]))


@wp.func
def share(corner: wp.int32, f: wp.vec3) -> wp.vec3:
    """The factors of a corner's trilinear weight along the axes."""
    return wp.vec3(
        wp.where((corner & 1) == 1, f[0], 1.0 - f[0]),
        wp.where(((corner >> 1) & 1) == 1, f[1], 1.0 - f[1]),
        wp.where((corner >> 2) == 1, f[2], 1.0 - f[2]),
    )


@wp.func
def corner_row(corner: wp.int32, c: wp.vec3i, size: wp.vec2i) -> wp.int32:
    """Row of a level's slice of the table for a corner of a cell."""
    x = c[0] + (corner & 1)
    y = c[1] + ((corner >> 1) & 1)
    z = c[2] + (corner >> 2)
    return entry(x, y, z, size[0], size[1])


@wp.kernel
def hash_grid_forward(
    first: wp.int32,
    level0: wp.int32,
    levels: wp.int32,
    table: wp.array(dtype=wp.vec2),
    points: wp.array(dtype=wp.vec3),
    scales: wp.array(dtype=wp.float32),
    sizes: wp.array(dtype=wp.vec2i),
    counts: wp.vec3i,
    out: wp.array(dtype=wp.vec2),
):
    """One thread for a pair of features of a level and a point; neighbouring threads write neighbouring pairs."""
    item = first + wp.tid()
    pairs = counts[1]
    pair = item % pairs
    level = level0 + (item // pairs) % levels
    i = item // (pairs * levels)
    size = sizes[level]
    p = points[i] * scales[level] + wp.vec3(0.5, 0.5, 0.5)
    c = cell(p, size[0])
    f = fractions(p, c)
    start = level * counts[2]
    total = wp.vec2(0.0, 0.0)
    for corner in range(8):
        weight = share(corner, f)
        row = start + corner_row(corner, c, size)
        total += weight[0] * weight[1] * weight[2] * table[row * pairs + pair]
    out[(i * counts[0] + level) * pairs + pair] = total


@wp.kernel
def hash_grid_backward(
    level0: wp.int32,
    levels: wp.int32,
    table: wp.array(dtype=wp.vec2),
    points: wp.array(dtype=wp.vec3),
    scales: wp.array(dtype=wp.float32),
    sizes: wp.array(dtype=wp.vec2i),
    counts: wp.vec3i,
    grad_out: wp.array(dtype=wp.vec2),
    grad_table: wp.array(dtype=wp.vec2),
    grad_points: wp.array2d(dtype=wp.vec3),
):
    """As forwards: adds to the level's table slice, writes this pair's share of dL/dx.

    `grad_table` may be several tables, to be added: neighbouring points share cells, and would queue up for their
    corners. An empty `grad_table` or `grad_points` is left out.
    """
    item = wp.tid()
    pairs = counts[1]
    pair = item % pairs
    level = level0 + (item // pairs) % levels
    i = item // (pairs * levels)
    gradient = grad_out[(i * counts[0] + level) * pairs + pair]
    scale = scales[level]
    slope = wp.vec3(0.0, 0.0, 0.0)
    nothing = gradient == wp.vec2(0.0, 0.0)
    if not nothing:  # padding has none, and would queue up in one place
        size = sizes[level]
        p = points[i] * scale + wp.vec3(0.5, 0.5, 0.5)
        c = cell(p, size[0])
        f = fractions(p, c)
        start = level * counts[2]
        copies = wp.max(grad_table.shape[0] // table.shape[0], 1)
        copy = (i % copies) * table.shape[0]
        for corner in range(8):
            weight = share(corner, f)
            at = (start + corner_row(corner, c, size)) * pairs + pair
            if grad_table.shape[0] > 0:
                wp.atomic_add(grad_table, copy + at, weight[0] * weight[1] * weight[2] * gradient)
            if grad_points.shape[0] > 0:
                sx = wp.where((corner & 1) == 1, 1.0, -1.0)
                sy = wp.where(((corner >> 1) & 1) == 1, 1.0, -1.0)
                sz = wp.where((corner >> 2) == 1, 1.0, -1.0)
                across = wp.vec3(sx * weight[1] * weight[2], weight[0] * sy * weight[2], weight[0] * weight[1] * sz)
                slope += wp.dot(gradient, table[at]) * across
    if grad_points.shape[0] > 0:
        grad_points[i, level * pairs + pair] = slope * scale


class _HashGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
        shape = (spec.levels, 2**spec.log2_table, spec.features)
        if spec.features % 2:
            raise TensorMismatchError("table", "float32 with an even number of features", table)
        table = check("table", table, shape, torch.float32, points.device)
        points = check("points", points, ("P", 3), torch.float32, points.device)
        out = torch.empty((len(points), spec.levels * spec.features), device=points.device)
        arrays = (_pairs(table), parallel.vectors(points, wp.vec3), *_lattice(spec, points.device), _pairs(out))
        for level, levels in _shares(spec, points.device):
            count = len(points) * levels * (spec.features // 2)
            parallel.launch_ranges(hash_grid_forward, count, [level, levels, *arrays], points.device)
        ctx.spec = spec
        ctx.save_for_backward(table, points)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> Tuple[Any, ...]:
        (table, points), spec = ctx.saved_tensors, ctx.spec
        copies = _copies(table) if ctx.needs_input_grad[0] else 0
        grad_table = table.new_zeros(copies, *table.shape)
        rows, pairs = len(points) if ctx.needs_input_grad[1] else 0, spec.features // 2
        shares = points.new_empty((rows, spec.levels * pairs, 3))
        arrays = [_pairs(table), parallel.vectors(points, wp.vec3), *_lattice(spec, points.device)]
        arrays += [_pairs(grad_out.contiguous()), _pairs(grad_table), parallel.vectors(shares, wp.vec3)]
        if len(points):
            parts = _shares(spec, points.device)
            calls = [[level, levels, *arrays] for level, levels in parts]
            count = len(points) * parts[0][1] * pairs
            parallel.launch_each(hash_grid_backward, count, calls, points.device)
        # Summed in the order of the levels: the same bits whatever the number of threads.
        to_table = None if not copies else grad_table[0] if copies == 1 else grad_table.sum(0)
        return (to_table, shares.sum(1) if rows else None, None)


def _copies(table: Tensor) -> int:
    """How many tables share the additions to a gradient."""
    return max(1, min(MOST_COPIES, COPIED_NUMBERS // table.numel())) if table.is_cuda else 1


def _pairs(tensor: Tensor) -> Any:
    """Pairs of features, as kernels take them."""
    return parallel.vectors(tensor.view(-1, 2), wp.vec2)


def _lattice(spec: HashGridSpec, device: torch.device) -> Tuple[Any, ...]:
    """As kernels take them: scales, resolutions and entries; numbers of levels, of pairs of features, of rows."""
    scales, sizes = packed(spec, device)
    counts = wp.vec3i(spec.levels, spec.features // 2, 2**spec.log2_table)
    return scales, parallel.vectors(sizes, wp.vec2i), counts


def _shares(spec: HashGridSpec, device: torch.device) -> List[Tuple[int, int]]:
    """(first level, levels) of each launch: all at once on a GPU, one by one where threads share each."""
    return [(0, spec.levels)] if device.type == "cuda" else [(level, 1) for level in range(spec.levels)]


def hash_grid(table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
    """Multiresolution hash encoding; differentiable in the table and the points (once).

    Args:
        table: [levels, 2**log2_table, features] float32; small levels use only the first rows of their slice.
        points: [P, 3] float32 in [0, 1].
        spec: The grid's geometry.

    Returns:
        [P, levels * features] float32, level-major.

    Raises:
        TensorMismatchError: An input has another shape, type or device than stated, or an odd number of features.
    """
    return _HashGrid.apply(table, points, spec)

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
from topforge_train.backend.warp_runtime import check

wp.set_module_options({"enable_backward": False})


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


MOST_LEVELS = 32
Scales = wp.types.vector(length=MOST_LEVELS, dtype=wp.float32)
Counts = wp.types.vector(length=MOST_LEVELS, dtype=wp.int32)


@wp.struct
class Lattice:
    """All levels, as kernels take them: by value, so that nothing is copied to a GPU."""

    scales: Scales
    resolutions: Counts
    entries: Counts  # negative where hashed
    features: wp.int32
    levels: wp.int32
    rows: wp.int32  # of a level's slice of the table


@functools.lru_cache(maxsize=8)
def packed(spec: HashGridSpec) -> Any:
    """The lattice of a spec."""
    levels = lattice(spec)
    unused = [0] * (MOST_LEVELS - len(levels))
    result = Lattice()
    result.scales = Scales(*[level.scale for level in levels], *unused)
    result.resolutions = Counts(*[level.resolution for level in levels], *unused)
    result.entries = Counts(*[-level.entries if level.hashed else level.entries for level in levels], *unused)
    result.features, result.levels, result.rows = spec.features, spec.levels, 2**spec.log2_table
    return result


@wp.func
def entry(x: wp.int32, y: wp.int32, z: wp.int32, resolution: wp.int32, entries: wp.int32) -> wp.int32:
    """Row of a lattice vertex in its level's slice; `entries` is negative where hashed."""
    if entries < 0:
        mixed = wp.uint32(x) ^ (wp.uint32(y) * PRIME_Y) ^ (wp.uint32(z) * PRIME_Z)
        return wp.int32(mixed & wp.uint32(-entries - 1))
    index = x + resolution * (y + resolution * z)
    return wp.where(index >= entries, index - entries, index)


@wp.kernel
def hash_grid_forward(
    first: wp.int32,
    level0: wp.int32,
    table: wp.array(dtype=wp.float32),
    points: wp.array(dtype=wp.vec3),
    lattice: Lattice,
    out: wp.array(dtype=wp.float32),
):
    """One thread per level, from `level0` on, and point: level by level, so that a slice stays in the cache."""
    item = first + wp.tid()
    level = level0 + item // points.shape[0]
    i = item % points.shape[0]
    scale = lattice.scales[level]
    resolution = lattice.resolutions[level]
    entries = lattice.entries[level]
    features = lattice.features
    slice = level * lattice.rows
    p = points[i] * scale + wp.vec3(0.5, 0.5, 0.5)
    # Clamping the integers keeps even a NaN inside the table.
    x = wp.clamp(wp.int32(wp.floor(p[0])), 0, resolution - 1)
    y = wp.clamp(wp.int32(wp.floor(p[1])), 0, resolution - 1)
    z = wp.clamp(wp.int32(wp.floor(p[2])), 0, resolution - 1)
    f = p - wp.vec3(wp.float32(x), wp.float32(y), wp.float32(z))
    base = (i * lattice.levels + level) * features
    for k in range(features):
        out[base + k] = 0.0
    for corner in range(8):
        dx = corner & 1
        dy = (corner >> 1) & 1
        dz = corner >> 2
        row = slice + entry(x + dx, y + dy, z + dz, resolution, entries)
        weight = (
            wp.where(dx == 1, f[0], 1.0 - f[0])
            * wp.where(dy == 1, f[1], 1.0 - f[1])
            * wp.where(dz == 1, f[2], 1.0 - f[2])
        )
        for k in range(features):
            out[base + k] = out[base + k] + weight * table[row * features + k]


@wp.func
def all_zero(values: wp.array(dtype=wp.float32), start: wp.int32, count: wp.int32) -> bool:
    """Whether `count` values are zero; NaN is not."""
    others = wp.int32(0)
    for k in range(count):
        if values[start + k] != 0.0:
            others += 1
    return others == 0


@wp.kernel
def hash_grid_backward(
    level0: wp.int32,
    table: wp.array(dtype=wp.float32),
    points: wp.array(dtype=wp.vec3),
    lattice: Lattice,
    grad_out: wp.array(dtype=wp.float32),
    grad_table: wp.array(dtype=wp.float32),
    grad_points: wp.array(dtype=wp.vec3),
):
    """One thread per level and point, as forwards: adds to the level's table slice, writes its share of dL/dx.

    An empty `grad_table` or `grad_points` is left out.
    """
    item = wp.tid()
    level = level0 + item // points.shape[0]
    i = item % points.shape[0]
    features = lattice.features
    base = (i * lattice.levels + level) * features
    if all_zero(grad_out, base, features):  # padding, among others
        if grad_points.shape[0] > 0:
            grad_points[level * points.shape[0] + i] = wp.vec3(0.0, 0.0, 0.0)
        return
    scale = lattice.scales[level]
    resolution = lattice.resolutions[level]
    entries = lattice.entries[level]
    slice = level * lattice.rows
    p = points[i] * scale + wp.vec3(0.5, 0.5, 0.5)
    x = wp.clamp(wp.int32(wp.floor(p[0])), 0, resolution - 1)
    y = wp.clamp(wp.int32(wp.floor(p[1])), 0, resolution - 1)
    z = wp.clamp(wp.int32(wp.floor(p[2])), 0, resolution - 1)
    f = p - wp.vec3(wp.float32(x), wp.float32(y), wp.float32(z))
    slope = wp.vec3(0.0, 0.0, 0.0)
    for corner in range(8):
        dx = corner & 1
        dy = (corner >> 1) & 1
        dz = corner >> 2
        at = (slice + entry(x + dx, y + dy, z + dz, resolution, entries)) * features
        wx = wp.where(dx == 1, f[0], 1.0 - f[0])
        wy = wp.where(dy == 1, f[1], 1.0 - f[1])
        wz = wp.where(dz == 1, f[2], 1.0 - f[2])
        if grad_table.shape[0] > 0:
            for k in range(features):
                wp.atomic_add(grad_table, at + k, wx * wy * wz * grad_out[base + k])
        if grad_points.shape[0] > 0:
            dot = wp.float32(0.0)
            for k in range(features):
                dot += grad_out[base + k] * table[at + k]
            sx = wp.where(dx == 1, 1.0, -1.0)
            sy = wp.where(dy == 1, 1.0, -1.0)
            sz = wp.where(dz == 1, 1.0, -1.0)
            slope += dot * wp.vec3(sx * wy * wz, wx * sy * wz, wx * wy * sz)
    if grad_points.shape[0] > 0:
        grad_points[level * points.shape[0] + i] = slope * scale


class _HashGrid(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
        shape = (spec.levels, 2**spec.log2_table, spec.features)
        table = check("table", table, shape, torch.float32, points.device)
        points = check("points", points, ("P", 3), torch.float32, points.device)
        count, width = len(points), spec.levels * spec.features
        out = torch.empty((count, width), device=points.device)
        places = parallel.vectors(points, wp.vec3)
        arguments = [table.view(-1), places, packed(spec), out.view(-1)]
        for level, levels in _shares(spec, points.device):
            parallel.launch_ranges(hash_grid_forward, count * levels, [level, *arguments], points.device)
        ctx.spec = spec
        ctx.save_for_backward(table, points)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> Tuple[Any, ...]:
        table, points = ctx.saved_tensors
        grad_table = torch.zeros_like(table) if ctx.needs_input_grad[0] else table.new_empty((len(table), 0))
        rows = len(points) if ctx.needs_input_grad[1] else 0
        shares = points.new_empty((len(table), rows, 3))
        places, incoming = parallel.vectors(points, wp.vec3), grad_out.contiguous().view(-1)
        arguments = [table.view(-1), places, packed(ctx.spec), incoming, grad_table.view(-1)]
        arguments.append(parallel.vectors(shares.view(-1, 3), wp.vec3))
        if len(points):
            parts = _shares(ctx.spec, points.device)
            calls = [[level, *arguments] for level, _ in parts]
            parallel.launch_each(hash_grid_backward, len(points) * parts[0][1], calls, points.device)
        # Summed in the order of the levels: the same bits whatever the number of threads.
        return (grad_table if ctx.needs_input_grad[0] else None, shares.sum(0) if rows else None, None)


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
        TensorMismatchError: An input has another shape, type or device than stated.
    """
    return _HashGrid.apply(table, points, spec)

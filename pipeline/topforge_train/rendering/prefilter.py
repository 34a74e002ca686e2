"""Prefiltering of an environment light as constant sparse matrices.

One level of the split-sum approximation holds, for N = V = R, the mean of the light under the weight
D(N.H) (N.L) with GGX's D of one roughness (Karis, "Real Shading in Unreal Engine 4", 2013; Walter et al. 2007,
equation 33; arXiv 2111.12503, section 3.3). That is linear in the light, so it is a matrix.

GGX has long tails: cut at 99 % of the energy, a row would touch thousands of texels. Far from a lobe's peak the
weight changes slowly, so there a row takes the means of blocks of texels, from an averaged pyramid of the light: a
block may be as large as a share of the distance over which the weight changes. About 250 entries a row are
left. Where the lobe is narrower than a texel, the weight is integrated over parts of the texel. The rows of one face
are computed; the other five follow by rotation. It takes under a second, so nothing is kept on disk.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import List, Tuple

import torch
from torch import Tensor

from topforge_train.backend import parallel
from topforge_train.backend.warp_prefilter import Rows, Tables
from topforge_train.rendering.cubemap import FACE_AXES, solid_angles, texel_directions, texel_of

MINIMUM_ROUGHNESS = 0.08
"""Roughness of level 0. Of a light up to 128 x 128 that is the light itself: its texels are as wide as that lobe."""

FINEST = 128
"""Side of level 0 of a finer light: a texel is as wide as the lobe of the smallest roughness."""

BLOCK_SIZE = 0.2
TAIL_GROWTH = 0.75
"""A block at angle 2h from the peak is at most 2 BLOCK_SIZE alpha (1 + (tan h / alpha)^2)^TAIL_GROWTH wide. The weight
changes over 2 alpha (1 + (tan h / alpha)^2)^0.5; blocks grow faster, because the tail carries little. Against the full
integral (64 x 64 light, errors over the mean): white noise 0.5 %, smooth light 0.5 %; next to a sun of one texel, 2500
times brighter than the sky, 16 % at worst and 7 % in the mean, which is a shift by a fraction of a texel."""

COARSEST = 8
"""Side of the coarsest source faces: one texel is 11 degrees."""

ROWS_AT_ONCE = 4096
LARGEST_TABLE = 128
"""Both bound the memory for making a matrix: rows at once, and the side of faces whose texels are all tabulated."""

DROPPED = 1e-5
"""Entries below this share of their row are left out; the rest is scaled to sum to 1 again."""


@dataclasses.dataclass(frozen=True)
class LevelShape:
    """One prefiltered level: perceptual roughness (alpha is its square) and side of its faces."""

    roughness: float
    side: int


def level_shapes(base: int, count: int = 6) -> List[LevelShape]:
    """Roughness and size of the levels for a base of side `base`.

    Roughness runs evenly from 0.08 to 0.5 over all but the last, which is 1 (nvdiffrec's mapping). Sides are powers
    of two with texels no larger than half of the lobe's median radius 2 alpha, so that a lookup between texels does
    not flatten the highlight of a sun (by 28 % if they are as large as that radius), and at least 16.
    """
    shapes = [LevelShape(MINIMUM_ROUGHNESS, min(base, FINEST))]
    for index in range(1, count):
        last = index == count - 1
        roughness = 1.0 if last else MINIMUM_ROUGHNESS + (0.5 - MINIMUM_ROUGHNESS) * index / (count - 2)
        needed = math.pi / 2 / roughness**2
        side = 2 ** math.ceil(math.log2(needed))
        shapes.append(LevelShape(roughness, min(base, FINEST, max(16, side))))
    return shapes


def lobe(cosine: Tensor, alpha: float) -> Tensor:
    """D(N.H) (N.L), not normalised, for N = V and angle(N, L) given by its cosine (Walter et al. 2007, eq. 33)."""
    half_squared = 0.5 * (1.0 + cosine)  # cos^2 of half the angle: N.H
    return cosine.clamp(min=0.0) / (half_squared * (alpha * alpha - 1.0) + 1.0) ** 2


def pyramid_sides(base: int) -> List[int]:
    """Sides of the averaged source maps, finest (the light itself) first."""
    sides = [base]
    while sides[-1] > COARSEST:
        sides.append(sides[-1] // 2)
    return sides


@parallel.one_torch_thread()
def make_tables(base: int, shapes: Tuple[LevelShape, ...], device: torch.device) -> Tables:
    """What makes the given levels, one below another, from a light of side `base`; each row sums to 1."""
    rows, columns, values, offset = [], [], [], 0
    for shape in shapes:
        row, column, value = _rows_of_first_face(base, shape, device)
        rows.append(offset + row)
        columns.append(column)
        values.append(value)
        offset += shape.side**2
    row, value = torch.cat(rows), torch.cat(values)
    cells, column = torch.cat(columns).unique(return_inverse=True)
    turned, used = _turned(base, cells)
    place = _places(shapes, device)
    forward, transposed = (
        Rows.from_entries(row, column, value, offset),
        Rows.from_entries(column, row, value, len(cells)),
    )
    return Tables(_shares(base, device), turned, used, forward, transposed, place, place.argsort())


tables = functools.lru_cache(maxsize=4)(make_tables)
"""`make_tables`, remembered."""


def _shares(base: int, device: torch.device) -> Tuple[Tensor, ...]:
    """For each step of the pyramid, each texel's share of the solid angle of the next coarser one: [n, n]."""
    shares = []
    for side in pyramid_sides(base)[1:]:
        whole = solid_angles(side).repeat_interleave(2, 0).repeat_interleave(2, 1)
        shares.append((solid_angles(2 * side) / whole).float().to(device))
    return tuple(shares)


def _rotations(device: torch.device) -> List[Tensor]:
    """The rotations [3, 3] float64 that take face 0's axes to each face's: both frames have the same handedness."""
    return [(axes.T @ FACE_AXES[0]).to(device) for axes in FACE_AXES]


def _turned(base: int, cells: Tensor) -> Tuple[Tensor, Tensor]:
    """For cells [U] of the pyramid and each rotation the cell it is taken to: [U * 6]; and the inverse.

    Rotating light and normal together changes nothing: face f of a level is face 0's under the light turned back.
    """
    turned, offset = torch.empty(len(cells), 6, dtype=torch.int64, device=cells.device), 0
    for side in pyramid_sides(base):
        count = 6 * side * side
        here = torch.nonzero((cells >= offset) & (cells < offset + count))[:, 0]
        directions = texel_directions(side).reshape(-1, 3).to(cells.device)[cells[here] - offset]
        for index, rotation in enumerate(_rotations(cells.device)):
            turned[here, index] = offset + texel_of(directions @ rotation.T, side)
        offset += count
    turned = turned.reshape(-1)
    used = torch.full((offset * 6,), len(turned), dtype=torch.int64, device=cells.device)
    source = torch.arange(len(turned), device=cells.device)
    used[turned * 6 + source % 6] = source
    return turned, used


def _places(shapes: Tuple[LevelShape, ...], device: torch.device) -> Tensor:
    """For each texel of all levels, one below another: its row * 6 + rotation, [texels] int64."""
    places, offset = [], 0
    for shape in shapes:
        directions = texel_directions(shape.side)[0].reshape(-1, 3).to(device)
        rows = offset + torch.arange(len(directions), device=device)
        place = torch.empty(6 * len(directions), dtype=torch.int64, device=device)
        for index, rotation in enumerate(_rotations(device)):
            place[texel_of(directions @ rotation.T, shape.side)] = rows * 6 + index
        places.append(place)
        offset += len(directions)
    return torch.cat(places)


def _split(index: Tensor, side: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Face, row and column of flat texel indices."""
    return index // (side * side), index // side % side, index % side


def _children(cell: Tensor, side: int) -> Tensor:
    """The four texels of the map of twice the side below each texel: [..., 4]."""
    face, row, column = _split(cell, side)
    first = (face * 2 * side + 2 * row) * 2 * side + 2 * column
    return first[..., None] + torch.tensor([0, 1, 2 * side, 2 * side + 1], device=cell.device)


def _rows_of_first_face(base: int, shape: LevelShape, device: torch.device) -> Tuple[Tensor, Tensor, Tensor]:
    """Entries (row, column, value) of the rows of face 0, columns in the pyramid."""
    normals = texel_directions(shape.side)[0].reshape(-1, 3).to(device)
    parts = []
    for first in range(0, len(normals), ROWS_AT_ONCE):
        row, column, value = _entries(normals[first : first + ROWS_AT_ONCE], base, shape.roughness**2)
        parts.append((first + row, column, value))
    row, column, value = (torch.cat(part) for part in zip(*parts))
    return row, column, value


def _entries(normals: Tensor, base: int, alpha: float) -> Tuple[Tensor, Tensor, Tensor]:
    """Entries (row, column, value) of the lobes around normals [R, 3] float64; descends from coarse to fine cells."""
    device, sides = normals.device, pyramid_sides(base)
    side = sides[-1]
    row, cell = (
        index.reshape(-1)
        for index in torch.meshgrid(
            torch.arange(len(normals), device=device), torch.arange(6 * side * side, device=device), indexing="ij"
        )
    )
    found: List[Tuple[Tensor, Tensor, Tensor]] = []
    while len(row):
        directions, areas = _texels(cell, side)
        cosine = (normals[row] * directions).sum(-1)
        width = areas.sqrt()
        visible = cosine > -width  # a block's corner is at most 0.8 of its width away from its centre
        tangent = ((1.0 - cosine).clamp(min=0.0) / (1.0 + cosine).clamp(min=1e-9)).sqrt()  # of the angle of H
        small = width <= 2.0 * BLOCK_SIZE * alpha * (1.0 + (tangent / alpha) ** 2) ** TAIL_GROWTH
        chosen = visible & small
        integral = _integral(normals[row[chosen]], cell[chosen], side, alpha)
        found.append((row[chosen], _column(cell[chosen], side, sides), integral))
        rest = visible & ~small
        row, cell, side = row[rest].repeat_interleave(4), _children(cell[rest], side).reshape(-1), 2 * side
    row, column, value = (torch.cat(parts) for parts in zip(*found))
    return _normalised(row, column, value, len(normals))


def _texels(cell: Tensor, side: int) -> Tuple[Tensor, Tensor]:
    """Directions [..., 3] and solid angles [...] of texels, float64."""
    if side <= LARGEST_TABLE:
        directions, areas = _table(side, cell.device)
        return directions[cell], areas[cell]
    face, row, column = _split(cell, side)
    s, t = (((index + 0.5) * (2.0 / side) - 1.0)[..., None] for index in (column, row))
    axes = FACE_AXES.to(cell.device)[face]
    squared = 1.0 + s * s + t * t
    directions = (axes[..., 0, :] + s * axes[..., 1, :] + t * axes[..., 2, :]) / squared.sqrt()
    return directions, (4.0 / side**2) / squared[..., 0] ** 1.5


@functools.lru_cache(maxsize=16)
def _table(side: int, device: torch.device) -> Tuple[Tensor, Tensor]:
    """Directions [6 n n, 3] and solid angles [6 n n] of all texels, float64."""
    areas = solid_angles(side).repeat(6, 1, 1).reshape(-1)
    return texel_directions(side).reshape(-1, 3).to(device), areas.to(device)


def _integral(normals: Tensor, cell: Tensor, side: int, alpha: float) -> Tensor:
    """The weight around each normal [E, 3] integrated over its cell [E], by the cell's four quarters."""
    directions, areas = _texels(_children(cell, side), 2 * side)
    cosine = (directions * normals[:, None, :]).sum(-1)
    return (lobe(cosine, alpha) * areas).sum(-1)


def _column(cell: Tensor, side: int, sides: List[int]) -> Tensor:
    """Place in the pyramid of a cell; a part of a base texel counts for that texel."""
    face, row, column = _split(cell, side)
    if side > sides[0]:
        factor = side // sides[0]
        return (face * sides[0] + row // factor) * sides[0] + column // factor
    offset = sum(6 * finer * finer for finer in sides[: sides.index(side)])
    return offset + cell


def _normalised(row: Tensor, column: Tensor, value: Tensor, rows: int) -> Tuple[Tensor, Tensor, Tensor]:
    """One entry for each place, negligible ones dropped, and every row sums to 1: a constant light stays what it is."""
    place, order = (row * (int(column.max()) + 1) + column).sort(stable=True)
    place, count = place.unique_consecutive(return_counts=True)
    first = order[count.cumsum(0) - count]
    row, column, value = row[first], column[first], torch.segment_reduce(value[order], "sum", lengths=count)
    kept = value > DROPPED * _sums(row, value, rows)[row]
    row, column, value = row[kept], column[kept], value[kept]
    return row, column, value / _sums(row, value, rows)[row]


def _sums(row: Tensor, value: Tensor, rows: int) -> Tensor:
    """Sum of the values of each row, entries sorted by row: [rows]. In a fixed order, unlike index_add on a GPU."""
    return torch.segment_reduce(value, "sum", lengths=torch.bincount(row, minlength=rows))

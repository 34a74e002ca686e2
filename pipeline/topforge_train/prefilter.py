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
from topforge_train.cubemap import FACE_AXES, solid_angles, texel_directions, texel_of
from topforge_train.sparse import SparseMatrix

MINIMUM_ROUGHNESS = 0.08
"""Level 0 is the light itself: up to 128 x 128, its texels and their interpolation are as wide as this lobe."""

BLOCK_SIZE = 0.2
TAIL_GROWTH = 0.75
"""A block at angle 2h from the peak is at most 2 BLOCK_SIZE alpha (1 + (tan h / alpha)^2)^TAIL_GROWTH wide. The weight
changes over 2 alpha (1 + (tan h / alpha)^2)^0.5; blocks grow faster, because the tail carries little. Against the full
integral (64 x 64 light, errors over the mean): white noise 0.5 %, smooth light 0.5 %; next to a sun of one texel, 2500
times brighter than the sky, 16 % at worst and 7 % in the mean, which is a shift by a fraction of a texel."""

COARSEST = 8
"""Side of the coarsest source faces: one texel is 11 degrees."""

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
    of two with texels no larger than the lobe's median radius, 2 alpha, and at least 16 for smooth gradients.
    """
    shapes = [LevelShape(MINIMUM_ROUGHNESS, base)]
    for index in range(1, count):
        last = index == count - 1
        roughness = 1.0 if last else MINIMUM_ROUGHNESS + (0.5 - MINIMUM_ROUGHNESS) * index / (count - 2)
        needed = math.pi / 2 / (2.0 * roughness**2)
        side = 2 ** math.ceil(math.log2(needed))
        shapes.append(LevelShape(roughness, min(base, max(16, side))))
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


@functools.lru_cache(maxsize=4)
@parallel.one_torch_thread()
def pyramid_matrix(base: int, device: torch.device) -> SparseMatrix:
    """All maps of the averaged pyramid, one below another, from the light: means weighted by solid angle."""
    weight = solid_angles(base).repeat(6, 1, 1).reshape(-1)
    source = torch.arange(6 * base * base)
    face, row, column = _split(source, base)
    rows, values, offset = [], [], 0
    for side in pyramid_sides(base):
        factor = base // side
        block = (face * side + row // factor) * side + column // factor
        total = solid_angles(side).repeat(6, 1, 1).reshape(-1)
        rows.append(offset + block)
        values.append(weight / total[block])
        offset += 6 * side * side
    columns = source.repeat(len(rows))
    return SparseMatrix.from_entries(torch.cat(rows), columns, torch.cat(values), (offset, 6 * base * base)).to(device)


@functools.lru_cache(maxsize=4)
@parallel.one_torch_thread()
def level_matrix(base: int, shapes: Tuple[LevelShape, ...], device: torch.device) -> SparseMatrix:
    """The given levels, one below another, from the pyramid of a light of side `base`; each row sums to 1."""
    rows, columns, values, offset = [], [], [], 0
    for shape in shapes:
        row, column, value = _rows_of_all_faces(*_rows_of_first_face(base, shape), base, shape.side)
        rows.append(offset + row)
        columns.append(column)
        values.append(value)
        offset += 6 * shape.side**2
    extent = (offset, sum(6 * side * side for side in pyramid_sides(base)))
    return SparseMatrix.from_entries(torch.cat(rows), torch.cat(columns), torch.cat(values), extent).to(device)


def _split(index: Tensor, side: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Face, row and column of flat texel indices."""
    return index // (side * side), index // side % side, index % side


def _children(cell: Tensor, side: int) -> Tensor:
    """The four texels of the map of twice the side below each texel: [..., 4]."""
    face, row, column = _split(cell, side)
    first = (face * 2 * side + 2 * row) * 2 * side + 2 * column
    return first[..., None] + torch.tensor([0, 1, 2 * side, 2 * side + 1])


def _rows_of_first_face(base: int, shape: LevelShape) -> Tuple[Tensor, Tensor, Tensor]:
    """Entries (row, column, value) of the rows of face 0, columns in the pyramid; descends from coarse to fine."""
    alpha = shape.roughness**2
    normals = texel_directions(shape.side)[0].reshape(-1, 3)
    sides = pyramid_sides(base)
    side = sides[-1]
    row, cell = (
        index.reshape(-1)
        for index in torch.meshgrid(torch.arange(len(normals)), torch.arange(6 * side * side), indexing="ij")
    )
    found: List[Tuple[Tensor, Tensor, Tensor]] = []
    while len(row):
        directions, areas = texel_directions(side).reshape(-1, 3), solid_angles(side).repeat(6, 1, 1).reshape(-1)
        cosine = (normals[row] * directions[cell]).sum(-1)
        width = areas[cell].sqrt()
        visible = cosine > -width  # a block's corner is at most 0.8 of its width away from its centre
        tangent = ((1.0 - cosine) / (1.0 + cosine).clamp(min=1e-9)).sqrt()  # of the angle of H
        small = width <= 2.0 * BLOCK_SIZE * alpha * (1.0 + (tangent / alpha) ** 2) ** TAIL_GROWTH
        chosen = visible & small
        found.append(
            (row[chosen], _column(cell[chosen], side, sides), _integral(normals, row, cell, side, chosen, alpha))
        )
        rest = visible & ~small
        row, cell, side = row[rest].repeat_interleave(4), _children(cell[rest], side).reshape(-1), 2 * side
    row, column, value = (torch.cat(parts) for parts in zip(*found))
    return _normalised(row, column, value, len(normals))


def _integral(normals: Tensor, row: Tensor, cell: Tensor, side: int, chosen: Tensor, alpha: float) -> Tensor:
    """The weight integrated over each chosen cell, by its four quarters."""
    directions = texel_directions(2 * side).reshape(-1, 3)
    areas = solid_angles(2 * side).repeat(6, 1, 1).reshape(-1)
    parts = _children(cell[chosen], side)
    cosine = (directions[parts] * normals[row[chosen]][:, None, :]).sum(-1)
    return (lobe(cosine, alpha) * areas[parts]).sum(-1)


def _column(cell: Tensor, side: int, sides: List[int]) -> Tensor:
    """Place in the pyramid of a cell; a part of a base texel counts for that texel."""
    face, row, column = _split(cell, side)
    if side > sides[0]:
        factor = side // sides[0]
        return (face * sides[0] + row // factor) * sides[0] + column // factor
    offset = sum(6 * finer * finer for finer in sides[: sides.index(side)])
    return offset + cell


def _normalised(row: Tensor, column: Tensor, value: Tensor, rows: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Drops negligible entries and makes every row sum to 1: a constant light stays what it is."""
    total = torch.zeros(rows, dtype=value.dtype).index_add_(0, row, value)
    kept = value > DROPPED * total[row]
    row, column, value = row[kept], column[kept], value[kept]
    total = torch.zeros(rows, dtype=value.dtype).index_add_(0, row, value)
    return row, column, value / total[row]


def _rows_of_all_faces(
    row: Tensor, column: Tensor, value: Tensor, base: int, side: int
) -> Tuple[Tensor, Tensor, Tensor]:
    """Repeats the entries of face 0 for the six faces: rotating light and normal together changes nothing."""
    rows, columns = [], []
    for face in range(6):
        # The rotation that takes face 0's axes to this face's: both frames have the same handedness.
        rotation = FACE_AXES[face].T @ FACE_AXES[0]
        rows.append(texel_of(texel_directions(side)[0].reshape(-1, 3) @ rotation.T, side)[row])
        turned, offset = [], 0
        for source in pyramid_sides(base):
            turned.append(offset + texel_of(texel_directions(source).reshape(-1, 3) @ rotation.T, source))
            offset += 6 * source * source
        columns.append(torch.cat(turned)[column])
    return torch.cat(rows), torch.cat(columns), value.repeat(6)

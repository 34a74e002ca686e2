"""Naive plain-torch twins of the sampling operators: any float type, autograd throughout, written for reading.

They are the oracle of the tests. Nothing here knows about speed: each function follows its definition.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import HashGridSpec


def _blend(values: Sequence[Tensor], level: Tensor) -> Tensor:
    """Linear interpolation between whole levels' values [P, C] at fractional levels [P], clamped to the chain."""
    level = level.clamp(0, len(values) - 1)
    weights = [(1.0 - (level - index).abs()).clamp(min=0.0) for index in range(len(values))]
    return sum(weight[:, None] * value for weight, value in zip(weights, values))


def texture(levels: Sequence[Tensor], coordinates: Tensor, level: Tensor) -> Tensor:
    """Twin of `Backend.texture`: bilinear in every level, then blended."""
    return _blend([_bilinear(image, coordinates) for image in levels], level)


def _bilinear(image: Tensor, coordinates: Tensor) -> Tensor:
    height, width, _ = image.shape
    x, y = coordinates[:, 0] * width - 0.5, coordinates[:, 1] * height - 0.5
    left, top = x.detach().floor(), y.detach().floor()
    result = 0.0
    for column, weight_x in ((left, 1.0 - (x - left)), (left + 1, x - left)):
        for row, weight_y in ((top, 1.0 - (y - top)), (top + 1, y - top)):
            texels = image[row.long().clamp(0, height - 1), column.long().clamp(0, width - 1)]
            result = result + (weight_x * weight_y)[:, None] * texels
    return result


def texture_cube(levels: Sequence[Tensor], directions: Tensor, level: Tensor) -> Tensor:
    """Twin of `Backend.texture_cube`: one direction at a time."""
    return _blend([torch.stack([_cube_point(cube, d) for d in directions]) for cube in levels], level)


def _cube_point(cube: Tensor, direction: Tensor) -> Tensor:
    """Bilinear lookup of one direction [3] in one map [6, n, n, C]."""
    n = cube.shape[1]
    face, s, t = face_coordinates(direction)
    x, y = (s + 1) * n / 2 - 0.5, (t + 1) * n / 2 - 0.5
    left, top = int(x.detach().floor()), int(y.detach().floor())
    texels: List[Tensor] = []
    weights: List[Tensor] = []
    missing = None
    for row, weight_y in ((top, 1.0 - (y - top)), (top + 1, y - top)):
        for column, weight_x in ((left, 1.0 - (x - left)), (left + 1, x - left)):
            if (row < 0 or row >= n) and (column < 0 or column >= n):
                missing = weight_x * weight_y  # only three texels meet at a corner of the cube
                continue
            texels.append(cube[nearest_texel(face, column, row, n)])
            weights.append(weight_x * weight_y)
    if missing is not None:
        weights = [weight + missing / 3 for weight in weights]
    return sum(weight * texel for weight, texel in zip(weights, texels))


def face_coordinates(direction: Tensor) -> Tuple[int, Tensor, Tensor]:
    """Face and coordinates (s along the columns, t along the rows) in [-1, 1]: OpenGL 4.6, table 8.19."""
    x, y, z = direction
    size = direction.detach().abs()
    if size[0] >= size[1] and size[0] >= size[2]:
        return (0, -z / x, -y / x) if x >= 0 else (1, -z / x, y / x)
    if size[1] >= size[2]:
        return (2, x / y, z / y) if y >= 0 else (3, -x / y, z / y)
    return (4, x / z, -y / z) if z >= 0 else (5, x / z, y / z)


def face_direction(face: int, s: float, t: float) -> Tensor:
    """The inverse of `face_coordinates`, float64, not unit length."""
    vectors = [(1, -t, -s), (-1, -t, s), (s, 1, t), (s, -1, -t), (s, -t, 1), (-s, -t, -1)]
    return torch.tensor(vectors[face], dtype=torch.float64)


def nearest_texel(face: int, column: int, row: int, n: int) -> Tuple[int, int, int]:
    """Index (face, row, column) of the texel that the centre of texel (column, row), perhaps off the face, lies in."""
    s, t = (column + 0.5) * 2 / n - 1, (row + 0.5) * 2 / n - 1
    home, s_home, t_home = face_coordinates(face_direction(face, s, t))
    return home, min(int((t_home + 1) * n / 2), n - 1), min(int((s_home + 1) * n / 2), n - 1)


def hash_grid(table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
    """Twin of `Backend.hash_grid` (arXiv 2201.05989, section 3; indices as in tiny-cuda-nn)."""
    growth = (spec.finest_resolution / spec.base_resolution) ** (1.0 / max(spec.levels - 1, 1))
    levels = [_hash_level(table[k], points, spec.base_resolution * growth**k - 1.0) for k in range(spec.levels)]
    return torch.cat(levels, dim=-1)


def _hash_level(rows: Tensor, points: Tensor, scale: float) -> Tensor:
    scale = round(scale, 5)
    resolution = int(torch.ceil(torch.tensor(scale, dtype=torch.float64))) + 1
    place = points * scale + 0.5
    cell = place.detach().floor()
    fraction = place - cell
    result = 0.0
    for corner in range(8):
        step = torch.tensor([corner & 1, corner >> 1 & 1, corner >> 2])
        weight = torch.where(step == 1, fraction, 1.0 - fraction).prod(-1, keepdim=True)
        result = result + weight * rows[_hash_entry(cell.long() + step, resolution, len(rows))]
    return result


def _hash_entry(vertex: Tensor, resolution: int, size: int) -> Tensor:
    """Direct index where the lattice fits the table, else the hash of the paper's equation 4, in 32 bits."""
    x, y, z = vertex.unbind(-1)
    if resolution**3 <= size:
        return (x + resolution * (y + resolution * z)) % min((resolution**3 + 7) // 8 * 8, size)
    mask = 2**32 - 1
    return (x ^ (y * 2654435761 & mask) ^ (z * 805459861 & mask)) % size

"""A shaded picture of a hull: the smoothed occupancy's iso-surface, found by marching rays."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from topforge_capture.hull import Hull
from topforge_capture.projection import Projection

ISO = 0.55
LIGHT = np.array([0.35, 0.85, 0.4])
DARK, BRIGHT = np.array([104.0, 96, 88]), np.array([240.0, 234, 224])
STEPS = 160
DENSITY = 1.5
"""Rays for each final pixel, along a side."""


def render(hull: Hull, projection: Projection) -> Tuple[float, float, np.ndarray]:
    """Draws `hull`.

    Returns:
        Left and top edge in final pixels; pixels [h, w, 4] uint8, DENSITY times as large, straight alpha.
    """
    field = _smoothed(np.pad(hull.occupied, 3).astype(np.float32))
    low = hull.low - 3 * hull.cell
    high = low + hull.cell * np.array(field.shape)
    left, top, width, height = _frame(hull, projection)
    row, column = np.mgrid[: round(height * DENSITY), : round(width * DENSITY)]
    shape = row.shape
    pixels = np.stack([left + (column.ravel() + 0.5) / DENSITY, top + (row.ravel() + 0.5) / DENSITY], axis=1)
    origins, directions = projection.rays(pixels)
    along = np.dot(0.5 * (low + high) - projection.eye, -projection.rotation[2])
    reach = 0.5 * float(np.linalg.norm(high - low))
    hit, where = _march(field, low, hull.cell, origins, directions, along, reach)
    result = np.zeros((len(pixels), 4), np.uint8)
    result[hit, :3] = _shade(field, (where - low) / hull.cell, directions[hit])
    result[hit, 3] = 255
    return left, top, result.reshape(*shape, 4)


def _frame(hull: Hull, projection: Projection) -> Tuple[int, int, int, int]:
    points = projection.project(hull.centres())[0]
    low, high = np.floor(points.min(axis=0) - 8).astype(int), np.ceil(points.max(axis=0) + 8).astype(int)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def _smoothed(field: np.ndarray) -> np.ndarray:
    """Three passes of (1 2 1) / 4 along each axis."""
    for _ in range(3):
        for axis in range(3):
            field = 0.5 * field + 0.25 * (np.roll(field, 1, axis) + np.roll(field, -1, axis))
    return field


def _march(
    field: np.ndarray,
    low: np.ndarray,
    cell: float,
    origins: np.ndarray,
    directions: np.ndarray,
    along: float,
    reach: float,
) -> Tuple[np.ndarray, np.ndarray]:
    """Indices of the rays that meet the surface, and where [K, 3]."""
    alive = np.arange(len(origins))
    before = np.zeros(len(origins))
    hits, places = [], []
    step = 2 * reach / STEPS
    near = _grown(field)
    for index in range(STEPS):
        distance = along - reach + index * step
        cells = (origins[alive] + distance * directions[alive] - low) / cell
        close = _lookup(near, cells) > 0.5 * ISO
        value = np.zeros(len(alive), np.float32)
        value[close] = sample(field, cells[close])
        inside = value > ISO
        if inside.any():
            found = alive[inside]
            back = (value[inside] - ISO) / np.maximum(value[inside] - before[found], 1e-6)
            hits.append(found)
            places.append(origins[found] + (distance - step * np.clip(back, 0, 1))[:, None] * directions[found])
        before[alive] = value
        alive = alive[~inside]
    if not hits:
        return np.zeros(0, int), np.zeros((0, 3))
    return np.concatenate(hits), np.concatenate(places)


def _grown(field: np.ndarray) -> np.ndarray:
    """The largest value among each cell's 27 neighbours: not below what `sample` gives anywhere in the cell."""
    for axis in range(3):
        field = np.maximum(field, np.maximum(np.roll(field, 1, axis), np.roll(field, -1, axis)))
    return field


def _lookup(field: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Value [P] of the cell that holds each position [P, 3]; 0 outside."""
    index = cells.astype(np.int32)
    inside = ((cells >= 0) & (index < field.shape[0])).all(axis=1)
    x, y, z = np.where(inside[:, None], index, 0).T
    return np.where(inside, field[x, y, z], 0)


def _shade(field: np.ndarray, where: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Half-Lambert shading with a darker rim: [K, 3] uint8."""
    normals = np.empty_like(where)
    for axis in range(3):
        shift = np.zeros(3)
        shift[axis] = 1.0
        normals[:, axis] = sample(field, where - shift) - sample(field, where + shift)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    light = (0.5 + 0.5 * normals @ (LIGHT / np.linalg.norm(LIGHT))) ** 1.5
    facing = np.clip(-(normals * directions).sum(axis=1), 0, 1)
    tone = (light * (0.55 + 0.45 * facing))[:, None]
    return np.round(DARK + (BRIGHT - DARK) * tone).astype(np.uint8)


def sample(field: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Trilinear values [P] of a field [n, n, n] at positions [P, 3] in cells (centres at +0.5); 0 outside."""
    base = np.floor(cells - 0.5).astype(int)
    weight = (cells - 0.5 - base).astype(np.float32)
    inside = ((base >= 0) & (base < np.array(field.shape) - 1)).all(axis=1)
    result = np.zeros(len(cells), np.float32)
    base, weight = base[inside], weight[inside]
    total = np.zeros(len(base), np.float32)
    for corner in range(8):
        offset = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        share = np.where(offset, weight, 1 - weight).prod(axis=1)
        at = base + offset
        total += share * field[at[:, 0], at[:, 1], at[:, 2]]
    result[inside] = total
    return result

"""The visual hull on a coarse grid: the part of space whose every point falls on the object in (nearly) every view.

It is carved conservatively: a cell goes only if its surrounding ball misses the mask, so that thin parts stay.
"""

from __future__ import annotations

import dataclasses
from typing import Sequence, Tuple

import numpy as np

from topforge_capture.photo import Photo, pool_any


@dataclasses.dataclass(frozen=True, eq=False)
class Silhouette:
    """A pinhole camera with a mask."""

    camera_to_world: np.ndarray
    """[4, 4] float64, OpenGL camera."""
    mask: np.ndarray
    """[h, w] bool."""
    focal: float
    """In pixels of the mask."""
    centre: Tuple[float, float]
    """Principal point (column, row) in pixels of the mask."""
    size: Tuple[float, float]
    """Width and height of the image in pixels of the mask (whose last block may reach beyond)."""
    cropped: bool
    """The object touches the border: nothing is known about what projects outside of the image."""

    @classmethod
    def of(cls, photo: Photo, camera_to_world: np.ndarray | None = None) -> Silhouette:
        """A photo's silhouette, optionally from another pose."""
        view, scale = photo.view, 1.0 / photo.pool
        size = (view.width * scale, view.height * scale)
        centre = (0.5 * size[0] + view.principal_offset[0] * scale, 0.5 * size[1] + view.principal_offset[1] * scale)
        pose = view.camera_to_world if camera_to_world is None else camera_to_world
        return cls(pose, photo.mask, view.focal * scale, centre, size, bool(photo.border))

    def project(self, points: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Column, row (pixels of the mask, continuous) and depth (> 0 in front), each [P], of points [P, 3]."""
        world_to_camera = np.linalg.inv(self.camera_to_world)
        x, y, z = world_to_camera[:3, :3] @ points.T + world_to_camera[:3, 3:]
        depth = -z
        scale = self.focal / np.where(np.abs(depth) < 1e-12, 1e-12, depth)
        return self.centre[0] + x * scale, self.centre[1] - y * scale, depth

    def covers(self, points: np.ndarray, radius: float) -> np.ndarray:
        """Whether the ball of `radius` around each point [P, 3] may touch the object: [P] bool."""
        column, row, depth = self.project(points)
        reach = radius * self.focal / max(float(np.median(depth)), 1e-9)
        mask, block = _dilated(self.mask, reach)
        inside = (column > -reach) & (column < self.size[0] + reach) & (row > -reach) & (row < self.size[1] + reach)
        result = np.full(len(points), self.cropped)
        at = [
            np.clip((row[inside] / block).astype(int), 0, mask.shape[0] - 1),
            np.clip((column[inside] / block).astype(int), 0, mask.shape[1] - 1),
        ]
        result[inside] = mask[at[0], at[1]]
        return result & (depth > 0)

    def rays(self, limit: int) -> np.ndarray:
        """Unit directions [R, 3] in the world through at most `limit` pixels of the object, evenly picked."""
        rows, columns = np.nonzero(self.mask)
        pick = np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(int)
        x = (columns[pick] + 0.5 - self.centre[0]) / self.focal
        y = -(rows[pick] + 0.5 - self.centre[1]) / self.focal
        directions = np.stack([x, y, -np.ones_like(x)], axis=1) @ self.camera_to_world[:3, :3].T
        return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@dataclasses.dataclass(frozen=True, eq=False)
class Hull:
    """Cells of a cube that survived carving."""

    low: np.ndarray
    """[3] corner of the cube."""
    cell: float
    """Side of a cell, world units."""
    occupied: np.ndarray
    """[n, n, n] bool, indexed x, y, z."""

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self.occupied.any())

    def centres(self) -> np.ndarray:
        """Centres [K, 3] of the cells that are left."""
        return self.low + (np.argwhere(self.occupied) + 0.5) * self.cell

    def bounds(self) -> np.ndarray:
        """Lowest and highest corner [2, 3], less half a cell for what conservative carving adds on average."""
        index = np.argwhere(self.occupied)
        low, high = index.min(axis=0), index.max(axis=0) + 1
        trim = np.minimum(0.5, 0.25 * (high - low))
        return self.low + np.stack([low + trim, high - trim]) * self.cell

    def unexplained(self, silhouette: Silhouette, rays: int = 300) -> float:
        """Fraction of a mask's pixels whose ray meets no cell: 0 when pose and mask agree with the hull."""
        directions = silhouette.rays(rays)
        if len(directions) == 0 or not self:
            return 1.0
        count = self.occupied.shape[0]
        reach = 0.5 * np.sqrt(3.0) * count * self.cell
        origin = silhouette.camera_to_world[:3, 3]
        middle = np.linalg.norm(self.low + 0.5 * count * self.cell - origin)
        along = np.arange(max(middle - reach, 0.0), middle + reach, 0.5 * self.cell)
        points = origin + directions[:, None] * along[:, None]
        index = np.floor((points - self.low) / self.cell).astype(int)
        inside = ((index >= 0) & (index < count)).all(axis=-1)
        index = np.clip(index, 0, count - 1)
        hit = inside & self.occupied[index[..., 0], index[..., 1], index[..., 2]]
        return float(1.0 - hit.any(axis=1).mean())

    def excess(self, silhouette: Silhouette) -> float:
        """Fraction of the cells whose surrounding ball misses a mask: what the mask leaves out of the hull."""
        if not self:
            return 0.0
        return float(1.0 - silhouette.covers(self.centres(), 0.5 * np.sqrt(3.0) * self.cell).mean())


def carve(
    silhouettes: Sequence[Silhouette], centre: np.ndarray, half: float, resolution: int, tolerance: int = 0
) -> Hull:
    """Carves a cube of `resolution`^3 cells around `centre` with half side `half`.

    Args:
        silhouettes: The views.
        centre: [3].
        half: World units.
        resolution: Cells along a side.
        tolerance: How many views a cell may miss and still stay.
    """
    cell = 2.0 * half / resolution
    low = np.asarray(centre, np.float64) - half
    index = np.indices((resolution,) * 3).reshape(3, -1).T
    points = low + (index + 0.5) * cell
    misses = np.zeros(len(points), np.int32)
    alive = np.arange(len(points))
    for silhouette in silhouettes:
        if len(alive) == 0:
            break
        misses[alive] += ~silhouette.covers(points[alive], 0.5 * np.sqrt(3.0) * cell)
        alive = alive[misses[alive] <= tolerance]
    occupied = np.zeros(resolution**3, bool)
    occupied[alive] = True
    return Hull(low, cell, occupied.reshape((resolution,) * 3))


def refine(hull: Hull, silhouettes: Sequence[Silhouette], resolution: int, tolerance: int = 0) -> Hull:
    """Carves again on a cube that just holds `hull`, which must not be empty."""
    index = np.argwhere(hull.occupied)
    corners = hull.low + np.stack([index.min(axis=0) - 1, index.max(axis=0) + 2]) * hull.cell
    return carve(silhouettes, corners.mean(axis=0), 0.5 * float(np.ptp(corners, axis=0).max()), resolution, tolerance)


def _dilated(mask: np.ndarray, reach: float) -> Tuple[np.ndarray, int]:
    """The mask grown by at least `reach` pixels, reduced by blocks where that loses nothing; and the block's size."""
    block = max(1, int(reach / 2))
    small = pool_any(mask, block)
    steps = int(np.ceil(reach / block))
    for axis in (0, 1):
        grown = small.copy()
        for shift in range(1, steps + 1):
            for target, source in (
                (slice(shift, None), slice(None, -shift)),
                (slice(None, -shift), slice(shift, None)),
            ):
                at, start = [slice(None)] * 2, [slice(None)] * 2
                at[axis], start[axis] = target, source
                grown[tuple(at)] |= small[tuple(start)]
        small = grown
    return small, block

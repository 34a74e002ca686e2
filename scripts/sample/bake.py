"""From paint on a surface to textures: finds the place of each texel, paints it, and grows the charts' borders."""

from __future__ import annotations

import numpy as np

from sample import paint, shape


def bake(mesh: shape.Mesh, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paints the texels of a mesh.

    Returns:
        Base colour [size, size, 3] and roughness and metallic [size, size], uint8, row 0 at the top (v = 1).
    """
    positions, covered = texel_positions(mesh, size)
    coat = paint.paint(positions[covered])
    maps = np.zeros((size, size, 5))
    maps[covered] = np.column_stack([coat.colour, coat.roughness, coat.metallic])
    maps = np.round(255 * dilate(maps, covered, 6)).astype(np.uint8)
    return maps[..., :3], maps[..., 3], maps[..., 4]


def texel_positions(mesh: shape.Mesh, size: int) -> tuple[np.ndarray, np.ndarray]:
    """World position [size, size, 3] of each texel's centre and whether a triangle covers it [size, size]."""
    positions, covered = np.zeros((size, size, 3)), np.zeros((size, size), dtype=bool)
    pixel = np.stack([mesh.texcoords[:, 0] * size, (1 - mesh.texcoords[:, 1]) * size], axis=1) - 0.5
    for triangle, corners in zip(mesh.triangles, pixel[mesh.texcoord_triangles]):
        low = np.clip(np.floor(corners.min(0)).astype(int), 0, size - 1)
        high = np.clip(np.ceil(corners.max(0)).astype(int), 0, size - 1)
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        (ax, ay), (bx, by), (cx, cy) = corners
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0:
            continue
        u = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
        v = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
        hit = (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6)
        p0, p1, p2 = mesh.positions[triangle]
        positions[y[hit], x[hit]] = p0 + u[hit][:, None] * (p1 - p0) + v[hit][:, None] * (p2 - p0)
        covered[y[hit], x[hit]] = True
    return positions, covered


def dilate(maps: np.ndarray, covered: np.ndarray, rounds: int) -> np.ndarray:
    """Grows the charts of maps [H, W, C] by `rounds` texels, and fills the rest with the mean."""
    maps, covered = maps.copy(), covered.copy()
    maps[~covered] = maps[covered].mean(0)
    for _ in range(rounds):
        total, count = np.zeros_like(maps), np.zeros(covered.shape)
        for shift in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]:
            neighbour = np.roll(covered, shift, (0, 1))
            total += np.roll(maps, shift, (0, 1)) * neighbour[..., None]
            count += neighbour
        grow = ~covered & (count > 0)
        maps[grow] = total[grow] / count[grow][:, None]
        covered |= grow
    return maps

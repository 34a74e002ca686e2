"""Which triangle is seen at each pixel, in numpy: for pictures of meshes where there is neither torch nor a GPU."""

from __future__ import annotations

from typing import Tuple

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 4_000_000
"""Samples looked at in one go: about 300 MB."""


def rotation(tilt: float, turn: float) -> NDArray[np.float64]:
    """The object turned about y, then tilted about x, both in radians: [3, 3]."""
    c, s, d, t = np.cos(turn), np.sin(turn), np.cos(tilt), np.sin(tilt)
    return np.array([[1, 0, 0], [0, d, -t], [0, t, d]]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def facing(points: NDArray[np.float64], triangles: NDArray[np.integer]) -> NDArray[np.float64]:
    """How squarely triangles [F, 3] of points [V, 3] face the z axis, from either side: [F], 0 to 1."""
    edges = points[triangles[:, 1:]] - points[triangles[:, :1]]
    normal = np.cross(edges[:, 0], edges[:, 1])
    return np.abs(normal[:, 2]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-30)


def visible(corners: NDArray[np.float64], side: int) -> Tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest triangle at each pixel's middle.

    Triangles of like extent are tried together, each at every pixel of the smallest such square that holds it.

    Args:
        corners: [F, 3, 3]: x and y in pixels, y downwards, and z, which grows towards the camera.
        side: Of the picture, in pixels.

    Returns:
        Triangle [side * side], -1 where there is none, and barycentric weights in the picture [side * side, 3].
    """
    depth = np.full(side * side, -np.inf)
    nearest = np.full(side * side, -1, np.int64)
    weights = np.zeros((side * side, 3))
    first = np.ceil(corners[:, :, :2].min(axis=1) - 0.5).clip(0, side).astype(np.int64)
    last = np.floor(corners[:, :, :2].max(axis=1) - 0.5).clip(-1, side - 1).astype(np.int64)
    extent = (last - first + 1).max(axis=1)
    extent[(last < first).any(axis=1)] = 0  # between pixels' middles, or beyond the picture
    size = 1
    while size < 2 * side:
        alike = np.flatnonzero((extent > size // 2) & (extent <= size))
        step = max(AT_ONCE // (size * size), 1)
        for chosen in (alike[begin : begin + step] for begin in range(0, len(alike), step)):
            pixel, triangle, weight, z = _covered(corners, chosen, first[chosen], size, side)
            order = np.argsort(z, kind="stable")
            order = order[z[order] > depth[pixel[order]]]
            place = pixel[order]  # of several at a pixel the last one assigned stays: the nearest
            depth[place], nearest[place], weights[place] = z[order], triangle[order], weight[order]
        size *= 2
    return nearest, weights


def _covered(
    corners: NDArray[np.float64], chosen: NDArray[np.int64], first: NDArray[np.int64], size: int, side: int
) -> Tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixels [N] inside the chosen triangles, which triangle, weights [N, 3], depth."""
    step_y, step_x = np.divmod(np.arange(size * size), size)
    x, y = first[:, :1] + step_x, first[:, 1:] + step_y
    a, b, c = np.moveaxis(corners[chosen], 1, 0)[..., None]  # each [n, 3, 1]
    middle = x + 0.5, y + 0.5
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):  # a triangle seen from its edge covers nothing
        to_b = ((c[:, 0] - middle[0]) * (a[:, 1] - middle[1]) - (c[:, 1] - middle[1]) * (a[:, 0] - middle[0])) / area
        to_c = ((a[:, 0] - middle[0]) * (b[:, 1] - middle[1]) - (a[:, 1] - middle[1]) * (b[:, 0] - middle[0])) / area
        to_a = 1.0 - to_b - to_c
    inside = (to_a >= 0) & (to_b >= 0) & (to_c >= 0) & (x < side) & (y < side)
    which, _ = np.nonzero(inside)
    weight = np.stack([to_a[inside], to_b[inside], to_c[inside]], axis=1)
    z = (weight * corners[chosen[which]][:, :, 2]).sum(axis=1)
    return (y * side + x)[inside], chosen[which], weight, z

"""A picture of a surface with a colour for each vertex, drawn without torch and without a GPU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topforge_capture.images import linear_to_srgb
from topforge_capture.ply import Floats
from topforge_capture.visibility import facing, rotation, visible

SIDE = 768
"""Pixels along the picture."""
SAMPLES = 2
"""Along the side of a pixel."""
BACKGROUND = 32 / 255
AMBIENT = 0.25
"""Share of the light that comes from everywhere; the rest comes from the camera."""


def picture(
    positions: Floats, triangles: NDArray[np.integer], colours: Floats, tilt: float = 0.35, turn: float = 0.6
) -> NDArray[np.uint8]:
    """The surface from slightly above, without perspective, lit from the camera; triangles have two sides.

    Args:
        positions: [V, 3], y up.
        triangles: [F, 3].
        colours: [V, 3], linear, 0 to 1.
        tilt: Of the camera, downwards, in radians.
        turn: Of the surface about the y axis, in radians.

    Returns:
        [SIDE, SIDE, 3], sRGB.
    """
    side = SIDE * SAMPLES
    points = positions.astype(np.float64) @ rotation(tilt, turn).T
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 0.9 * side / max(float((high - low)[:2].max()), 1e-30)
    points = (points - 0.5 * (low + high)) * (scale, -scale, scale) + (0.5 * side, 0.5 * side, 0.0)
    nearest, weights = visible(points[triangles], side)
    seen = nearest >= 0
    corners = triangles[nearest[seen]]
    light = AMBIENT + (1 - AMBIENT) * facing(points, corners)
    lit = np.einsum("nk,nkc->nc", weights[seen], colours[corners]) * light[:, None]
    image = np.full((side * side, 3), BACKGROUND)
    image[seen] = linear_to_srgb(np.clip(lit, 0.0, 1.0))
    image = image.reshape(SIDE, SAMPLES, SIDE, SAMPLES, 3).mean(axis=(1, 3))
    return (image * 255.0 + 0.5).astype(np.uint8)

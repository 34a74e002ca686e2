"""Two ways to look at the world for a picture."""

from __future__ import annotations

import dataclasses
import math
from typing import Tuple

import numpy as np

ELEVATION, AZIMUTH, LENS = math.radians(24), math.radians(32), math.radians(30)
"""Of the perspective view: 0 azimuth looks from +z."""


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """Maps the world onto a panel of the picture, in final pixels."""

    rotation: np.ndarray
    """[3, 3] rows: right, up, back of the viewer in the world."""
    eye: np.ndarray
    """[3]; orthographic: a point far behind everything."""
    focal: float
    """Pixels; orthographic: pixels for a world unit."""
    centre: Tuple[float, float]
    flat: bool
    """Orthographic."""

    def project(self, points: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Pixels [P, 2] and depth [P] (larger is farther) of world points [P, 3]."""
        local = (points - self.eye) @ self.rotation.T
        depth = -local[:, 2]
        scale = self.focal if self.flat else self.focal / np.maximum(depth, 1e-3)
        x = self.centre[0] + local[:, 0] * scale
        return np.stack([x, self.centre[1] - local[:, 1] * scale], axis=1), depth

    def rays(self, pixels: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Origins and unit directions, each [P, 3], of the rays through pixels [P, 2]."""
        x = (pixels[:, 0] - self.centre[0]) / self.focal
        y = (self.centre[1] - pixels[:, 1]) / self.focal
        if self.flat:
            origins = self.eye + np.stack([x, y, np.zeros_like(x)], axis=1) @ self.rotation
            return origins, np.broadcast_to(-self.rotation[2], origins.shape)
        directions = np.stack([x, y, -np.ones_like(x)], axis=1) @ self.rotation
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return np.broadcast_to(self.eye, directions.shape), directions


def perspective(focus: np.ndarray, reach: float, panel: Tuple[int, int, int, int]) -> Projection:
    """Looks slightly down on `focus` so that a ball of radius `reach` fits the panel (x, y, width, height)."""
    back = np.array(
        [math.cos(ELEVATION) * math.sin(AZIMUTH), math.sin(ELEVATION), math.cos(ELEVATION) * math.cos(AZIMUTH)]
    )
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(back, right), back])
    x, y, width, height = panel
    distance = 1.04 * reach / math.sin(0.5 * LENS)
    focal = 0.5 * min(width, height) / math.tan(0.5 * LENS)
    return Projection(rotation, focus + distance * back, focal, (x + width / 2, y + height / 2), False)


def orthographic(focus: np.ndarray, reach: float, panel: Tuple[int, int, int, int]) -> Projection:
    """Looks straight down: x to the right, z down the page."""
    rotation = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    x, y, width, height = panel
    scale = 0.5 * min(width, height) / (1.12 * reach)
    return Projection(rotation, focus + np.array([0, 10 * reach, 0]), scale, (x + width / 2, y + height / 2), True)

"""Camera geometry that readers and checks share. Numpy, float64."""

from __future__ import annotations

import numpy as np


def nearest_point_to_axes(positions: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The point with the least sum of squared distances to a set of lines.

    With P = I - d d^T projecting off a unit direction d, the point solves (sum P) x = sum P p. Parallel lines leave it
    undetermined along d; the solution of least norm is taken.

    Args:
        positions: [N, 3] a point on each line (camera centres).
        directions: [N, 3] any length > 0 (viewing directions).

    Returns:
        [3] float64.
    """
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    projectors = np.eye(3) - unit[:, :, None] * unit[:, None, :]
    return np.linalg.lstsq(projectors.sum(0), (projectors @ positions[:, :, None]).sum(0)[:, 0], rcond=1e-9)[0]


def distances_to_axes(point: np.ndarray, positions: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Distance [N] of `point` [3] from each line; arguments as in `nearest_point_to_axes`."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    offset = point - positions
    return np.linalg.norm(offset - (offset * unit).sum(1, keepdims=True) * unit, axis=1)

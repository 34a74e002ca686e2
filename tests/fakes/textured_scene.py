"""A small scene with detail all over, ray-cast with numpy alone: photographs whose true cameras are known to the digit.

Three boxes on a floor, coloured by noise in space, so that every surface has features that no other place repeats.
"""

from __future__ import annotations

from typing import List

import numpy as np

BOXES = (  # lower and upper corner
    ((-0.6, 0.0, -0.5), (0.4, 0.9, 0.3)),
    ((0.5, 0.0, -0.2), (1.0, 0.5, 0.7)),
    ((-0.9, 0.0, 0.5), (-0.2, 0.35, 1.0)),
)
FLOOR = 6.0
"""Half the side of the floor; the sky is grey."""
_FREQUENCIES = ((4.0, 1.0), (9.0, 0.9), (19.0, 0.5))


def look_at(position, target=(0.0, 0.3, 0.1)) -> np.ndarray:
    """Camera to world [4, 4], OpenGL axes, y up."""
    position, target = np.asarray(position, float), np.asarray(target, float)
    back = (position - target) / np.linalg.norm(position - target)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :4] = np.stack([right, np.cross(back, right), back, position], axis=1)
    return matrix


def orbit(count: int, radius: float = 3.2) -> List[np.ndarray]:
    """Cameras around the boxes, at two heights in turn."""
    angles = np.arange(count) * 2 * np.pi / count
    heights = [1.4 if index % 2 else 1.7 for index in range(count)]
    return [look_at((radius * np.sin(a), h, radius * np.cos(a))) for a, h in zip(angles, heights)]


def render(camera: np.ndarray, width: int, height: int, focal: float, k1: float = 0.0) -> np.ndarray:
    """The photograph [height, width, 3] uint8 of a lens with one radial coefficient, two by two samples a pixel."""
    u, v = np.meshgrid(np.arange(2 * width) / 2 + 0.25, np.arange(2 * height) / 2 + 0.25)
    distorted = np.stack([(u - width / 2) / focal, (v - height / 2) / focal], axis=-1)
    plane = distorted.copy()
    for _ in range(20):  # x (1 + k1 r^2) = distorted, solved by substitution
        plane = distorted / (1 + k1 * (plane**2).sum(-1, keepdims=True))
    local = np.stack([plane[..., 0], -plane[..., 1], -np.ones(u.shape)], axis=-1)
    colours = _shade(np.broadcast_to(camera[:3, 3], local.shape), local @ camera[:3, :3].T)
    return np.round(colours.reshape(height, 2, width, 2, 3).mean((1, 3))).astype(np.uint8)


def _shade(origin: np.ndarray, direction: np.ndarray) -> np.ndarray:
    nearest = np.full(direction.shape[:2], np.inf)
    light = np.zeros(direction.shape[:2])
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = -origin[..., 1] / direction[..., 1]
        at = origin + floor[..., None] * direction
        hit = (floor > 0) & (np.abs(at[..., [0, 2]]).max(-1) < FLOOR)
        nearest[hit], light[hit] = floor[hit], 0.8
        for low, high in BOXES:
            near = (np.where(direction > 0, low, high) - origin) / direction
            far = (np.where(direction > 0, high, low) - origin) / direction
            enter = near.max(-1)
            hit = (enter < far.min(-1)) & (enter > 0) & (enter < nearest)
            nearest[hit] = enter[hit]
            light[hit] = np.array([0.85, 1.0, 0.7])[near.argmax(-1)][hit]
    seen = np.isfinite(nearest)
    colours = np.full(direction.shape, 150.0)
    points = origin[seen] + nearest[seen][:, None] * direction[seen]
    colours[seen] = _noise(points) * light[seen][:, None]
    return colours


def _noise(points: np.ndarray) -> np.ndarray:
    """Colours [P, 3] in 10 to 245 of points [P, 3]: three octaves of value noise, with contrast."""
    total = np.zeros(points.shape, np.float32)
    for frequency, weight in _FREQUENCIES:
        place = (points * frequency + 100.0).astype(np.float32)
        cell = np.floor(place).astype(np.int32)
        t = place - cell
        t = t * t * (3 - 2 * t)
        sides = [(1 - t[:, axis], t[:, axis]) for axis in range(3)]
        hashed = [(cell[:, axis] * prime, (cell[:, axis] + 1) * prime) for axis, prime in enumerate(_PRIMES)]
        for x, y, z in np.ndindex(2, 2, 2):
            share = sides[0][x] * sides[1][y] * sides[2][z]
            place_in_table = (hashed[0][x] ^ hashed[1][y] ^ hashed[2][z]) & (len(_TABLE) - 1)
            total += (weight * share)[:, None] * _TABLE[place_in_table]
    return np.clip(128 + 190 * total, 10, 245)


_PRIMES = (np.int32(73856093), np.int32(19349663), np.int32(83492791))
_TABLE = np.random.default_rng(1).uniform(-0.5, 0.5, (1 << 16, 3)).astype(np.float32)
"""Colours of lattice points, by the hash of their place (Teschner et al., VMV 2003)."""

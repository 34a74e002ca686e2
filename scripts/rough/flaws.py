"""The single flaws of a rough capture. Each is a function of a generator, so that a seed repeats it."""

from __future__ import annotations

import math

import numpy as np
import torch

from topforge_capture.capture import View
from topforge_capture.images import linear_to_srgb
from topforge_train.geometry.hull import contour_distance

WOBBLE_LENGTH = 1 / 12
"""Wavelength of a hand's wobble along a contour, as a share of the image's height."""
GRAIN = 0.008
"""Standard deviation of the sensor's noise, in encoded values of 0 to 1."""
WHITE_BALANCE = 0.25
"""Standard deviation of a view's red and blue gain, as a share of the exposure's."""
CLUTTER = (3.0, 9.0, 27.0)
"""Waves around the horizon of the three octaves of the room behind the object."""


def smooth_noise(generator: np.random.Generator, height: int, width: int, cell: float) -> np.ndarray:
    """A random field [height, width] of standard deviation near 1, bicubic between knots `cell` pixels apart."""
    knots = generator.standard_normal((1, 1, math.ceil(height / cell) + 3, math.ceil(width / cell) + 3))
    field = torch.nn.functional.interpolate(
        torch.from_numpy(knots), size=(round(knots.shape[2] * cell), round(knots.shape[3] * cell)), mode="bicubic"
    )[0, 0, :height, :width].numpy()
    return field / max(float(field.std()), 1e-9)


def drawn_mask(generator: np.random.Generator, alpha: np.ndarray, pixels: float) -> tuple[np.ndarray, dict]:
    """A mask drawn by hand: grown or shrunk, shifted, and with a trembling contour; bool [H, W].

    Args:
        generator: Decides.
        alpha: [H, W] true coverage.
        pixels: Largest growth or shrinkage of the whole; shift and tremor are half of it.

    Returns:
        The mask, and what was done to it.
    """
    height, width = alpha.shape
    distance = contour_distance(torch.from_numpy(alpha).float())[None, None]
    growth = float(generator.uniform(-pixels, pixels))
    shift = generator.uniform(-0.5 * pixels, 0.5 * pixels, 2)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    where = torch.stack((columns - shift[0], rows - shift[1]), dim=-1).float()
    where = (where + 0.5) * torch.tensor([2 / width, 2 / height]) - 1
    moved = torch.nn.functional.grid_sample(distance, where[None], padding_mode="border", align_corners=False)[0, 0]
    tremor = 0.5 * pixels * smooth_noise(generator, height, width, 0.5 * WOBBLE_LENGTH * height)
    return moved.numpy() < growth + 0.5 * tremor, {"growth": growth, "shift": shift.tolist()}


def spoilt_mask(generator: np.random.Generator, mask: np.ndarray, missing: bool) -> np.ndarray:
    """A mask [H, W] with a disc forgotten at its rim, or a disc of background taken in."""
    rows, columns = np.nonzero(mask)
    extent = 0.5 * math.hypot(np.ptp(rows), np.ptp(columns))
    angle = generator.uniform(0, 2 * math.pi)
    away = (rows - rows.mean()) * math.sin(angle) + (columns - columns.mean()) * math.cos(angle)
    at = int(np.argmax(away))
    y, x = np.indices(mask.shape)
    disc = np.hypot(y - rows[at], x - columns[at]) < generator.uniform(0.3, 0.5) * extent
    return mask & ~disc if missing else mask | disc


def gains(generator: np.random.Generator, views: int, stops: float) -> np.ndarray:
    """Linear gains [views, 3] of exposure, uniform within +- `stops`, and of white balance; geometric mean 1."""
    exposure = generator.uniform(-stops, stops, (views, 1))
    balance = generator.standard_normal((views, 3)) * [1.0, 0.0, 1.0] * WHITE_BALANCE * stops
    logarithm = exposure + balance
    return np.exp2(logarithm - logarithm.mean(axis=0))


def room(view: View, radiance: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What stands behind the object, linear [H, W, 3]: the light's picture by direction, and patterns on its walls."""
    height, width = view.height, view.width
    x = (np.arange(width) + 0.5 - 0.5 * width - view.principal_offset[0]) / view.focal
    y = (0.5 * height + view.principal_offset[1] - np.arange(height) - 0.5) / view.focal
    local = np.stack(np.broadcast_arrays(x[None, :], y[:, None], -1.0), axis=-1)
    direction = local @ view.camera_to_world[:3, :3].T
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    azimuth = np.arctan2(direction[..., 0], -direction[..., 2])
    elevation = np.arcsin(np.clip(direction[..., 1], -1, 1))
    row = ((0.5 - elevation / math.pi) * radiance.shape[0]).astype(int).clip(0, radiance.shape[0] - 1)
    column = ((0.5 + azimuth / (2 * math.pi)) * radiance.shape[1]).astype(int) % radiance.shape[1]
    pattern = np.zeros((height, width, 3))
    for waves in CLUTTER:
        phase, tilt = generator.uniform(0, 2 * math.pi, 3), generator.uniform(0.5, 2.0, 3)
        pattern += np.sin(waves * azimuth[..., None] + phase) * np.sin(waves * tilt * elevation[..., None] + phase)
    return np.clip(0.6 * radiance[row, column], 0, 1) * 0.5 + 0.3 * np.exp(0.6 * pattern - 1.0)


def developed(generator: np.random.Generator, linear: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The camera's 8-bit sRGB picture [H, W, 3] of linear radiance under a gain [3]; what is too bright clips."""
    encoded = linear_to_srgb(linear * gain)
    noisy = encoded + GRAIN * generator.standard_normal(encoded.shape)
    return np.round(255 * np.clip(noisy, 0, 1)).astype(np.uint8)


def misplaced(generator: np.random.Generator, pose: np.ndarray, degrees: float) -> np.ndarray:
    """A pose [4, 4] as structure from motion finds it: turned by about `degrees`, moved by as much seen from afar."""
    turn = math.radians(degrees) * generator.standard_normal(3) / math.sqrt(3)
    angle = max(float(np.linalg.norm(turn)), 1e-12)
    axis = turn / angle
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    moved = pose.copy()
    moved[:3, :3] = (np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross) @ pose[:3, :3]
    distance = float(np.linalg.norm(pose[:3, 3]))
    moved[:3, 3] += distance * math.radians(degrees) * generator.standard_normal(3) / math.sqrt(3)
    return moved

"""Makes images as another lens would have taken them: distorted ones become those of a pinhole.

Bilinear, in linear light, colours weighted by coverage. What the photograph does not show becomes black and uncovered.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Tuple

import imageio.v3 as imageio
import numpy as np

from topforge_capture.capture import CaptureError, View
from topforge_capture.images import coverage, linear_to_srgb, load_pixels, to_linear
from topforge_capture.losses import has_coverage

BAND = 256
"""Rows that are made at once: large photographs need little memory so."""


def write(old: View, new: View, path: Path) -> Tuple[View, float]:
    """Writes a view's photograph as the lens of `new` sees it, as PNG with the coverage as alpha where there is one.

    Args:
        old: The view as it was taken.
        new: The same view with the lens that is wanted; neither distorted nor skewed.
        path: The PNG.

    Returns:
        `new` with that image and no separate mask, and the share of its pixels that the photograph does not show.

    Raises:
        CaptureError: The image cannot be decoded, or is floating point, which PNG cannot hold.
    """
    pixels = load_pixels(old.image)
    if pixels.dtype.kind == "f":
        reason = "%s is a floating point image; resampled ones are written as PNG." % old.image
        raise CaptureError("float-image", reason, "Convert it to PNG before, or undistort it elsewhere.", (old.image,))
    covered = has_coverage(old)
    alpha = coverage(old, pixels) if covered else np.ones(pixels.shape[:2], np.float32)
    colours = to_linear(pixels[..., :3]) * alpha[..., None]
    weighted = np.concatenate([colours, alpha[..., None]], axis=2)
    stored = np.empty((new.height, new.width, 4 if covered else 3), np.uint8)
    seen = 0
    for top in range(0, new.height, BAND):
        rows = slice(top, min(top + BAND, new.height))
        source, shown = source_pixels(old, new, rows)
        sampled = bilinear(weighted, source) * shown[..., None]
        rgb = linear_to_srgb(sampled[..., :3] / np.maximum(sampled[..., 3:], 1e-6))
        values = np.concatenate([rgb, sampled[..., 3:]], axis=2)[..., : stored.shape[2]]
        stored[rows] = np.round(255 * values).astype(np.uint8)
        seen += int(shown.sum())
    imageio.imwrite(path, stored)
    return dataclasses.replace(new, image=path, mask=None), 1.0 - seen / (new.width * new.height)


def source_pixels(old: View, new: View, rows: slice) -> Tuple[np.ndarray, np.ndarray]:
    """Where pixels of some rows of the new image lie in the old one, [h, w, 2] (column, row), and whether, [h, w]."""
    fx, fy, cx, cy = new.intrinsics
    row, column = np.mgrid[rows, : new.width] + 0.5
    x, y = (column - cx) / fx, (row - cy) / fy
    source = old.place(x, y)
    size = np.array([old.width, old.height])
    shown = (source >= 0).all(axis=2) & (source <= size).all(axis=2) & (np.hypot(x, y) < old.distortion.reach())
    return source, shown


def bilinear(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """An image [H, W, C] at points [h, w, 2] (column, row; the first pixel's middle is (0.5, 0.5)); edges go on."""
    limit = np.array([image.shape[1] - 1, image.shape[0] - 1])
    corner = np.clip(np.nan_to_num(where) - 0.5, 0, limit)
    low = np.minimum(corner.astype(int), np.maximum(limit - 1, 0))
    high = np.minimum(low + 1, limit)
    share = (corner - low).astype(np.float32)
    (left, top), (right, bottom) = np.moveaxis(low, 2, 0), np.moveaxis(high, 2, 0)
    across, down = share[..., :1], share[..., 1:]
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return upper * (1 - down) + lower * down

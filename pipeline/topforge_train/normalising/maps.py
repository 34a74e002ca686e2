"""The pictures that upstream trainers write, as arrays."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from topforge_train.export.asset import Floats


def picture(path: Path) -> Floats:
    """An 8-bit picture [H, W, 3 or 4] in 0 to 1."""
    pixels = imageio.imread(path)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    return (pixels / np.float32(255.0)).astype(np.float32)


def normals(pixels: Floats) -> Floats:
    """The unit vectors [H, W, 3] of a normal map, n = 2 rgb - 1; flat where nothing is left of one."""
    stored = pixels[..., :3] * 2.0 - 1.0
    length = np.linalg.norm(stored, axis=-1, keepdims=True)
    flat = np.float32([0.0, 0.0, 1.0])
    return np.where(length > 1e-3, stored / np.maximum(length, 1e-3), flat).astype(np.float32)

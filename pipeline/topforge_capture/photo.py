"""What the checks need to know about one image, taken while it is decoded once."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Tuple

import numpy as np

from topforge_capture.capture import View
from topforge_capture.images import coverage_if_any, linear_to_srgb, load_pixels, to_linear, to_unit

MASK_SIZE = 512
"""Longest side, in pixels, of the masks that are kept for the hull."""
THUMBNAIL_SIZE = 192
FULL = 0.995
"""A mask that covers more of its image leaves nothing out."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of linear Rec. 709 / sRGB primaries."""


@dataclasses.dataclass(frozen=True, eq=False)
class Photo:
    """Facts about one image."""

    view: View
    split: str
    digest: str
    """SHA-1 of the decoded pixels."""
    masked: bool
    """Whether anything says which pixels are the object; without it, all of them count."""
    mask: np.ndarray
    """[h, w] bool: coverage above one half anywhere in each block of `pool` x `pool` pixels."""
    pool: int
    covered: float
    """Fraction of pixels with coverage above one half."""
    border: Tuple[str, ...]
    """Sides of the image that the object touches."""
    exposure: float
    """log2 of the mean linear luminance on the object; NaN without object."""
    sharpness: float
    """Mean absolute Laplacian over mean luminance on the object's inside; NaN when that is too small to tell."""
    edge_colour: Tuple[float, float, int]
    """How premultiplied the edge looks; see `edge_statistics`."""
    thumbnail: np.ndarray
    """[h, w, 4] uint8, sRGB, straight alpha."""

    @property
    def carves(self) -> bool:
        """Whether its mask tells an object from what is around it."""
        return self.masked and bool(self.mask.any()) and self.covered <= FULL


def examine(view: View, split: str) -> Photo:
    """Decodes a view's image and mask and takes their facts.

    Raises:
        CaptureError: `missing-image`, `unreadable-image` or `wrong-size`.
    """
    pixels = load_pixels(view.image)
    given = coverage_if_any(view, pixels)
    alpha = np.ones(pixels.shape[:2], np.float32) if given is None else given
    linear = to_linear(pixels[..., :3])
    solid = alpha > 0.5
    luminance = linear @ LUMINANCE
    pool = -(-max(solid.shape) // MASK_SIZE)
    mean = float(luminance[solid].mean()) if solid.any() else 0.0
    stored = linear if pixels.dtype.kind == "f" else to_unit(pixels[..., :3])
    return Photo(
        view=view,
        split=split,
        digest=hashlib.sha1(np.ascontiguousarray(pixels).data).hexdigest(),
        masked=given is not None,
        mask=pool_any(solid, pool),
        pool=pool,
        covered=float(solid.mean()),
        border=_touched_sides(solid),
        exposure=float(np.log2(mean)) if mean > 0 else float("nan"),
        sharpness=_sharpness(luminance, solid),
        edge_colour=edge_statistics(stored, alpha) if view.mask is None else (1.0, 0.0, 0),
        thumbnail=_thumbnail(linear, alpha),
    )


def pool_any(mask: np.ndarray, size: int) -> np.ndarray:
    """A bool mask [H, W] reduced by blocks of `size`: true where any pixel of the block is."""
    if size == 1:
        return mask
    height, width = (-(-n // size) for n in mask.shape)
    padded = np.zeros((height * size, width * size), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return np.asarray(padded.reshape(height, size, width, size).any(axis=(1, 3)))


def edge_statistics(stored: np.ndarray, alpha: np.ndarray) -> Tuple[float, float, int]:
    """Compares half-transparent pixels with solid neighbours, in the stored numbers.

    With straight alpha both have the same colour, with premultiplied alpha the former is alpha times the latter, and
    never above alpha.

    Args:
        stored: [H, W, 3] in [0, 1], as stored in the file (sRGB numbers for integer files).
        alpha: [H, W] in [0, 1].

    Returns:
        Brightness of the former over that of the latter, averaged; fraction of the former whose largest channel is
        not above alpha; number of pixels that could be compared.
    """
    value = stored.max(axis=2)
    soft = (alpha > 0.1) & (alpha < 0.6)
    soft[[0, -1]] = soft[:, [0, -1]] = False
    rows, columns = np.nonzero(soft)
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for down in (-2, -1, 0, 1, 2):
        for right in (-2, -1, 0, 1, 2):
            near = (np.clip(rows + down, 0, alpha.shape[0] - 1), np.clip(columns + right, 0, alpha.shape[1] - 1))
            solid = alpha[near] > 0.98
            total += np.where(solid, value[near], 0.0)
            count += solid
    usable = (count > 0) & (total > 0.1 * count)
    if not usable.any():
        return 1.0, 0.0, 0
    edge, inside = value[rows[usable], columns[usable]], total[usable] / count[usable]
    below = edge <= alpha[rows[usable], columns[usable]] + 1.5 / 255
    return float(np.mean(edge / inside)), float(below.mean()), int(usable.sum())


def _touched_sides(solid: np.ndarray) -> Tuple[str, ...]:
    sides = {"top": solid[0], "bottom": solid[-1], "left": solid[:, 0], "right": solid[:, -1]}
    return tuple(name for name, line in sides.items() if line.any())


def _sharpness(luminance: np.ndarray, solid: np.ndarray) -> float:
    inside = solid[1:-1, 1:-1] & solid[:-2, 1:-1] & solid[2:, 1:-1] & solid[1:-1, :-2] & solid[1:-1, 2:]
    if inside.sum() < 64:
        return float("nan")
    middle = luminance[1:-1, 1:-1]
    around = luminance[:-2, 1:-1] + luminance[2:, 1:-1] + luminance[1:-1, :-2] + luminance[1:-1, 2:]
    return float(np.abs(around - 4 * middle)[inside].mean() / max(float(middle[inside].mean()), 1e-6))


def _thumbnail(linear: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Box-filtered to at most THUMBNAIL_SIZE, colours weighted by alpha."""
    step = max(1, -(-max(alpha.shape) // THUMBNAIL_SIZE))
    height, width = (n // step for n in alpha.shape)
    weighted = np.concatenate([linear * alpha[..., None], alpha[..., None]], axis=2)[: height * step, : width * step]
    small = weighted.reshape(height, step, width, step, 4).mean(axis=(1, 3))
    colour = linear_to_srgb(small[..., :3] / np.maximum(small[..., 3:], 1e-6))
    return np.round(255 * np.concatenate([colour, small[..., 3:]], axis=2)).astype(np.uint8)

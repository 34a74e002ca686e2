"""Antialiased drawing with Pillow: everything is drawn larger and reduced at the end."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Iterable, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = Tuple[int, ...]

SCALE = 3
PAPER, INK, FAINT = (250, 250, 248), (45, 48, 54), (140, 145, 152)
COLOURS = {"fine": (54, 112, 171), "note": (54, 112, 171), "warning": (214, 132, 0), "error": (206, 34, 43)}
"""By severity."""


class Canvas:
    """A picture in final pixels, (0, 0) at the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), PAPER)
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def line(self, points: Iterable[Sequence[float]], colour: Colour, width: float = 1.0) -> None:
        """A polyline through points (x, y)."""
        scaled = [(float(x) * SCALE, float(y) * SCALE) for x, y in points]
        self.draw.line(scaled, fill=colour, width=max(1, round(width * SCALE)), joint="curve")

    def polygon(self, points: Iterable[Sequence[float]], fill: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon([(float(x) * SCALE, float(y) * SCALE) for x, y in points], fill=fill)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.draw.ellipse([(v + s * radius) * SCALE for s in (-1, 1) for v in (x, y)], fill=colour)

    def text(self, x: float, y: float, words: str, size: float = 14, colour: Colour = INK, anchor: str = "lm") -> None:
        """Text; `anchor` as in Pillow (l/m/r, then t/m/b), with a halo in the colour of the paper."""
        font = _font(size * SCALE)
        at = (x * SCALE, y * SCALE)
        self.draw.text(at, words, fill=colour, font=font, anchor=anchor, stroke_width=SCALE, stroke_fill=PAPER)

    def paste(self, x: float, y: float, pixels: np.ndarray, density: float = 1.0) -> None:
        """Composites [h, w, 4] uint8 (straight alpha), `density` of its pixels to a final one, top left at (x, y)."""
        size = (round(pixels.shape[1] * SCALE / density), round(pixels.shape[0] * SCALE / density))
        picture = Image.fromarray(pixels).resize(
            size, Image.Resampling.BICUBIC if density > 1 else Image.Resampling.BOX
        )
        self.image.paste(picture, (round(x * SCALE), round(y * SCALE)), picture)

    def save(self, path: Path) -> None:
        """Reduces and writes a PNG, under a temporary name first."""
        temporary = path.with_name(".tmp-%d-%s" % (os.getpid(), path.name))
        small = self.image.resize((self.width, self.height), Image.Resampling.BOX)
        small.save(temporary, format="PNG")
        temporary.replace(path)


@functools.lru_cache(maxsize=None)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own scalable font (Aileron, in the public domain)."""
    return ImageFont.load_default(size)

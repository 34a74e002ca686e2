"""How a lens departs from a pinhole: the polynomial, rational and fisheye models of OpenCV.

Coordinates here are those of OpenCV: x / depth to the right and y / depth downwards, before focal length and principal
point. Every model maps where a pinhole would see a point to where the lens shows it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Dict, Sequence, Tuple

import numpy as np

POLYNOMIAL, RATIONAL, FISHEYE = "polynomial", "rational", "fisheye"
"""Radius times 1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8; (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6);
angle times 1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8, a being the angle to the optical axis. The first two have p1, p2."""
LENGTHS = {POLYNOMIAL: 4, RATIONAL: 6, FISHEYE: 4}
NEGLIGIBLE = 1e-9
"""A coefficient not larger than this is none."""
WIDEST = 20.0
"""Tangent of the largest angle to the optical axis that is looked at where an end of a model is searched for."""
FILM_DIAGONAL = 43.27
"""Millimetres: focal lengths "of 35 mm film" are those that show the same diagonal on 36 x 24 mm."""


def focal_of(millimetres: float, width: int, height: int) -> float:
    """The focal length in pixels of a picture, from that on 35 mm film."""
    return millimetres * math.hypot(width, height) / FILM_DIAGONAL


@dataclasses.dataclass(frozen=True)
class Distortion:
    """The coefficients of one lens; without any it is a pinhole."""

    model: str = POLYNOMIAL
    k: Tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    """k1, k2, ...: as many as `LENGTHS` says."""
    p: Tuple[float, float] = (0.0, 0.0)
    """p1, p2 in the order of OpenCV: x gains 2 p1 x y + p2 (r^2 + 2 x^2), y gains p1 (r^2 + 2 y^2) + 2 p2 x y."""

    @classmethod
    def of(cls, model: str, k: Sequence[float], p: Sequence[float] = (0.0, 0.0)) -> Distortion:
        """Fills up with zeros; a rational model without denominator becomes the polynomial that it is."""
        if model == RATIONAL and all(abs(value) <= NEGLIGIBLE for value in k[3:]):
            model, k = POLYNOMIAL, k[:3]
        filled = [float(value) for value in k] + [0.0] * (LENGTHS[model] - len(k))
        return cls(model, tuple(filled), (float(p[0]), float(p[1])))

    @property
    def kind(self) -> str:
        """What a format must be able to hold: "none", "polynomial", "polynomial-k4", "rational" or "fisheye"."""
        if self.model != POLYNOMIAL:
            return self.model
        if all(abs(value) <= NEGLIGIBLE for value in self.k + self.p):
            return "none"
        return POLYNOMIAL if abs(self.k[3]) <= NEGLIGIBLE else "polynomial-k4"

    @property
    def named(self) -> Dict[str, float]:
        """The coefficients that are not 0, by name."""
        names = ["k%d" % (index + 1) for index in range(len(self.k))] + ["p1", "p2"]
        return {name: value for name, value in zip(names, self.k + self.p) if abs(value) > NEGLIGIBLE}

    def __str__(self) -> str:
        """For messages: "fisheye k1 0.01, k2 -0.002"."""
        words = ", ".join("%s %.4g" % pair for pair in self.named.items())
        return " ".join(word for word in (self.model if self.model != POLYNOMIAL else "", words) if word) or "none"

    def apply(self, x: np.ndarray, y: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Where the lens shows what a pinhole would see at (x, y): arrays of one shape, returned in that shape."""
        square = x * x + y * y
        if self.model == FISHEYE:
            radius = np.sqrt(square)
            angle = np.arctan(radius)
            scale = np.where(radius > 1e-12, self._angle(angle) / np.maximum(radius, 1e-12), 1.0)
            return x * scale, y * scale
        scale = self._scale(square)
        p1, p2 = self.p
        return (
            x * scale + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * scale + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        )

    def reach(self) -> float:
        """The largest radius r of a pinhole's picture up to which the lens shows farther points farther out.

        Beyond, a polynomial turns back and would show what was never photographed.
        """
        radius = np.linspace(0.0, WIDEST, 20001)[1:]
        shown = self._angle(np.arctan(radius)) if self.model == FISHEYE else radius * self._scale(radius * radius)
        back = np.flatnonzero(np.diff(shown, prepend=0.0) <= 0)
        return float(radius[back[0] - 1]) if len(back) else np.inf

    def _scale(self, square: np.ndarray) -> np.ndarray:
        if self.model == RATIONAL:
            return _series(self.k[:3], square) / _series(self.k[3:], square)
        return _series(self.k, square)

    def _angle(self, angle: np.ndarray) -> np.ndarray:
        return angle * _series(self.k, angle * angle)


def _series(coefficients: Sequence[float], square: np.ndarray) -> np.ndarray:
    """1 + c1 s + c2 s^2 + ..."""
    total = np.zeros_like(square)
    for coefficient in reversed(coefficients):
        total = (total + coefficient) * square
    return 1.0 + total


PINHOLE = Distortion()

"""How sharp a picture is, as one number: the variance of its Laplacian (Pech-Pacheco et al., ICPR 2000).

It grows with the scene's own detail, so numbers are only compared between pictures of much the same thing: the frames
of a moment, or each picture with its neighbours in a video.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

SIDE = 640
"""Pixels of the longer side at which sharpness is measured: finer than this is noise rather than focus."""
_NEIGHBOURS = 7
"""Pictures to either side that a picture is compared with."""


def of(grey: np.ndarray) -> float:
    """Sharpness of a grey picture [h, w] in [0, 255]."""
    g = grey.astype(np.float32)
    laplacian = g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4.0 * g[1:-1, 1:-1]
    return float(laplacian.var()) if laplacian.size else 0.0


def relative(values: Sequence[float]) -> np.ndarray:
    """Each value over the median of its neighbourhood in the sequence; 1 where all are equally sharp."""
    numbers = np.asarray(values, np.float64)
    around = [numbers[max(0, i - _NEIGHBOURS) : i + _NEIGHBOURS + 1] for i in range(len(numbers))]
    return numbers / np.maximum([float(np.median(each)) for each in around], 1e-9)

"""What the exports of RealityScan (RealityCapture before) share: the lens.

Focal length and principal point are in units of the image's longer side, the former times 36 ("35 mm equivalent"); the
latter is counted from the middle, x right and y down. Distortion is Brown's polynomial with k1 to k4 and t1, t2, which
are OpenCV's p2 and p1: the application's own export "in OpenCV ordering" writes k1, k2, t2, t1. docs/convert.md says
what of this was checked with what.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from topforge_capture.capture import View
from topforge_capture.formats.base import Holds, Source, find_mask, find_photograph, label
from topforge_capture.headers import read_header
from topforge_capture.lens import POLYNOMIAL, Distortion

FILM = 36.0
"""Millimetres: the longer side of the film that focal lengths are told for."""
HOLDS = Holds(distortion=frozenset({"polynomial", "polynomial-k4"}), coverage="mask")


def read_view(
    source: Source, name: str, matrix: np.ndarray, focal: float, principal: Sequence[float], brown: Sequence[float]
) -> View:
    """A view of an export.

    Args:
        source: Where to look for the image.
        name: Of the image, with or without ending.
        matrix: [4, 4] camera to world, OpenGL axes, TopForge's world.
        focal: 35 mm equivalent.
        principal: Principal point from the image's middle, x right and y down, in units of its longer side.
        brown: k1, k2, k3, k4, t1, t2.
    """
    image = find_photograph(source, name)
    header = read_header(image)
    longer = max(header.width, header.height)
    return View(
        name=label(name) if name.lower().endswith(image.suffix.lower()) else Path(name).name,
        image=image,
        mask=find_mask(source.folder / "masks", image.name),
        camera_to_world=matrix,
        fov_y=2.0 * math.atan(0.5 * header.height / (focal / FILM * longer)),
        width=header.width,
        height=header.height,
        principal_offset=(principal[0] * longer, principal[1] * longer),
        distortion=Distortion.of(POLYNOMIAL, brown[:4], (brown[5], brown[4])),
    )


def lens(view: View) -> Tuple[float, List[float], List[float]]:
    """35 mm equivalent focal length, principal point and k1, k2, k3, k4, t1, t2 of a view."""
    longer = max(view.width, view.height)
    p1, p2 = view.distortion.p
    principal = [offset / longer for offset in view.principal_offset]
    return view.focal / longer * FILM, principal, [*view.distortion.k, p2, p1]


def numbers_of(values: Dict[str, Any], names: Sequence[str]) -> List[float]:
    """Finite numbers by name; missing ones are 0.

    Raises:
        ValueError: Something that is no finite number.
    """
    numbers = [float(values.get(name) or 0.0) for name in names]
    if not np.isfinite(numbers).all():
        raise ValueError("%s are not all finite" % ", ".join(names))
    return numbers

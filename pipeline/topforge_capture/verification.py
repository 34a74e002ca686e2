"""Reads back what a conversion wrote, and compares where its views place points."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np

from topforge.errors import FailureClass, TopForgeError
from topforge_capture import formats
from topforge_capture.capture import Capture, CaptureError, Dataset, View
from topforge_capture.formats.base import Format

TOLERANCE = 0.01
"""Pixels."""


class NotTheSameError(TopForgeError):
    """What was written does not read back as what was meant."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, form: str, view: str, pixels: float) -> None:
        super().__init__(
            "%s reads back from %s with points %.3g pixels away from where they should be." % (view, form, pixels),
            "Choose another format, and report this with the capture's pose file: it is a defect.",
        )


def verify(dataset: Dataset, form: Format, folder: Path) -> Optional[float]:
    """Reads a written capture back and returns how far its views place points from where they should, in pixels.

    Returns:
        None where this Python cannot read the format (USD).

    Raises:
        NotTheSameError: More than `TOLERANCE`.
    """
    file = form.find(folder)
    assert file is not None
    source = formats.Source(file, folder)
    problems: List[CaptureError] = []
    try:
        captures = [form.read(source, split, problems.append) for split in form.splits(source)]
    except CaptureError as error:
        if error.code == "no-usd":
            return None
        raise
    if problems:
        raise problems[0]
    worst = 0.0
    pairs = _pairs(dataset, captures)
    for view, back in pairs:
        pixels = _distance(view, back, captures[0].file_to_world @ form.world_to_file)
        if not pixels <= TOLERANCE:
            raise NotTheSameError(form.name, view.name, pixels)
        worst = max(worst, pixels)
    return worst


def _pairs(dataset: Dataset, captures: List[Capture]) -> List[Tuple[View, View]]:
    """Views and what was read of them, by their images."""
    found = {_path(view): view for capture in captures for view in capture.views}
    missing = [view for view in dataset.views if _path(view) not in found]
    if missing or len(found) != len(dataset.views):
        raise NotTheSameError(captures[0].format, (missing or list(dataset.views))[0].name, float("inf"))
    return [(view, found[_path(view)]) for view in dataset.views]


def _path(view: View) -> str:
    """Without `..`, which files that name images elsewhere have; links are not followed."""
    return os.path.normpath(view.image.absolute())


def _distance(view: View, back: View, change: np.ndarray) -> float:
    """Between where two views place points that lie before the first; `change` is from its world to the other's."""
    depth = max(float(np.linalg.norm(view.position)), 1.0)
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 5), np.linspace(-0.3, 0.3, 5))
    local = np.stack([x.ravel(), y.ravel(), -np.ones(x.size), np.full(x.size, 1.0 / depth)], axis=1) * depth
    points = local @ view.camera_to_world.T
    moved = points @ change.T
    return float(np.abs(view.project(points[:, :3])[0] - back.project(moved[:, :3])[0]).max())

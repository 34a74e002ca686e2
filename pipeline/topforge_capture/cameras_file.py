"""cameras.json, which says of a result or a capture where its photographs were taken. The one place that writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from topforge import atomic

NAME = "cameras.json"
CONVENTION = "OpenGL camera axes, y-up world, column vectors"


def entry(
    name: str,
    image: str,
    camera_to_world: np.ndarray,
    size: Tuple[int, int],
    fov_y: float,
    principal_offset: Tuple[float, float],
    planes: Tuple[float, float],
    more: Optional[Mapping[str, str]] = None,
) -> Dict[str, Any]:
    """One camera.

    Args:
        name: What people see.
        image: The photograph, relative to the capture's folder, so that the file is the same wherever that lies.
        camera_to_world: [4, 4], OpenGL camera axes, y up.
        size: Width and height of the photograph, pixels.
        fov_y: Radians.
        principal_offset: Principal point minus image centre, pixels, x right and y down.
        planes: Near and far.
        more: What a capture says beyond that: mask, split.
    """
    return {
        "name": name,
        "image": image,
        **(more or {}),
        "camera_to_world": camera_to_world.tolist(),
        "fov_y": fov_y,
        "principal_offset": list(principal_offset),
        "width": size[0],
        "height": size[1],
        "near": planes[0],
        "far": planes[1],
    }


def write(path: Path, cameras: Sequence[Mapping[str, Any]], bound: Optional[Sequence[Sequence[float]]]) -> None:
    """The file; `bound` is the lower and the upper corner of the training box in world units, None if nobody says."""
    atomic.write_json(path, {"convention": CONVENTION, "bound": bound, "cameras": cameras})

"""What a capture is, whatever file format it came from: posed images in TopForge's world (docs/conventions.md)."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from topforge.errors import TopForgeError


class CaptureError(TopForgeError):
    """A capture cannot be read as it is.

    Args:
        code: Short stable name of the problem ("missing-image"), the same that the check's findings carry.
        reason: What is wrong, naming file, key and value.
        fix: What to do about it.
        files: The files concerned.
    """

    def __init__(self, code: str, reason: str, fix: str, files: Tuple[Path, ...] = ()) -> None:
        super().__init__(reason, fix)
        self.code = code
        self.files = files


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One posed image. World: right-handed, y up. Camera: OpenGL (x right, y up, looks along -z)."""

    name: str
    """Short, unique within the split: the image's file name without its ending."""
    image: Path
    mask: Optional[Path]
    """Separate mask whose first channel is coverage; None = coverage is the image's alpha channel."""
    camera_to_world: np.ndarray
    """[4, 4] float64; the last row is 0 0 0 1."""
    fov_y: float
    """Vertical field of view, radians, in (0, pi). Pixels are square."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    near: float = 0.1
    """Distance of the near plane, world units, > 0."""
    far: float = 1000.0
    """Distance of the far plane, world units, > near."""
    principal_offset: Tuple[float, float] = (0.0, 0.0)
    """Principal point minus image centre, pixels, x right and y down."""

    @property
    def focal(self) -> float:
        """Focal length in pixels, the same in both directions."""
        return 0.5 * self.height / math.tan(0.5 * self.fov_y)

    @property
    def position(self) -> np.ndarray:
        """Camera centre [3] float64 in the world."""
        return self.camera_to_world[:3, 3]

    @property
    def forward(self) -> np.ndarray:
        """Viewing direction [3] float64 in the world, unit length if the rotation is one."""
        return -self.camera_to_world[:3, 2]


@dataclasses.dataclass(frozen=True, eq=False)
class Capture:
    """The views of one split of a dataset, in file order."""

    folder: Path
    split: str
    """"train", "val" or "test"."""
    format: str
    """"nerf-synthetic", "llff" or "colmap"."""
    views: Tuple[View, ...]
    world: str
    """One sentence: how the file's world became TopForge's."""
    file_to_world: np.ndarray
    """[4, 4] float64: the same as a matrix."""
    origin: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(3))
    """[3] float64: the point of the file's world (its axes already TopForge's) that became the origin. Add it to a
    result to return to the capture's own frame."""

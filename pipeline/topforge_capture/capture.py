"""What a capture is, whatever file format it came from: posed images in TopForge's world (docs/conventions.md)."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Callable, Optional, Tuple

import numpy as np

from topforge.errors import TopForgeError
from topforge_capture.lens import PINHOLE, Distortion

NEAR, FAR = 0.1, 1000.0
"""Clipping planes where a capture says nothing."""
SQUARE = 0.005
"""Pixels whose sides differ by no more than this share count as square."""


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
    """One posed image. World: right-handed, y up. Camera: OpenGL (x right, y up, looks along -z).

    What is trained on is a pinhole with square pixels: `topforge_capture.read` refuses any other lens, which only
    conversion (`topforge_capture.convert`) carries.
    """

    name: str
    """Short, unique within the split: the image's file name without its ending."""
    image: Path
    mask: Optional[Path]
    """Separate mask whose first channel is coverage; None = coverage is the image's alpha channel."""
    camera_to_world: np.ndarray
    """[4, 4] float64; the last row is 0 0 0 1."""
    fov_y: float
    """Vertical field of view before distortion, radians, in (0, pi)."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    near: float = NEAR
    """Distance of the near plane, world units, > 0."""
    far: float = FAR
    """Distance of the far plane, world units, > near."""
    principal_offset: Tuple[float, float] = (0.0, 0.0)
    """Principal point minus image centre, pixels, x right and y down."""
    stretch: float = 1.0
    """Horizontal focal length over the vertical one, in pixels: 1 where pixels are square."""
    skew: float = 0.0
    """Pixels that a point moves right for each vertical focal length downwards; 0 where rows and columns are square."""
    distortion: Distortion = PINHOLE

    @property
    def focal(self) -> float:
        """Vertical focal length in pixels; the horizontal one as well where pixels are square."""
        return 0.5 * self.height / math.tan(0.5 * self.fov_y)

    @property
    def intrinsics(self) -> Tuple[float, float, float, float]:
        """fx, fy, cx, cy in pixels; the principal point is counted from the left and the top edge."""
        x, y = self.principal_offset
        return self.focal * self.stretch, self.focal, 0.5 * self.width + x, 0.5 * self.height + y

    @property
    def is_square(self) -> bool:
        """Whether pixels are square, or nearly."""
        return abs(self.stretch - 1.0) <= SQUARE and abs(self.skew) <= SQUARE * self.focal

    @property
    def has_planes(self) -> bool:
        """Whether the capture says where near and far planes are."""
        return (self.near, self.far) != (NEAR, FAR)

    @property
    def position(self) -> np.ndarray:
        """Camera centre [3] float64 in the world."""
        return self.camera_to_world[:3, 3]

    @property
    def forward(self) -> np.ndarray:
        """Viewing direction [3] float64 in the world, unit length if the rotation is one."""
        return -self.camera_to_world[:3, 2]

    def project(self, points: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Pixels [P, 2] (column, row; the first pixel's middle is (0.5, 0.5)) and depths [P] of world points [P, 3]."""
        local = (points - self.position) @ np.linalg.inv(self.camera_to_world[:3, :3]).T
        depth = -local[:, 2]
        safe = np.where(np.abs(depth) < 1e-12, 1e-12, depth)
        return self.place(local[:, 0] / safe, -local[:, 1] / safe), depth

    def place(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Pixels [..., 2] of points at x / depth to the right and y / depth downwards of the optical axis."""
        fx, fy, cx, cy = self.intrinsics
        x, y = self.distortion.apply(x, y)
        return np.stack([cx + fx * x + self.skew * y, cy + fy * y], axis=-1)


@dataclasses.dataclass(frozen=True, eq=False)
class Capture:
    """The views of one split of a dataset, in file order."""

    folder: Path
    split: str
    """"train", "val" or "test"."""
    format: str
    """A name of `formats.NAMES`."""
    views: Tuple[View, ...]
    world: str
    """One sentence: how the file's world became TopForge's."""
    file_to_world: np.ndarray
    """[4, 4] float64: the same as a matrix."""

    @property
    def origin(self) -> np.ndarray:
        """The point of the file's world, its axes already TopForge's, that became the origin: [3] float64.

        Add it to a result to return to the capture's own frame.
        """
        return 0.0 - self.file_to_world[:3, 3]  # not -x: no negative zeros


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    """A sparse cloud."""

    positions: np.ndarray
    """[N, 3] float64."""
    colours: np.ndarray
    """[N, 3] uint8, sRGB."""

    def moved(self, matrix: np.ndarray) -> Points:
        """Under an affine [4, 4]."""
        return Points(self.positions @ matrix[:3, :3].T + matrix[:3, 3], self.colours)


@dataclasses.dataclass(frozen=True, eq=False)
class Bound:
    """Where the object is: an axis-aligned box in TopForge's world."""

    low: np.ndarray
    """[3] float64."""
    high: np.ndarray
    """[3] float64, larger in every axis."""
    source: str
    """How it was found: "file", "given", "masks", "points" or "cameras"."""

    def moved(self, matrix: np.ndarray) -> Bound:
        """Under a shift and one positive scale, as [4, 4]."""
        scale, offset = matrix[0, 0], matrix[:3, 3]
        return Bound(scale * self.low + offset, scale * self.high + offset, self.source)


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """All splits of a capture, and what came with them."""

    captures: Tuple[Capture, ...]
    """At least one, "train" first; all in the same world."""
    points: Optional[Points] = None
    """In TopForge's world."""
    bound: Optional[Bound] = None
    """None when neither the file nor anyone else said."""

    @property
    def views(self) -> Tuple[View, ...]:
        """Of all splits."""
        return tuple(view for capture in self.captures for view in capture.views)

    def with_views(self, change: Callable[[View], View]) -> Dataset:
        """The same with every view changed."""
        captures = [
            dataclasses.replace(capture, views=tuple(change(view) for view in capture.views))
            for capture in self.captures
        ]
        return dataclasses.replace(self, captures=tuple(captures))

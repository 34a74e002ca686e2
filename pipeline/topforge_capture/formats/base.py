"""What a format is: where its files are found, how they are read and written, and what they can hold."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Callable, FrozenSet, Optional, Sequence, Tuple

import numpy as np

from topforge_capture import geometry
from topforge_capture.capture import Bound, Capture, CaptureError, Dataset, Points
from topforge_capture.headers import SUFFIXES, missing

OnProblem = Callable[[CaptureError], None]
"""Called with the failure of a single view, which is then left out. It may raise."""

Z_UP_TO_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])
"""(x, y, z) -> (x, z, -y): a z-up world into TopForge's y-up world."""
HALF_TURN = np.diag([1.0, -1.0, -1.0, 1.0])
"""Half a turn about x: a y-down world into a y-up one, and OpenCV's camera axes into OpenGL's; its own inverse."""
SPLITS = ("train", "val", "test")


@dataclasses.dataclass(frozen=True)
class Source:
    """A capture that was found."""

    file: Path
    """The file with the poses, or the folder of several."""
    folder: Path
    """The capture's folder: names of images are relative to it."""
    photographs: Optional[Path] = None
    """A folder to look for images in first."""


@dataclasses.dataclass(frozen=True)
class Holds:
    """What a format can say. Whatever it cannot is lost on the way; the report of losses is computed from this."""

    lenses: bool = True
    """A lens for each image, not one for all."""
    sizes: bool = True
    """Images of several sizes."""
    principal: bool = True
    """A principal point beside the middle of the image."""
    stretch: bool = False
    """Pixels that are not square."""
    skew: bool = False
    distortion: FrozenSet[str] = frozenset()
    """Kinds of `Distortion.kind`."""
    planes: bool = False
    """Near and far planes."""
    coverage: str = "either"
    """Where an image's coverage goes: "alpha", "mask", "either" or "none"."""
    splits: bool = False
    points: bool = False
    bound: bool = False
    """The box around the object."""
    references: bool = False
    """Images may lie anywhere: the file names their paths."""


def no_points(source: Source) -> Optional[Points]:
    """For formats without a sparse cloud."""
    return None


def no_bound(source: Source) -> Optional[Bound]:
    """For formats that do not say where the object is."""
    return None


def train_only(source: Source) -> Tuple[str, ...]:
    """For formats without splits."""
    return ("train",)


def no_others(source: Source, split: str) -> bool:
    """For formats that know no splits by other names."""
    return False


@dataclasses.dataclass(frozen=True)
class Format:
    """One format. What its functions take and return lies in TopForge's world, except for `points`."""

    name: str
    title: str
    holds: Holds
    find: Callable[[Path], Optional[Path]]
    """The file with the poses for what a person named, a folder or a file; None when it is not of this format."""
    read: Callable[[Source, str, OnProblem], Capture]
    write: Callable[[Path, Dataset], None]
    """Writes the pose files into a folder; images and masks lie where the views say."""
    world_to_file: np.ndarray = dataclasses.field(default_factory=lambda: np.eye(4))
    """[4, 4] from TopForge's world to that of a written file."""
    splits: Callable[[Source], Tuple[str, ...]] = train_only
    has_other: Callable[[Source, str], bool] = no_others
    """Whether a split by another name than the usual ones can be read: asked for, it is, but it is never found."""
    points: Callable[[Source], Optional[Points]] = no_points
    """In the file's world."""
    bound: Callable[[Source], Optional[Bound]] = no_bound
    """In TopForge's world."""
    needs_bound: bool = False
    """Cannot be written without a box around the object."""
    by_split: bool = False
    """Images go to a folder for each split instead of images/."""
    mask_by_file: bool = False
    """Masks are called after the image's whole name, its ending included."""


def find_photograph(source: Source, name: str) -> Path:
    """The image that a file calls `name`: a path, or a name with or without ending.

    Raises:
        CaptureError: `missing-image`.
    """
    relative = Path(name.replace("\\", "/"))
    inside = [source.folder / relative, source.folder / relative.name]
    inside += [source.folder / "images" / relative, source.folder / "images" / relative.name]
    first = [source.photographs / relative, source.photographs / relative.name] if source.photographs else []
    for stem in first + inside:
        found = with_ending(stem)
        if found is not None:
            return found
    raise missing(first[0] if first else source.folder / "images" / relative)


def with_ending(stem: Path) -> Optional[Path]:
    """The file itself, or with the first ending of an image format that makes it exist."""
    if stem.is_file():
        return stem
    found = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES + tuple(s.upper() for s in SUFFIXES))
    return next((path for path in found if path.is_file()), None)


def find_mask(folder: Path, name: str) -> Optional[Path]:
    """A mask of the image `name` below `folder`: called after its whole name, or with its ending replaced."""
    candidates = [folder / (name + ".png")]
    candidates += [(folder / name).with_suffix(suffix) for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), None)


def label(name: str) -> str:
    """A view's name for an image's relative path."""
    return Path(name.replace("\\", "/")).with_suffix("").as_posix().replace("/", "_").replace(":", "")


def relative_path(path: Path, folder: Path) -> str:
    """A path as a file in `folder` names it, with `/`."""
    return Path(os.path.relpath(path, folder)).as_posix()


def common_axes_point(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """The point [3] nearest to all optical axes of camera-to-world matrices with OpenGL axes."""
    return geometry.nearest_point_to_axes(
        np.array([m[:3, 3] for m in matrices]), np.array([-m[:3, 2] for m in matrices])
    )


def moved(file_to_world: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """[4, 4]: the same, then moved so that `origin` becomes the origin."""
    result = file_to_world.copy()
    result[:3, 3] -= origin
    return result


def file_in(path: Path, names: Sequence[str]) -> Optional[Path]:
    """`path` itself when it is a file of one of these names, or the first of them in the folder `path`."""
    if path.is_file():
        return path if path.name in names else None
    return next((path / name for name in names if (path / name).is_file()), None)


def bad_value(file: Path, key: str, what: str, fix: str) -> CaptureError:
    """The failure of a value: "FILE: KEY WHAT."."""
    return CaptureError("bad-value", "%s: %s %s." % (file, key, what), fix, (file,))

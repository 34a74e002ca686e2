"""A COLMAP sparse model as it lies on disk: lenses, poses and points, read from text or binary.

Written from COLMAP's published description of its output format (colmap.github.io, "Output Format"). pycolmap reads the
same files, but is 133 MB and does not run in every environment that captures are read in; the tests compare with it.
"""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List, Sequence, Tuple

import numpy as np

from topforge_capture.capture import CaptureError, Points

LENSES: Tuple[Tuple[str, int, int], ...] = (
    ("SIMPLE_PINHOLE", 1, 0),
    ("PINHOLE", 2, 0),
    ("SIMPLE_RADIAL", 1, 1),
    ("RADIAL", 1, 2),
    ("OPENCV", 2, 4),
    ("OPENCV_FISHEYE", 2, 4),
    ("FULL_OPENCV", 2, 8),
    ("FOV", 2, 1),
    ("SIMPLE_RADIAL_FISHEYE", 1, 1),
    ("RADIAL_FISHEYE", 1, 2),
    ("THIN_PRISM_FISHEYE", 2, 8),
    ("RAD_TAN_THIN_PRISM_FISHEYE", 2, 12),
    ("SIMPLE_DIVISION", 1, 1),
    ("DIVISION", 2, 1),
    ("SIMPLE_FISHEYE", 1, 0),
    ("FISHEYE", 2, 0),
    ("EUCM", 2, 2),
)
"""Name, focal lengths and distortion coefficients of each camera model, by its number in binary files. The parameters
are the focal lengths, then the principal point, then the distortion."""


@dataclasses.dataclass(frozen=True)
class Lens:
    """One calibrated camera."""

    model: str
    width: int
    height: int
    focal: Tuple[float, float]
    """Pixels, x and y."""
    principal: Tuple[float, float]
    """Pixels from the left and the top edge; the middle of the first pixel is at 0.5."""
    distortion: Tuple[float, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class PosedImage:
    """One registered image: world to camera, OpenCV axes (x right, y down, looking along +z)."""

    name: str
    """Path below the image folder."""
    rotation: np.ndarray
    """[3, 3] float64, world to camera."""
    translation: np.ndarray
    """[3] float64: the world's origin as the camera sees it."""
    lens: int
    """Number of its `Lens`."""


@dataclasses.dataclass(frozen=True)
class Model:
    """Lenses by number, and images in the order of their names."""

    lenses: Dict[int, Lens]
    images: Tuple[PosedImage, ...]


def lens_numbers(model: str) -> Tuple[int, int]:
    """How many focal lengths and distortion coefficients a camera model has."""
    return next((focals, coefficients) for name, focals, coefficients in LENSES if name == model)


def find(folder: Path) -> Path | None:
    """The folder of the first sparse model in the places where COLMAP and its undistorter leave one; None without."""
    for place in (folder / "sparse" / "0", folder / "sparse", folder / "colmap" / "sparse" / "0", folder):
        if _files(place):
            return place
    return None


def read(place: Path) -> Model:
    """Reads the model in `place`: cameras and images, .bin or .txt; points are not looked at.

    Raises:
        CaptureError: `bad-model`: a file is torn, or names a lens that does not exist.
    """
    cameras, images = _files(place)
    binary = cameras.suffix == ".bin"
    lenses = _parsed(cameras, _binary_lenses if binary else _text_lenses)
    posed = _parsed(images, _binary_images if binary else _text_images)
    for image in posed:
        if image.lens not in lenses:
            raise _bad(images, "%s names camera %d, which %s does not have" % (image.name, image.lens, cameras.name))
    if not posed:
        raise _bad(images, "it holds no registered image")
    return Model(lenses, tuple(sorted(posed, key=lambda image: image.name)))


def read_points(place: Path) -> Points | None:
    """The sparse cloud of the model in `place`; None when it has none.

    Raises:
        CaptureError: `bad-model`: the file is torn.
    """
    for suffix, parse in ((".bin", _binary_points), (".txt", _text_points)):
        file = place / ("points3D" + suffix)
        if file.is_file():
            rows = np.array(_parsed(file, parse), np.float64).reshape(-1, 6)
            return Points(rows[:, :3].copy(), rows[:, 3:].astype(np.uint8)) if len(rows) else None
    return None


def _files(place: Path) -> Tuple[Path, ...]:
    for suffix in (".bin", ".txt"):
        pair = (place / ("cameras" + suffix), place / ("images" + suffix))
        if all(file.is_file() for file in pair):
            return pair
    return ()


def _parsed(file: Path, parse: Callable[[Path], Any]) -> Any:
    try:
        return parse(file)
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise _bad(file, str(error) or type(error).__name__) from error


def _bad(file: Path, why: str) -> CaptureError:
    fix = "Export the model again (`colmap model_converter` turns either form into the other)."
    return CaptureError("bad-model", "%s cannot be used: %s." % (file, why.rstrip(".")), fix, (file,))


def _lens(model: str, width: int, height: int, numbers: Sequence[float]) -> Lens:
    focals, coefficients = lens_numbers(model)
    if len(numbers) != focals + 2 + coefficients or not np.isfinite(numbers).all():
        raise ValueError("%s has %d finite parameters, not %s" % (model, focals + 2 + coefficients, list(numbers)))
    focal = (numbers[0], numbers[focals - 1])
    return Lens(model, width, height, focal, (numbers[focals], numbers[focals + 1]), tuple(numbers[focals + 2 :]))


def _posed(name: str, quaternion: Sequence[float], translation: Sequence[float], lens: int) -> PosedImage:
    """From a quaternion (w, x, y, z), normalised here."""
    w, x, y, z = np.asarray(quaternion, np.float64) / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    if not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
        raise ValueError("the pose of %s is not finite" % name)
    return PosedImage(name, rotation, np.asarray(translation, np.float64), lens)


def _text_lenses(file: Path) -> Dict[int, Lens]:
    lenses = {}
    for line in _lines(file):
        if line:
            number, model, width, height, *numbers = line.split()
            if model not in [name for name, _, _ in LENSES]:
                raise ValueError("unknown camera model %s" % model)
            lenses[int(number)] = _lens(model, int(width), int(height), [float(n) for n in numbers])
    return lenses


def _text_images(file: Path) -> List[PosedImage]:
    """Two lines for each image; the second, its points, may be empty."""
    images = []
    lines = iter(_lines(file))
    for line in lines:
        if line:
            words = line.split(None, 9)
            images.append(
                _posed(words[9], [float(w) for w in words[1:5]], [float(w) for w in words[5:8]], int(words[8]))
            )
            next(lines, None)
    return images


def _lines(file: Path) -> List[str]:
    """Without comments; empty lines stay."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    return [line for line in lines if not line.startswith("#")]


def _binary_lenses(file: Path) -> Dict[int, Lens]:
    lenses = {}
    with file.open("rb") as stream:
        for _ in range(_take(stream, "<Q")[0]):
            number, kind, width, height = _take(stream, "<IiQQ")
            if not 0 <= kind < len(LENSES):
                raise ValueError("unknown camera model number %d" % kind)
            model, focals, coefficients = LENSES[kind]
            lenses[number] = _lens(model, width, height, _take(stream, "<%dd" % (focals + 2 + coefficients)))
    return lenses


def _binary_images(file: Path) -> List[PosedImage]:
    images = []
    with file.open("rb") as stream:
        for _ in range(_take(stream, "<Q")[0]):
            numbers = _take(stream, "<I7dI")
            name = bytearray()
            while (byte := _take(stream, "<c")[0]) != b"\0":
                name += byte
            images.append(_posed(name.decode("utf-8"), numbers[1:5], numbers[5:8], numbers[8]))
            stream.seek(24 * _take(stream, "<Q")[0], 1)  # the points it sees: x, y, number of the point
    return images


def _text_points(file: Path) -> List[List[float]]:
    """Rows of number, x, y, z, red, green, blue, error, track."""
    return [[float(word) for word in line.split()[1:7]] for line in _lines(file) if line]


def _binary_points(file: Path) -> List[Tuple[float, ...]]:
    rows = []
    with file.open("rb") as stream:
        for _ in range(_take(stream, "<Q")[0]):
            rows.append(_take(stream, "<Qddd3Bd")[1:7])
            stream.seek(8 * _take(stream, "<Q")[0], 1)  # its track: number of image, number of the image's point
    return rows


def _take(stream: BinaryIO, form: str) -> Tuple[Any, ...]:
    return struct.unpack(form, stream.read(struct.calcsize(form)))

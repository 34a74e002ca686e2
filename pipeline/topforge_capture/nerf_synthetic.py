"""Reads the NeRF-synthetic form: `transforms_<split>.json` beside the images (and `transforms.json` for one split).

Root keys, each also allowed in a frame: `camera_angle_x` (radians), or `fl_x` with optional `fl_y`, `cx`, `cy`, `w`,
`h` (pixels). Frame keys: `file_path` (with or without ending), `transform_matrix` (camera to world, OpenGL camera axes,
z-up world), optional `mask_path`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from topforge_capture.capture import Capture, CaptureError, View
from topforge_capture.headers import SUFFIXES, missing, read_header
from topforge_capture.images import wrong_size

Z_UP_TO_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])
"""(x, y, z) -> (x, z, -y): the file's z-up world into TopForge's y-up world."""

DISTORTION_KEYS = ("k1", "k2", "k3", "k4", "p1", "p2")


def transforms_file(folder: Path, split: str) -> Optional[Path]:
    """The file that holds a split, or None when there is none."""
    names = ["transforms_%s.json" % split] + (["transforms.json"] if split == "train" else [])
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read(file: Path, split: str, on_problem: Callable[[CaptureError], None]) -> Capture:
    """Reads one split.

    Args:
        file: The JSON file; image paths are relative to its folder.
        split: Name to give the result.
        on_problem: Called with the failure of a single frame, which is then left out. It may raise.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    root = _load_json(file)
    frames = root.get("frames")
    if not isinstance(frames, list) or not frames:
        raise CaptureError("no-frames", "%s has no list `frames` with content." % file, "Export it again.", (file,))
    views: List[View] = []
    for index, frame in enumerate(frames):
        try:
            views.append(_read_frame(file, "frames[%d]" % index, root, frame))
        except CaptureError as problem:
            on_problem(problem)
    world = "camera_to_world of %s, z up, turned to y up: (x, y, z) -> (x, z, -y)" % file.name
    return Capture(file.parent, split, "nerf-synthetic", tuple(views), world, Z_UP_TO_Y_UP)


def _load_json(file: Path) -> Dict[str, Any]:
    try:
        root = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CaptureError(
            "bad-json", "%s is not valid JSON: %s." % (file, error), "Export it again.", (file,)
        ) from error
    if not isinstance(root, dict):
        raise CaptureError("bad-json", "%s does not hold a JSON object." % file, "Export it again.", (file,))
    return root


def _read_frame(file: Path, where: str, root: Dict[str, Any], frame: Any) -> View:
    if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
        raise _bad_key(
            file, where + ".file_path", "is missing or not a text", "Name the frame's image, relative to this file."
        )
    values = {**root, **frame}
    image = find_image(file.parent, frame["file_path"])
    header = read_header(image)
    size = (int(values.get("w", header.width)), int(values.get("h", header.height)))
    if size != (header.width, header.height):
        raise wrong_size(image, (header.width, header.height), size, "%s (w, h)" % file.name)
    focal, offset = _intrinsics(file, where, values, size)
    return View(
        name=image.stem,
        image=image,
        mask=find_image(file.parent, frame["mask_path"]) if frame.get("mask_path") else None,
        camera_to_world=Z_UP_TO_Y_UP @ _matrix(file, where, frame.get("transform_matrix")),
        fov_y=2.0 * math.atan(0.5 * size[1] / focal),
        width=size[0],
        height=size[1],
        principal_offset=offset,
    )


def find_image(folder: Path, name: str) -> Path:
    """The file that `name` means: itself, or with the first of `SUFFIXES` that exists.

    Raises:
        CaptureError: `missing-image`.
    """
    stem = folder / name.replace("\\", "/")
    if stem.is_file():
        return stem
    found = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES + tuple(s.upper() for s in SUFFIXES)]
    for candidate in found:
        if candidate.is_file():
            return candidate
    raise missing(stem if stem.suffix.lower() in SUFFIXES else found[0])


def _matrix(file: Path, where: str, value: Any) -> np.ndarray:
    """A frame's [4, 4] float64 matrix; [3, 4] is completed."""
    key = where + ".transform_matrix"
    try:
        matrix = np.array(value, np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape == (3, 4):
        matrix = np.vstack([matrix, [0.0, 0.0, 0.0, 1.0]])
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise _bad_key(file, key, "is not 4 rows of 4 finite numbers", "Write the camera-to-world matrix, row by row.")
    if not np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-6):
        transposed = np.allclose(matrix[:, 3], [0, 0, 0, 1], atol=1e-6)
        fix = "Transpose it: the translation belongs in the last column." if transposed else "Write an affine matrix."
        raise _bad_key(file, key, "has the last row %s instead of 0 0 0 1" % matrix[3].tolist(), fix)
    return matrix


def _intrinsics(
    file: Path, where: str, values: Dict[str, Any], size: Tuple[int, int]
) -> Tuple[float, Tuple[float, float]]:
    """Focal length and principal offset in pixels, from `fl_x` or else `camera_angle_x`."""
    numbers: Dict[str, float] = {}
    for key in ("camera_angle_x", "fl_x", "fl_y", "cx", "cy", *DISTORTION_KEYS):
        if key in values:
            if not isinstance(values[key], (int, float)) or not math.isfinite(values[key]):
                raise _bad_key(file, key, "is %r in %s, not a finite number" % (values[key], where), "Write a number.")
            numbers[key] = float(values[key])
    distorted = [key for key in DISTORTION_KEYS if abs(numbers.get(key, 0.0)) > 1e-9]
    if distorted:
        key = distorted[0]
        raise _bad_key(
            file, key, "is %g: lens distortion is not supported" % numbers[key], "Undistort the images first."
        )
    offset = (numbers.get("cx", size[0] / 2) - size[0] / 2, numbers.get("cy", size[1] / 2) - size[1] / 2)
    if "fl_x" not in numbers:
        return _focal_from_angle(file, numbers.get("camera_angle_x"), size[0]), offset
    focal = numbers["fl_x"]
    if focal <= 0 or abs(numbers.get("fl_y", focal) / focal - 1) > 0.005:
        raise _bad_key(
            file,
            "fl_x",
            "is %g with fl_y %g: pixels must be square" % (focal, numbers.get("fl_y", focal)),
            "Resample the images to square pixels.",
        )
    return focal, offset


def _focal_from_angle(file: Path, angle: Optional[float], width: int) -> float:
    """Focal length in pixels from the horizontal field of view in radians."""
    if angle is None:
        raise _bad_key(
            file, "camera_angle_x", "is missing, and so is fl_x", "Write the horizontal field of view in radians."
        )
    if not 0.0 < angle < math.pi:
        fix = "Write the horizontal field of view in radians, between 0 and 3.14159."
        if math.pi <= angle < 180.0:
            fix = "It looks like degrees: write %.7g (radians)." % math.radians(angle)
        raise _bad_key(file, "camera_angle_x", "is %g, outside (0, pi)" % angle, fix)
    return 0.5 * width / math.tan(0.5 * angle)


def _bad_key(file: Path, key: str, what: str, fix: str) -> CaptureError:
    return CaptureError("bad-value", "%s: %s %s." % (file, key, what), fix, (file,))

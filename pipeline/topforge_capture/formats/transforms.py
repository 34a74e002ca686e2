"""What the JSON formats that descend from NeRF's share: frames with a matrix and a lens.

Root keys, each also allowed in a frame: `camera_angle_x` (radians), or `fl_x` with optional `fl_y`, `cx`, `cy`, `w`,
`h` (pixels), `k1` to `k4`, `p1`, `p2`, `sk_x`. Frame keys: `file_path` (with or without ending), `transform_matrix`
(camera to world, OpenGL camera axes, z-up world), optional `mask_path`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from topforge_capture.capture import CaptureError, View
from topforge_capture.formats.base import Z_UP_TO_Y_UP, OnProblem, Source, bad_value, with_ending
from topforge_capture.headers import SUFFIXES, missing, read_header
from topforge_capture.images import wrong_size
from topforge_capture.lens import FISHEYE, POLYNOMIAL, RATIONAL, Distortion

NUMBERS = ("camera_angle_x", "fl_x", "fl_y", "cx", "cy", "k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2", "sk_x", "sk_y")
MODELS = {
    "PINHOLE": POLYNOMIAL,
    "SIMPLE_PINHOLE": POLYNOMIAL,
    "SIMPLE_RADIAL": POLYNOMIAL,
    "RADIAL": POLYNOMIAL,
    "OPENCV": POLYNOMIAL,
    "FULL_OPENCV": RATIONAL,
    "OPENCV_FISHEYE": FISHEYE,
}
"""`camera_model`. Nerfstudio's k4 is the polynomial's; FULL_OPENCV's is the denominator's."""


def load(file: Path) -> Dict[str, Any]:
    """A JSON object.

    Raises:
        CaptureError: `bad-json`.
    """
    try:
        root = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = "%s is not valid JSON: %s." % (file, error)
        raise CaptureError("bad-json", reason, "Export it again.", (file,)) from error
    if not isinstance(root, dict):
        raise CaptureError("bad-json", "%s does not hold a JSON object." % file, "Export it again.", (file,))
    return root


def frames(file: Path, root: Dict[str, Any]) -> List[Any]:
    """The list `frames`, which must not be empty."""
    found = root.get("frames")
    if not isinstance(found, list) or not found:
        raise CaptureError("no-frames", "%s has no list `frames` with content." % file, "Export it again.", (file,))
    return found


def read_views(source: Source, root: Dict[str, Any], chosen: List[int], report: OnProblem) -> Tuple[View, ...]:
    """The views of some frames, by their numbers."""
    views: List[View] = []
    every = frames(source.file, root)
    for index in chosen:
        try:
            views.append(_read_frame(source, "frames[%d]" % index, root, every[index]))
        except CaptureError as problem:
            report(problem)
    return tuple(views)


def _read_frame(source: Source, where: str, root: Dict[str, Any], frame: Any) -> View:
    file = source.file
    if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
        fix = "Name the frame's image, relative to this file."
        raise bad_value(file, where + ".file_path", "is missing or not a text", fix)
    values = {**root, **frame}
    image = find_image(source, frame["file_path"])
    header = read_header(image)
    size = (int(values.get("w", header.width)), int(values.get("h", header.height)))
    if size != (header.width, header.height):
        raise wrong_size(image, (header.width, header.height), size, "%s (w, h)" % file.name)
    numbers = _numbers(file, where, values)
    fx, fy = _focal_lengths(file, numbers, size[0])
    return View(
        name=image.stem,
        image=image,
        mask=find_image(source, frame["mask_path"]) if frame.get("mask_path") else None,
        camera_to_world=Z_UP_TO_Y_UP @ matrix_of(file, where + ".transform_matrix", frame.get("transform_matrix")),
        fov_y=2.0 * math.atan(0.5 * size[1] / fy),
        width=size[0],
        height=size[1],
        principal_offset=(
            numbers.get("cx", size[0] / 2) - size[0] / 2,
            numbers.get("cy", size[1] / 2) - size[1] / 2,
        ),
        stretch=fx / fy,
        skew=numbers.get("sk_x", 0.0),
        distortion=_distortion(file, values, numbers),
    )


def find_image(source: Source, name: str) -> Path:
    """The file that `name` means, relative to the JSON file: itself, or with an ending that exists.

    Raises:
        CaptureError: `missing-image`.
    """
    plain = name.replace("\\", "/")
    stems = [source.folder / plain]
    if source.photographs:
        stems += [source.photographs / plain, source.photographs / Path(plain).name]
    found = next((path for path in map(with_ending, stems) if path is not None), None)
    if found is not None:
        return found
    stem = stems[0]
    raise missing(stem if stem.suffix.lower() in SUFFIXES else stem.with_name(stem.name + SUFFIXES[0]))


def matrix_of(file: Path, key: str, value: Any) -> np.ndarray:
    """A rigid [4, 4] float64 matrix from rows; [3, 4] is completed."""
    try:
        matrix = np.array(value, np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape == (3, 4):
        matrix = np.vstack([matrix, [0.0, 0.0, 0.0, 1.0]])
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        fix = "Write the camera-to-world matrix, row by row."
        raise bad_value(file, key, "is not 4 rows of 4 finite numbers", fix)
    if not np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-6):
        transposed = np.allclose(matrix[:, 3], [0, 0, 0, 1], atol=1e-6)
        fix = "Transpose it: the translation belongs in the last column." if transposed else "Write an affine matrix."
        raise bad_value(file, key, "has the last row %s instead of 0 0 0 1" % matrix[3].tolist(), fix)
    return matrix


def _numbers(file: Path, where: str, values: Dict[str, Any]) -> Dict[str, float]:
    numbers: Dict[str, float] = {}
    for key in NUMBERS:
        if key in values:
            if not isinstance(values[key], (int, float)) or not math.isfinite(values[key]):
                raise bad_value(file, key, "is %r in %s, not a finite number" % (values[key], where), "Write a number.")
            numbers[key] = float(values[key])
    if abs(numbers.get("sk_y", 0.0)) > 1e-9:
        raise bad_value(file, "sk_y", "is %g: only sk_x is known" % numbers["sk_y"], "Undistort the images first.")
    return numbers


def _distortion(file: Path, values: Dict[str, Any], numbers: Dict[str, float]) -> Distortion:
    name = values.get("camera_model", "OPENCV_FISHEYE" if values.get("is_fisheye") else "OPENCV")
    if name not in MODELS:
        known = "Known are %s." % ", ".join(MODELS)
        raise bad_value(file, "camera_model", "is %r, which is not known here" % (name,), known)
    k = [numbers.get("k%d" % index, 0.0) for index in range(1, 7)]
    model = RATIONAL if MODELS[name] == POLYNOMIAL and any(k[4:]) else MODELS[name]
    if model == FISHEYE and any(abs(numbers.get(key, 0.0)) > 1e-9 for key in ("p1", "p2")):
        raise bad_value(file, "p1", "is not 0 in a fisheye model, which has no such term", "Write k1 to k4 alone.")
    return Distortion.of(model, k if model == RATIONAL else k[:4], (numbers.get("p1", 0.0), numbers.get("p2", 0.0)))


def _focal_lengths(file: Path, numbers: Dict[str, float], width: int) -> Tuple[float, float]:
    """Horizontal and vertical, in pixels, from `fl_x` and `fl_y`, or else `camera_angle_x`."""
    if "fl_x" not in numbers:
        both = _focal_from_angle(file, numbers.get("camera_angle_x"), width)
        return both, both
    focal = (numbers["fl_x"], numbers.get("fl_y", numbers["fl_x"]))
    if min(focal) <= 0:
        raise bad_value(file, "fl_x", "is %g with fl_y %g: not positive" % focal, "Write focal lengths in pixels.")
    return focal


def _focal_from_angle(file: Path, angle: Optional[float], width: int) -> float:
    """Focal length in pixels from the horizontal field of view in radians."""
    if angle is None:
        fix = "Write the horizontal field of view in radians."
        raise bad_value(file, "camera_angle_x", "is missing, and so is fl_x", fix)
    if not 0.0 < angle < math.pi:
        fix = "Write the horizontal field of view in radians, between 0 and 3.14159."
        if math.pi <= angle < 180.0:
            fix = "It looks like degrees: write %.7g (radians)." % math.radians(angle)
        raise bad_value(file, "camera_angle_x", "is %g, outside (0, pi)" % angle, fix)
    return 0.5 * width / math.tan(0.5 * angle)


def matrix_to_file(view: View) -> List[List[float]]:
    """`transform_matrix` of a view."""
    return (np.linalg.inv(Z_UP_TO_Y_UP) @ view.camera_to_world).tolist()

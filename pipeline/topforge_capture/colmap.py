"""Reads a COLMAP reconstruction: a sparse model (`sparse/0`, `sparse` or beside), `images/`, and `masks/` if there are.

COLMAP's world has no up; its first camera usually stands upright with y down. So its y and z axes are negated, which
turns y up, and the point nearest to all optical axes becomes the origin. Nothing is scaled.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import numpy as np

from topforge_capture import colmap_model, geometry
from topforge_capture.capture import Capture, CaptureError, View
from topforge_capture.headers import SUFFIXES, missing, read_header
from topforge_capture.images import wrong_size

Y_DOWN_TO_Y_UP = np.diag([1.0, -1.0, -1.0, 1.0])
"""COLMAP's world, and its cameras' axes, into ours: half a turn about x."""


def read(folder: Path, place: Path, split: str, on_problem: Callable[[CaptureError], None]) -> Capture:
    """Reads all registered images: the form has no splits.

    Args:
        folder: Holds `images/`, and `masks/` where the images have no alpha: `masks/NAME.png` with the image's whole
            name (as COLMAP wants them), or with the ending replaced.
        place: The folder of the sparse model.
        split: Name to give the result.
        on_problem: Called with the failure of a single view, which is then left out. It may raise.

    Raises:
        CaptureError: The model cannot be used.
    """
    model = colmap_model.read(place)
    matrices = [camera_to_world(image) for image in model.images]
    origin = geometry.nearest_point_to_axes(
        np.array([m[:3, 3] for m in matrices]), np.array([-m[:3, 2] for m in matrices])
    )
    views: List[View] = []
    for image, matrix in zip(model.images, matrices):
        matrix[:3, 3] -= origin
        try:
            views.append(_view(folder, image.name, matrix, model.lenses[image.lens], place))
        except CaptureError as problem:
            on_problem(problem)
    world = "poses of %s, y and z negated, moved so that %s becomes the origin" % (place.name, np.round(origin, 4))
    file_to_world = Y_DOWN_TO_Y_UP.copy()
    file_to_world[:3, 3] = -origin
    return Capture(folder, split, "colmap", tuple(views), world, file_to_world, origin)


def camera_to_world(image: colmap_model.PosedImage) -> np.ndarray:
    """[4, 4] with OpenGL camera axes in the turned world, before it is moved."""
    matrix = np.eye(4)
    matrix[:3, :3] = image.rotation.T
    matrix[:3, 3] = -image.rotation.T @ image.translation
    return Y_DOWN_TO_Y_UP @ matrix @ Y_DOWN_TO_Y_UP


def _view(folder: Path, name: str, matrix: np.ndarray, lens: colmap_model.Lens, place: Path) -> View:
    image = folder / "images" / name
    if not image.is_file():
        raise missing(image)
    header = read_header(image)
    if abs(lens.width * header.height - lens.height * header.width) > max(lens.width, lens.height):
        raise wrong_size(image, (header.width, header.height), (lens.width, lens.height), "its camera")
    scale = header.height / lens.height  # the images may be smaller copies of those that were matched
    fov_y, offset = _pinhole(lens, place)
    label = Path(name).with_suffix("").as_posix().replace("/", "_")
    mask = _mask(folder / "masks", name)
    offset = (offset[0] * scale, offset[1] * scale)
    return View(label, image, mask, matrix, fov_y, header.width, header.height, principal_offset=offset)


def _mask(folder: Path, name: str) -> Optional[Path]:
    candidates = [folder / (name + ".png")]
    candidates += [(folder / name).with_suffix(suffix) for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), None)


def _pinhole(lens: colmap_model.Lens, place: Path) -> Tuple[float, Tuple[float, float]]:
    """Vertical field of view in radians and principal offset in pixels.

    Raises:
        CaptureError: `bad-value`: distortion, or pixels that are not square.
    """
    if lens.model not in colmap_model.PERSPECTIVE or any(abs(k) > 1e-9 for k in lens.distortion):
        reason = "%s: the camera model %s %s is not a pinhole." % (place, lens.model, list(lens.distortion))
        fix = "Run `colmap image_undistorter` and give its output folder."
        raise CaptureError("bad-value", reason, fix, (place,))
    if min(lens.focal) <= 0 or abs(lens.focal[1] / lens.focal[0] - 1) > 0.005:
        reason = "%s: focal lengths %g and %g: pixels must be square." % (place, *lens.focal)
        raise CaptureError("bad-value", reason, "Resample the images to square pixels.", (place,))
    offset = (lens.principal[0] - 0.5 * lens.width, lens.principal[1] - 0.5 * lens.height)
    return 2.0 * math.atan(0.5 * lens.height / lens.focal[1]), offset

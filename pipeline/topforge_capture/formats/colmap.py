"""A COLMAP reconstruction: a sparse model (`sparse/0`, `sparse` or beside), `images/`, and `masks/` if there are.

COLMAP's world has no up; its first camera usually stands upright with y down. So its y and z axes are negated, which
turns y up, and the point nearest to all optical axes becomes the origin. Nothing is scaled.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import List, Optional

import numpy as np

from topforge_capture.capture import Capture, CaptureError, Points, View
from topforge_capture.formats import colmap_model, colmap_writer
from topforge_capture.formats.base import (
    HALF_TURN,
    Format,
    Holds,
    OnProblem,
    Source,
    common_axes_point,
    find_mask,
    label,
    moved,
)
from topforge_capture.headers import missing, read_header
from topforge_capture.images import wrong_size
from topforge_capture.lens import FISHEYE, POLYNOMIAL, RATIONAL, Distortion


def find(path: Path) -> Optional[Path]:
    """The folder of the sparse model."""
    return colmap_model.find(path.parent if path.is_file() and path.stem in ("cameras", "images") else path)


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads all registered images: the form has no splits.

    Images lie in `images/`, and masks, where the images have no alpha, in `masks/NAME.png` with the image's whole name
    (as COLMAP wants them), or with the ending replaced.

    Raises:
        CaptureError: The model cannot be used.
    """
    place, source = source.file, _with_images(source)
    model = colmap_model.read(place)
    matrices = [camera_to_world(image) for image in model.images]
    origin = common_axes_point(matrices)
    views: List[View] = []
    for image, matrix in zip(model.images, matrices):
        matrix[:3, 3] -= origin
        try:
            views.append(_view(source, image.name, matrix, model.lenses[image.lens]))
        except CaptureError as problem:
            on_problem(problem)
    world = "poses of %s, y and z negated, moved so that %s becomes the origin" % (place.name, np.round(origin, 4))
    return Capture(source.folder, split, "colmap", tuple(views), world, moved(HALF_TURN, origin))


def camera_to_world(image: colmap_model.PosedImage) -> np.ndarray:
    """[4, 4] with OpenGL camera axes in the turned world, before it is moved."""
    matrix = np.eye(4)
    matrix[:3, :3] = image.rotation.T
    matrix[:3, 3] = -image.rotation.T @ image.translation
    return HALF_TURN @ matrix @ HALF_TURN


def points(source: Source) -> Optional[Points]:
    """The sparse cloud."""
    return colmap_model.read_points(source.file)


def _with_images(source: Source) -> Source:
    """The capture's folder is the one with images/, also where the sparse model in it was named."""
    for folder in (source.folder, *list(source.folder.parents)[:2]):
        if (folder / "images").is_dir():
            return dataclasses.replace(source, folder=folder)
    return source


def _view(source: Source, name: str, matrix: np.ndarray, lens: colmap_model.Lens) -> View:
    image = (source.photographs or source.folder / "images") / name
    if not image.is_file():
        raise missing(image)
    header = read_header(image)
    if abs(lens.width * header.height - lens.height * header.width) > max(lens.width, lens.height):
        raise wrong_size(image, (header.width, header.height), (lens.width, lens.height), "its camera")
    if min(lens.focal) <= 0:
        reason = "%s: focal lengths %g and %g are not positive." % (source.file, *lens.focal)
        raise CaptureError("bad-value", reason, "Reconstruct the cameras again.", (source.file,))
    scale = header.height / lens.height  # the images may be smaller copies of those that were matched
    offset = (lens.principal[0] - 0.5 * lens.width, lens.principal[1] - 0.5 * lens.height)
    return View(
        name=label(name),
        image=image,
        mask=find_mask(source.folder / "masks", name),
        camera_to_world=matrix,
        fov_y=2.0 * math.atan(0.5 * lens.height / lens.focal[1]),
        width=header.width,
        height=header.height,
        principal_offset=(offset[0] * scale, offset[1] * scale),
        stretch=lens.focal[0] / lens.focal[1],
        distortion=_distortion(lens, source.file),
    )


def _distortion(lens: colmap_model.Lens, place: Path) -> Distortion:
    """From the parameters of COLMAP's camera models.

    Raises:
        CaptureError: `bad-value`: a model that is not one of OpenCV's.
    """
    k = lens.distortion
    if lens.model in ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL"):
        return Distortion.of(POLYNOMIAL, k)
    if lens.model == "OPENCV":
        return Distortion.of(POLYNOMIAL, k[:2], k[2:])
    if lens.model == "FULL_OPENCV":
        return Distortion.of(RATIONAL, (*k[:2], *k[4:]), k[2:4])
    if lens.model in ("OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE", "SIMPLE_FISHEYE", "FISHEYE"):
        return Distortion.of(FISHEYE, k)
    reason = "%s: the camera model %s %s is not supported." % (place, lens.model, list(k))
    raise CaptureError("bad-value", reason, "Run `colmap image_undistorter` and give its output folder.", (place,))


HOLDS = Holds(
    stretch=True,
    distortion=frozenset({"polynomial", "rational", "fisheye"}),
    coverage="mask",
    points=True,
)
FORMAT = Format(
    name="colmap",
    title="COLMAP: sparse/0/*.bin, images/, masks/",
    holds=HOLDS,
    find=find,
    read=read,
    write=colmap_writer.write_binary,
    world_to_file=HALF_TURN,
    points=points,
    mask_by_file=True,
)
TEXT = dataclasses.replace(
    FORMAT, name="colmap-text", title="COLMAP: sparse/0/*.txt, images/, masks/", write=colmap_writer.write_text
)

"""Writes a COLMAP sparse model, text or binary, as its page "Output Format" lays it down."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np

from topforge import atomic
from topforge_capture.capture import Dataset, Points, View
from topforge_capture.formats import colmap_model
from topforge_capture.formats.base import HALF_TURN
from topforge_capture.lens import FISHEYE, RATIONAL

Lens = Tuple[str, int, int, Tuple[float, ...]]
"""Model, width, height, parameters in COLMAP's order."""
Posed = Tuple[np.ndarray, np.ndarray, int, str]
"""Quaternion (w, x, y, z), translation, number of the lens, name."""
ERROR = 0.0
"""Reprojection error of points: not known here."""


def lens_of(view: View) -> Lens:
    """The simplest of COLMAP's camera models that says all."""
    fx, fy, cx, cy = view.intrinsics
    distortion, base = view.distortion, (fx, fy, cx, cy)
    k, p = distortion.k, distortion.p
    if distortion.kind == "none":
        return "PINHOLE", view.width, view.height, base
    if distortion.model == FISHEYE:
        return "OPENCV_FISHEYE", view.width, view.height, (*base, *k)
    if distortion.model == RATIONAL:
        return "FULL_OPENCV", view.width, view.height, (*base, *k[:2], *p, *k[2:])
    if k[2] == 0:
        return "OPENCV", view.width, view.height, (*base, *k[:2], *p)
    return "FULL_OPENCV", view.width, view.height, (*base, *k[:2], *p, k[2], 0.0, 0.0, 0.0)


def _model(dataset: Dataset) -> Tuple[List[Lens], List[Posed], Points]:
    """Lenses and images counted from 1; views with the same lens share it."""
    numbers: Dict[Lens, int] = {}
    posed: List[Posed] = []
    for view in dataset.views:
        number = numbers.setdefault(lens_of(view), len(numbers) + 1)
        world_to_camera = np.linalg.inv(HALF_TURN @ view.camera_to_world @ HALF_TURN)
        posed.append((quaternion(world_to_camera[:3, :3]), world_to_camera[:3, 3], number, view.image.name))
    cloud = dataset.points or Points(np.zeros((0, 3)), np.zeros((0, 3), np.uint8))
    return list(numbers), posed, cloud.moved(HALF_TURN)


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """(w, x, y, z) of a rotation, w >= 0: from the largest of the four, which divides the others safely."""
    r = rotation
    squares = np.array([np.trace(r), r[0, 0], r[1, 1], r[2, 2]])
    largest = int(np.argmax(squares))
    rows = np.array(
        [
            [1 + np.trace(r), r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], 1 + r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
            [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], 1 - r[0, 0] + r[1, 1] - r[2, 2], r[1, 2] + r[2, 1]],
            [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], 1 - r[0, 0] - r[1, 1] + r[2, 2]],
        ]
    )
    result = rows[largest] / np.linalg.norm(rows[largest])
    return result if result[0] >= 0 else -result


def write_text(folder: Path, dataset: Dataset) -> None:
    """cameras.txt, images.txt and points3D.txt in sparse/0."""
    lenses, posed, cloud = _model(dataset)
    place = _place(folder)
    lines = ["# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]"]
    lines += ["%d %s %d %d %s" % (n, m, w, h, _words(numbers)) for n, (m, w, h, numbers) in enumerate(lenses, 1)]
    atomic.write_text(place / "cameras.txt", "\n".join(lines) + "\n")
    lines = ["# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME", "# POINTS2D[] as (X, Y, POINT3D_ID)"]
    for number, (rotation, translation, lens, name) in enumerate(posed, 1):
        lines += ["%d %s %s %d %s" % (number, _words(rotation), _words(translation), lens, name), ""]
    atomic.write_text(place / "images.txt", "\n".join(lines) + "\n")
    lines = ["# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[] as (IMAGE_ID, POINT2D_IDX)"]
    for number, (position, colour) in enumerate(zip(cloud.positions, cloud.colours), 1):
        lines.append("%d %s %d %d %d %g" % (number, _words(position), *colour, ERROR))
    atomic.write_text(place / "points3D.txt", "\n".join(lines) + "\n")


def write_binary(folder: Path, dataset: Dataset) -> None:
    """cameras.bin, images.bin and points3D.bin in sparse/0."""
    lenses, posed, cloud = _model(dataset)
    place = _place(folder)
    kinds = [name for name, _, _ in colmap_model.LENSES]
    parts = [struct.pack("<Q", len(lenses))]
    for number, (model, width, height, numbers) in enumerate(lenses, 1):
        parts.append(struct.pack("<IiQQ%dd" % len(numbers), number, kinds.index(model), width, height, *numbers))
    atomic.write_bytes(place / "cameras.bin", b"".join(parts))
    parts = [struct.pack("<Q", len(posed))]
    for number, (rotation, translation, lens, name) in enumerate(posed, 1):
        parts.append(struct.pack("<I7dI", number, *rotation, *translation, lens) + name.encode("utf-8") + b"\0")
        parts.append(struct.pack("<Q", 0))
    atomic.write_bytes(place / "images.bin", b"".join(parts))
    parts = [struct.pack("<Q", len(cloud.positions))]
    for number, (position, colour) in enumerate(zip(cloud.positions, cloud.colours), 1):
        parts.append(struct.pack("<Qddd3BdQ", number, *position, *(int(c) for c in colour), ERROR, 0))
    atomic.write_bytes(place / "points3D.bin", b"".join(parts))


def _place(folder: Path) -> Path:
    place = folder / "sparse" / "0"
    place.mkdir(parents=True)
    return place


def _words(numbers: Sequence[float] | np.ndarray) -> str:
    return " ".join("%.17g" % number for number in numbers)

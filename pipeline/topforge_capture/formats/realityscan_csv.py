"""RealityScan's and RealityCapture's export "Internal/External camera parameters": one CSV with a line for each image.

Position (x, y, alt) and heading, pitch, roll in degrees in a z-up world. Camera to world, with OpenGL axes, is
Rz(-heading) Rx(pitch) Ry(roll): all zero looks straight down, with the picture's upper side towards +y. This reading is
nerfstudio's, and that of a camera exported both so and as XMP; the application's help does not say. The heading's
column is called `heading` or `yaw`, the others may carry units in their names.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from topforge import atomic
from topforge_capture.capture import Capture, CaptureError, Dataset, View
from topforge_capture.formats import realityscan
from topforge_capture.formats.base import (
    Z_UP_TO_Y_UP,
    Format,
    OnProblem,
    Source,
    bad_value,
    common_axes_point,
    moved,
)

COLUMNS = ["#name", "x", "y", "alt", "heading", "pitch", "roll", "f", "px", "py", "k1", "k2", "k3", "k4", "t1", "t2"]
ALIASES = {"yaw": "heading", "f_35mm": "f", "px_norm": "px", "py_norm": "py"}
NEEDED = COLUMNS[:10]


def find(path: Path) -> Optional[Path]:
    """The CSV that is named, or the first in a folder that has the columns."""
    files = [path] if path.is_file() else sorted(path.glob("*.csv")) if path.is_dir() else []
    return next((file for file in files if file.suffix.lower() == ".csv" and _header(file) is not None), None)


def _header(file: Path) -> Optional[Tuple[int, List[str]]]:
    """The number of the line with the columns' names, and these; None when they are not there."""
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, line in zip(range(4), stream):
            names = [ALIASES.get(word.strip(), word.strip()) for word in line.split(",")]
            if set(NEEDED) <= set(names):
                return number, names
    return None


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads all images: the form has no splits.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    rows = _rows(source.file)
    matrices = [_matrix(source.file, row) for row in rows]
    origin = common_axes_point(matrices)
    views: List[View] = []
    for row, matrix in zip(rows, matrices):
        matrix[:3, 3] -= origin
        try:
            views.append(_view(source, row, matrix))
        except CaptureError as problem:
            on_problem(problem)
    world = "cameras of %s, z up, turned to y up, moved so that %s becomes the origin"
    text = world % (source.file.name, np.round(origin, 4))
    matrix = moved(Z_UP_TO_Y_UP, origin)
    return Capture(source.folder, split, "realityscan", tuple(views), text, matrix)


def _rows(file: Path) -> List[Dict[str, str]]:
    header = _header(file)
    lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    rows = []
    if header is not None:
        rows = [row for row in csv.DictReader(lines[header[0] + 1 :], header[1]) if row.get("#name")]
    if not rows:
        raise CaptureError("no-frames", "%s has no line with a camera." % file, "Export the registration.", (file,))
    return rows


def _numbers(file: Path, row: Dict[str, str], names: List[str]) -> List[float]:
    try:
        return realityscan.numbers_of(row, names)
    except ValueError as error:
        raise bad_value(file, row["#name"], "has a damaged line (%s)" % error, "Export the registration.") from error


def _matrix(file: Path, row: Dict[str, str]) -> np.ndarray:
    x, y, z, heading, pitch, roll = _numbers(file, row, COLUMNS[1:7])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(-heading, pitch, roll)
    matrix[:3, 3] = (x, y, z)
    return Z_UP_TO_Y_UP @ matrix


def rotation(about_z: float, about_x: float, about_y: float) -> np.ndarray:
    """Rz Rx Ry of angles in degrees: [3, 3]."""
    (a, b, c) = np.radians([about_z, about_x, about_y])
    turn_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])
    turn_x = np.array([[1.0, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turn_y = np.array([[np.cos(c), 0, np.sin(c)], [0, 1.0, 0], [-np.sin(c), 0, np.cos(c)]])
    return turn_z @ turn_x @ turn_y


def angles(matrix: np.ndarray) -> Tuple[float, float, float]:
    """The angles that `rotation` makes [3, 3] of, degrees.

    The last one is found first and taken off, so that the others fit it even where level cameras leave it free.
    """
    about_x = np.degrees(np.arctan2(matrix[2, 1], np.hypot(matrix[2, 0], matrix[2, 2])))
    about_y = np.degrees(np.arctan2(-matrix[2, 0], matrix[2, 2]))
    rest = matrix @ rotation(0, about_x, about_y).T
    return float(np.degrees(np.arctan2(rest[1, 0], rest[0, 0]))), float(about_x), float(about_y)


def _view(source: Source, row: Dict[str, str], matrix: np.ndarray) -> View:
    focal, *principal = _numbers(source.file, row, COLUMNS[7:10])
    if focal <= 0:
        raise bad_value(source.file, row["#name"], "has the focal length %g" % focal, "Export the registration.")
    brown = _numbers(source.file, row, COLUMNS[10:])
    return realityscan.read_view(source, row["#name"], matrix, focal, principal, brown)


def write(folder: Path, dataset: Dataset) -> None:
    """cameras.csv."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for view in dataset.views:
        matrix = np.linalg.inv(Z_UP_TO_Y_UP) @ view.camera_to_world
        about_z, pitch, roll = angles(matrix[:3, :3])
        focal, principal, brown = realityscan.lens(view)
        numbers = [*matrix[:3, 3], -about_z, pitch, roll, focal, *principal, *brown]
        writer.writerow([view.image.name, *("%.17g" % number for number in numbers)])
    atomic.write_text(folder / "cameras.csv", stream.getvalue())


FORMAT = Format(
    name="realityscan",
    title="RealityScan, RealityCapture: Internal/External camera parameters, cameras.csv",
    holds=realityscan.HOLDS,
    find=find,
    read=read,
    write=write,
    world_to_file=np.linalg.inv(Z_UP_TO_Y_UP),
    mask_by_file=True,
)

"""The LLFF / NeRD form: `poses_bounds.npy`, `images/` and `masks/`, the latter two sorted by name.

Each row of `poses_bounds.npy` holds 17 numbers: a row-major [3, 5] matrix of camera axes (down, right, back), position,
and (height, width, focal length in pixels), then the distances of the near and the far plane.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import List, Optional, Sequence

import numpy as np

from topforge import atomic
from topforge_capture.capture import Capture, CaptureError, Dataset, View
from topforge_capture.formats.base import Format, Holds, OnProblem, Source, common_axes_point, file_in, moved
from topforge_capture.headers import read_header
from topforge_capture.images import wrong_size

SUFFIXES = (".png", ".jpg", ".jpeg")


def find(path: Path) -> Optional[Path]:
    """`poses_bounds.npy`."""
    return file_in(path, ["poses_bounds.npy"])


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads all views: the form has no splits.

    The world is moved so that the point nearest to all optical axes becomes the origin, as nvdiffrec does; `origin` of
    the result is that point. Nothing is scaled. Without a folder masks/, the images' alpha is their coverage.

    Raises:
        CaptureError: The capture as a whole cannot be used.
    """
    file = source.file
    rows = _load_rows(file)
    images = _list(source.photographs or source.folder / "images")
    masks: Sequence[Optional[Path]] = [None] * len(rows)
    if (source.folder / "masks").is_dir():
        masks = _list(source.folder / "masks")
    if not len(rows) == len(images) == len(masks):
        reason = "%s has %d poses, but there are %d images and %d masks." % (file, len(rows), len(images), len(masks))
        raise CaptureError("count-mismatch", reason, "Give every pose one image and one mask.", (file,))
    views: List[View] = []
    matrices = [pose_to_matrix(row) for row in rows]
    origin = common_axes_point(matrices)
    for row, matrix, image, mask in zip(rows, matrices, images, masks):
        matrix[:3, 3] -= origin
        try:
            views.append(_read_view(file, row, matrix, image, mask))
        except CaptureError as problem:
            on_problem(problem)
    world = "poses of poses_bounds.npy, axes as in the file, moved so that %s becomes the origin" % np.round(origin, 4)
    return Capture(source.folder, split, "llff", tuple(views), world, moved(np.eye(4), origin))


def pose_to_matrix(row: np.ndarray) -> np.ndarray:
    """Camera to world [4, 4] of one row [17]: axes (down, right, back) -> (right, up, back)."""
    pose = row[:15].reshape(3, 5)
    matrix = np.eye(4)
    matrix[:3] = np.stack([pose[:, 1], -pose[:, 0], pose[:, 2], pose[:, 3]], axis=1)
    return matrix


def _load_rows(file: Path) -> np.ndarray:
    try:
        rows = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CaptureError(
            "bad-poses", "%s cannot be read: %s." % (file, error), "Export it again.", (file,)
        ) from error
    if rows.ndim != 2 or rows.shape[1] != 17 or len(rows) == 0 or not np.isfinite(rows).all():
        reason = "%s holds %s, not [N, 17] finite numbers." % (file, list(rows.shape))
        raise CaptureError("bad-poses", reason, "Export the poses again in LLFF form.", (file,))
    return rows.astype(np.float64)


def _list(folder: Path) -> List[Path]:
    if not folder.is_dir():
        reason = "%s does not exist." % folder
        raise CaptureError("missing-folder", reason, "An LLFF capture needs images/.", (folder,))
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _read_view(file: Path, row: np.ndarray, matrix: np.ndarray, image: Path, mask: Optional[Path]) -> View:
    header = read_header(image)
    height, width, focal = row.reshape(-1)[[4, 9, 14]]
    near, far = row[15:]
    scale = header.height / height if height > 0 else 0.0
    if scale <= 0 or abs(header.width - width * scale) > 1.0 + 0.01 * width * scale:
        raise wrong_size(image, (header.width, header.height), (int(width), int(height)), file.name)
    if focal <= 0 or not 0 < near < far:
        numbers = (file, focal, near, far, image.name)
        reason = "%s: focal %g, near %g, far %g of %s are not positive and ordered." % numbers
        raise CaptureError("bad-value", reason, "Export the poses again.", (file,))
    fov_y = 2.0 * math.atan(0.5 * height / focal)
    return View(image.stem, image, mask, matrix, fov_y, header.width, header.height, float(near), float(far))


def write(folder: Path, dataset: Dataset) -> None:
    """The rows in the order in which the images' names sort: the form knows them by that alone."""
    rows = [_row(view) for view in sorted(dataset.views, key=lambda view: view.image.name)]
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    atomic.write_bytes(folder / "poses_bounds.npy", stream.getvalue())


def _row(view: View) -> np.ndarray:
    right, up, back, position = view.camera_to_world[:3].T
    size = np.array([view.height, view.width, view.focal])
    pose = np.stack([-up, right, back, position, size], axis=1)
    return np.append(pose.reshape(-1), [view.near, view.far])


FORMAT = Format(
    name="llff",
    title="LLFF, NeRD: poses_bounds.npy, images/, masks/ (nvdiffrec)",
    holds=Holds(principal=False, planes=True, coverage="mask"),
    find=find,
    read=read,
    write=write,
)

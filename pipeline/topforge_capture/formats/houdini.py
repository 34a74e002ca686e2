"""`cameras.json`: the cameras of a result, as TopForge's own trainer exports them and its Houdini side reads them.

OpenGL axes, y-up world, radians, matrices for column vectors; `image` is relative to the capture's folder, which for a
result lies elsewhere. Beyond what the trainer writes, `mask` and `split` of each camera are written and read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from topforge_capture import cameras_file
from topforge_capture.capture import FAR, NEAR, Bound, Capture, CaptureError, Dataset, View
from topforge_capture.formats import transforms
from topforge_capture.formats.base import (
    SPLITS,
    Format,
    Holds,
    OnProblem,
    Source,
    bad_value,
    file_in,
    find_photograph,
    relative_path,
)
from topforge_capture.headers import read_header
from topforge_capture.images import wrong_size


def find(path: Path) -> Optional[Path]:
    """`cameras.json`."""
    return file_in(path, [cameras_file.NAME])


def splits(source: Source) -> Tuple[str, ...]:
    """Those that cameras name."""
    named = {entry.get("split", "train") for entry in _entries(source.file) if isinstance(entry, dict)}
    return tuple(split for split in SPLITS if split in named)


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads the cameras of one split.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    views: List[View] = []
    for index, entry in enumerate(_entries(source.file)):
        try:
            if not isinstance(entry, dict):
                raise bad_value(source.file, "cameras[%d]" % index, "is not an object", "Export it again.")
            if entry.get("split", "train") == split:
                views.append(_view(source, index, entry))
        except CaptureError as problem:
            on_problem(problem)
    world = "cameras of %s, which are in TopForge's world already" % source.file.name
    return Capture(source.folder, split, "houdini", tuple(views), world, np.eye(4))


def _entries(file: Path) -> List[Any]:
    entries = transforms.load(file).get("cameras")
    if not isinstance(entries, list) or not entries:
        raise CaptureError("no-frames", "%s has no list `cameras` with content." % file, "Export it again.", (file,))
    return entries


def _view(source: Source, index: int, entry: Dict[str, Any]) -> View:
    where = "cameras[%d]" % index
    try:
        size = (int(entry["width"]), int(entry["height"]))
        fov_y = float(entry["fov_y"])
        planes = (float(entry.get("near", NEAR)), float(entry.get("far", FAR)))
        offset = [float(value) for value in entry.get("principal_offset", (0.0, 0.0))]
        name, image = str(entry["name"]), find_photograph(source, str(entry["image"]))
    except (KeyError, TypeError, ValueError) as error:
        fix = "Export the cameras again."
        raise bad_value(source.file, where, "is damaged (%s: %s)" % (type(error).__name__, error), fix) from error
    header = read_header(image)
    if size != (header.width, header.height):
        raise wrong_size(image, (header.width, header.height), size, source.file.name)
    if not 0 < fov_y < np.pi or not 0 < planes[0] < planes[1] or len(offset) != 2:
        raise bad_value(source.file, where, "has a field of view, planes or an offset out of range", "Export it again.")
    return View(
        name=name,
        image=image,
        mask=find_photograph(source, str(entry["mask"])) if entry.get("mask") else None,
        camera_to_world=transforms.matrix_of(source.file, where + ".camera_to_world", entry.get("camera_to_world")),
        fov_y=fov_y,
        width=size[0],
        height=size[1],
        near=planes[0],
        far=planes[1],
        principal_offset=(offset[0], offset[1]),
    )


def bound(source: Source) -> Optional[Bound]:
    """The box of the file; None where it is null."""
    value = transforms.load(source.file).get("bound")
    if value is None:
        return None
    try:
        low, high = np.array(value, np.float64).reshape(2, 3)
    except (TypeError, ValueError) as error:
        raise bad_value(source.file, "bound", "is not two corners", "Export it again.") from error
    return Bound(low, high, "file")


def write(folder: Path, dataset: Dataset) -> None:
    """The cameras of all splits."""
    cameras = [_entry(view, capture.split, folder) for capture in dataset.captures for view in capture.views]
    box = None if dataset.bound is None else [dataset.bound.low.tolist(), dataset.bound.high.tolist()]
    cameras_file.write(folder / cameras_file.NAME, cameras, box)


def _entry(view: View, split: str, folder: Path) -> Dict[str, Any]:
    mask = {"mask": relative_path(view.mask, folder)} if view.mask else {}
    return cameras_file.entry(
        view.name,
        relative_path(view.image, folder),
        view.camera_to_world,
        (view.width, view.height),
        view.fov_y,
        view.principal_offset,
        (view.near, view.far),
        {**mask, "split": split},
    )


FORMAT = Format(
    name="houdini",
    title="Houdini cameras: cameras.json of a result",
    holds=Holds(planes=True, splits=True, bound=True, references=True),
    find=find,
    read=read,
    write=write,
    splits=splits,
    bound=bound,
)

"""nerfstudio's and Instant NGP's `transforms.json`.

From nerfstudio's published data conventions: OpenGL cameras, z up; lens keys at the root or in each frame;
`camera_model` OPENCV (k1 to k4 of a polynomial, p1, p2) or OPENCV_FISHEYE (k1 to k4); `mask_path`, black = ignored;
`train_filenames`, `val_filenames`, `test_filenames`; `ply_file_path`. Its page speaks of pixel centres at whole
numbers, but what it takes from COLMAP, whose centres are at halves, it takes unchanged; so do we.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from topforge import atomic
from topforge_capture import points_file
from topforge_capture.capture import Capture, CaptureError, Dataset, Points, View
from topforge_capture.formats import nerf_synthetic, transforms
from topforge_capture.formats.base import (
    SPLITS,
    Z_UP_TO_Y_UP,
    Format,
    Holds,
    OnProblem,
    Source,
    file_in,
    relative_path,
)
from topforge_capture.lens import FISHEYE

NEURALANGELO_KEYS = ("sphere_center", "sphere_radius")
POINTS = "sparse_points.ply"


def find(path: Path) -> Optional[Path]:
    """`transforms.json`, unless it is Neuralangelo's."""
    file = file_in(path, ["transforms.json"])
    return file if file is not None and not is_neuralangelo(file) else None


def is_neuralangelo(file: Path) -> bool:
    """Whether the file says where Neuralangelo's sphere is."""
    return all(key in transforms.load(file) for key in NEURALANGELO_KEYS)


def splits(source: Source) -> Tuple[str, ...]:
    """The splits of the file; "train" where it has no lists of names."""
    return tuple(_numbers(source.file, transforms.load(source.file)))


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads one split.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    root = transforms.load(source.file)
    views = transforms.read_views(source, root, _numbers(source.file, root)[split], on_problem)
    world = nerf_synthetic.world_sentence(source.file)
    return Capture(source.folder, split, "nerfstudio", views, world, Z_UP_TO_Y_UP)


def points(source: Source) -> Optional[Points]:
    """The cloud that the file names, if any."""
    name = transforms.load(source.file).get("ply_file_path")
    return points_file.read(source.folder / name) if isinstance(name, str) and name else None


def _numbers(file: Path, root: Dict[str, Any]) -> Dict[str, List[int]]:
    """The numbers of each split's frames."""
    every = transforms.frames(file, root)
    lists = {split: root["%s_filenames" % split] for split in SPLITS if root.get("%s_filenames" % split)}
    if not lists:
        return {"train": list(range(len(every)))}
    numbers = {frame.get("file_path"): index for index, frame in enumerate(every) if isinstance(frame, dict)}
    found: Dict[str, List[int]] = {}
    for split, names in lists.items():
        if split == "test" and names == lists.get("val"):
            continue  # the list that nerfstudio insists on
        unknown = [name for name in names if name not in numbers]
        if unknown:
            reason = "%s: %s_filenames names %s, which no frame has as file_path." % (file, split, unknown[0])
            raise CaptureError("bad-value", reason, "Write the same paths in both.", (file,))
        found[split] = [numbers[name] for name in names]
    return found


def write(folder: Path, dataset: Dataset) -> None:
    """One file; a value of the lens that all views share stands at the root."""
    frames = [_frame(view, folder) for view in dataset.views]
    shared = {
        key: value
        for key, value in frames[0].items()
        if key not in ("file_path", "mask_path", "transform_matrix") and all(f.get(key) == value for f in frames)
    }
    root: Dict[str, Any] = dict(shared)
    root.update(_lists(dataset, folder))
    if dataset.points is not None:
        points_file.write(folder / POINTS, dataset.points.moved(np.linalg.inv(Z_UP_TO_Y_UP)))
        root["ply_file_path"] = POINTS
    root["frames"] = [{key: value for key, value in f.items() if key not in shared} for f in frames]
    atomic.write_json(folder / "transforms.json", root)


def _lists(dataset: Dataset, folder: Path) -> Dict[str, List[str]]:
    """Names by split; nerfstudio wants three lists or none, so validation and test views stand in for each other."""
    lists = {c.split: [relative_path(view.image, folder) for view in c.views] for c in dataset.captures}
    if set(lists) == {"train"}:
        return {}
    held_out = lists.get("val") or lists.get("test") or []
    return {"%s_filenames" % split: lists.get(split, held_out) for split in SPLITS}


def _frame(view: View, folder: Path) -> Dict[str, Any]:
    fx, fy, cx, cy = view.intrinsics
    fisheye = view.distortion.model == FISHEYE
    frame: Dict[str, Any] = {"camera_model": "OPENCV_FISHEYE" if fisheye else "OPENCV"}
    frame.update(fl_x=fx, fl_y=fy, cx=cx, cy=cy, w=view.width, h=view.height)
    frame.update({"k%d" % (index + 1): value for index, value in enumerate(view.distortion.k)})
    frame.update({} if fisheye else {"p1": view.distortion.p[0], "p2": view.distortion.p[1]})
    frame["file_path"] = relative_path(view.image, folder)
    frame.update({"mask_path": relative_path(view.mask, folder)} if view.mask else {})
    frame["transform_matrix"] = transforms.matrix_to_file(view)
    return frame


FORMAT = Format(
    name="nerfstudio",
    title="nerfstudio, Instant NGP: transforms.json",
    holds=Holds(
        stretch=True,
        distortion=frozenset({"polynomial", "polynomial-k4", "fisheye"}),
        splits=True,
        points=True,
        references=True,
    ),
    find=find,
    read=read,
    write=write,
    world_to_file=np.linalg.inv(Z_UP_TO_Y_UP),
    splits=splits,
    points=points,
)

"""NeRF-synthetic, as nvdiffrec reads it: `transforms_<split>.json` beside the images.

nvdiffrec takes the field of view from `camera_angle_x`, a picture's alpha as its mask, and `file_path` without ending;
it knows neither a principal point nor a lens for each image. This is what is written. More is read: see `transforms`.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import numpy as np

from topforge import atomic
from topforge_capture.capture import Capture, Dataset
from topforge_capture.formats import transforms
from topforge_capture.formats.base import SPLITS, Z_UP_TO_Y_UP, Format, Holds, OnProblem, Source, relative_path


def find(path: Path) -> Optional[Path]:
    """The first of the splits' files."""
    if path.is_file():
        return path if path.name in ["transforms_%s.json" % split for split in SPLITS] else None
    return next((file for file in (path / ("transforms_%s.json" % split) for split in SPLITS) if file.is_file()), None)


def splits(source: Source) -> Tuple[str, ...]:
    """The splits that have a file; test views that are the validation views over again do not count."""
    files = {split: transforms_file(source.folder, split) for split in SPLITS}
    val, test = files["val"], files["test"]
    if val is not None and test is not None and val.read_bytes() == test.read_bytes():
        files["test"] = None
    return tuple(split for split in SPLITS if files[split])


def has_other(source: Source, split: str) -> bool:
    """Whether there is a `transforms_<split>.json`: the sample's views under another light, say."""
    return transforms_file(source.folder, split) is not None


def transforms_file(folder: Path, split: str) -> Optional[Path]:
    """The file that holds a split, or None when there is none. `transforms.json` stands in for the training views'."""
    names = ["transforms_%s.json" % split] + (["transforms.json"] if split == "train" else [])
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads one split, which must be there; image paths are relative to the folder.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    file = transforms_file(source.folder, split)
    assert file is not None
    root = transforms.load(file)
    numbers = list(range(len(transforms.frames(file, root))))
    views = transforms.read_views(Source(file, source.folder, source.photographs), root, numbers, on_problem)
    return Capture(source.folder, split, "nerf-synthetic", views, world_sentence(file), Z_UP_TO_Y_UP)


def world_sentence(file: Path) -> str:
    """How a z-up file's world became TopForge's."""
    return "camera_to_world of %s, z up, turned to y up: (x, y, z) -> (x, z, -y)" % file.name


def write(folder: Path, dataset: Dataset) -> None:
    """One file for each split; the field of view is the first view's, which all must share.

    nvdiffrec wants a file of test views; where there are none, the validation views stand in for them.
    """
    names = {capture.split: capture for capture in dataset.captures}
    stands_in = [dataclasses.replace(names["val"], split="test")] if "val" in names and "test" not in names else []
    for capture in (*dataset.captures, *stands_in):
        root: Dict[str, Any] = {}
        if capture.views:
            first = capture.views[0]
            root["camera_angle_x"] = 2.0 * math.atan(0.5 * first.width / first.intrinsics[0])
        root["frames"] = [
            {
                "file_path": "./" + relative_path(view.image.with_suffix(""), folder),
                "transform_matrix": transforms.matrix_to_file(view),
            }
            for view in capture.views
        ]
        atomic.write_json(folder / ("transforms_%s.json" % capture.split), root)


FORMAT = Format(
    name="nerf-synthetic",
    title="NeRF-synthetic: transforms_train.json (nvdiffrec)",
    holds=Holds(lenses=False, sizes=False, principal=False, coverage="alpha", splits=True, references=True),
    find=find,
    read=read,
    write=write,
    world_to_file=np.linalg.inv(Z_UP_TO_Y_UP),
    splits=splits,
    has_other=has_other,
    by_split=True,
)

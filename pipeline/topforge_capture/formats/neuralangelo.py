"""Neuralangelo's `transforms.json`: one lens, undistorted images, and the sphere around what is reconstructed.

Keys (reference: Neuralangelo's published dataset): `fl_x`, `fl_y`, `cx`, `cy`, `sk_x`, `sk_y`, `w`, `h`, `aabb_range`,
`aabb_scale`, `sphere_center`, `sphere_radius`, `frames`. Which way is up is not laid down; it is written, and read, as
z up like the other `transforms.json`. Masks are not used by it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from topforge import atomic
from topforge_capture.capture import Bound, Capture, CaptureError, Dataset
from topforge_capture.formats import nerf_synthetic, nerfstudio, transforms
from topforge_capture.formats.base import Z_UP_TO_Y_UP, Format, Holds, OnProblem, Source, file_in, relative_path


def find(path: Path) -> Optional[Path]:
    """`transforms.json` with a sphere."""
    file = file_in(path, ["transforms.json"])
    return file if file is not None and nerfstudio.is_neuralangelo(file) else None


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads all views: the form has no splits.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    root = transforms.load(source.file)
    numbers = list(range(len(transforms.frames(source.file, root))))
    views = transforms.read_views(source, root, numbers, on_problem)
    world = nerf_synthetic.world_sentence(source.file)
    return Capture(source.folder, split, "neuralangelo", views, world, Z_UP_TO_Y_UP)


def bound(source: Source) -> Bound:
    """The box `aabb_range`, or the one around the sphere where there is none."""
    root = transforms.load(source.file)
    try:
        centre, radius = np.array(root["sphere_center"], np.float64).reshape(3), float(root["sphere_radius"])
        default = np.stack([centre - radius, centre + radius], axis=1)
        limits = np.array(root.get("aabb_range", default), np.float64).reshape(3, 2)
    except (TypeError, ValueError) as error:
        reason = "%s: sphere_center, sphere_radius or aabb_range are not numbers (%s)." % (source.file, error)
        raise CaptureError("bad-value", reason, "Write the file again.", (source.file,)) from error
    corners = np.array(limits).T @ Z_UP_TO_Y_UP[:3, :3].T
    return Bound(corners.min(axis=0), corners.max(axis=0), "file")


def sphere(box: Bound) -> Dict[str, Any]:
    """The keys that say where the object is, in the file's world. The sphere holds the whole box."""
    corners = np.stack([box.low, box.high]) @ np.linalg.inv(Z_UP_TO_Y_UP)[:3, :3].T
    low, high = corners.min(axis=0), corners.max(axis=0)
    radius = 0.5 * float(np.linalg.norm(high - low))
    return {
        "aabb_scale": 2.0 ** round(math.log2(radius)),  # Instant NGP's key: a power of two
        "aabb_range": np.stack([low, high], axis=1).tolist(),
        "sphere_center": (0.5 * (low + high)).tolist(),
        "sphere_radius": radius,
    }


def write(folder: Path, dataset: Dataset) -> None:
    """One file; the lens is the first view's, which all must share."""
    assert dataset.bound is not None
    view = dataset.views[0]
    fx, fy, cx, cy = view.intrinsics
    root: Dict[str, Any] = {"camera_angle_x": 2 * math.atan(0.5 * view.width / fx)}
    root.update(camera_angle_y=view.fov_y, fl_x=fx, fl_y=fy, cx=cx, cy=cy, sk_x=view.skew, sk_y=0.0)
    root.update(w=view.width, h=view.height, **sphere(dataset.bound))
    frames: List[Dict[str, Any]] = [
        {"file_path": relative_path(v.image, folder), "transform_matrix": transforms.matrix_to_file(v)}
        for v in dataset.views
    ]
    atomic.write_json(folder / "transforms.json", {**root, "frames": frames})


FORMAT = Format(
    name="neuralangelo",
    title="Neuralangelo: transforms.json with a sphere",
    holds=Holds(lenses=False, sizes=False, stretch=True, skew=True, coverage="none", bound=True, references=True),
    find=find,
    read=read,
    write=write,
    world_to_file=np.linalg.inv(Z_UP_TO_Y_UP),
    bound=bound,
    needs_bound=True,
)

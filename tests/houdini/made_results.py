"""Published results for tests: written by the trainer's own exporters, published as run-item publishes them."""

from __future__ import annotations

import dataclasses
import math
import shutil
from pathlib import Path

import numpy as np
import trimesh

from topforge import results
from topforge.paths import RunPaths
from topforge.running import publish
from topforge.trainers.base import Output
from topforge.trainers.builtin import REQUIRED, role_of
from topforge_train.export import write_delivery
from topforge_train.export.asset import Asset, AssetCamera

SCALE, MIDDLE = np.array([0.5, 0.8, 1.1]), np.array([0.1, -0.2, 0.3])
"""Half axes and middle of the ellipsoid that all results show: no two directions are alike."""
SIDE = 3.0
"""mesh_scale."""


def camera(name, eye, width, height, offset=(0.0, 0.0)):
    """A camera that looks at the origin."""
    back = np.array(eye) / np.linalg.norm(eye)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3] = np.stack([right, np.cross(back, right), back, np.array(eye)], axis=-1)
    return AssetCamera(name, matrix, math.radians(40.0), width, height, 0.1, 50.0, offset, "train/%s.png" % name)


CAMERAS = (
    camera("r_0", (2.0, 1.2, 2.6), 128, 128),
    camera("r 1", (-2.5, -0.8, 1.9), 160, 96, (8.0, -6.0)),
    camera("r-1", (0.5, 3.0, -1.9), 96, 160),
)


def ellipsoid(subdivisions=2):
    """An asset: every triangle has texture coordinates of its own, so that no two corners of a point share them."""
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions)
    unit, triangles = np.array(sphere.vertices), np.array(sphere.faces, np.int32)
    normals = unit / SCALE
    uv = np.random.default_rng(1).random((triangles.size, 2)).astype(np.float32)
    up = np.zeros((8, 8, 3), np.float32)
    up[..., 2] = 1.0
    return Asset(
        vertices=(unit * SCALE + MIDDLE).astype(np.float32),
        normals=(normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32),
        triangles=triangles,
        uv=uv,
        uv_triangles=np.arange(triangles.size, dtype=np.int32).reshape(-1, 3),
        tangents=np.tile(np.float32([1, 0, 0, 1]), (triangles.size, 1)),
        base_color=np.full((8, 8, 3), 0.5, np.float32),
        ks=np.full((8, 8, 3), 0.25, np.float32),
        normal_map=up,
        probe=np.ones((6, 4, 4, 3), np.float32),
        cameras=CAMERAS,
        bound=SIDE,
    )


def write(run: Path, asset: Asset | None = None, hull: bool = True, **changes) -> results.Result:
    """Publishes a result in a run folder, with item.json and all.

    Args:
        run: The folder; made here.
        asset: What it shows; the ellipsoid unless given.
        hull: Write a hull, a box.
        changes: Fields of the result that should be otherwise; `leave_out` names outputs to leave out.
    """
    asset = asset or ellipsoid()
    paths = RunPaths(run)
    paths.output.mkdir(parents=True)
    write_delivery(paths.output, asset)
    (paths.output / "summary.json").write_text("{}")
    if hull:
        box = trimesh.creation.box(extents=2.2 * SCALE)
        box.export(paths.output / "hull.obj", include_normals=False, header=None)
    left_out = changes.pop("leave_out", ())
    files = sorted(p.relative_to(paths.output).as_posix() for p in paths.output.rglob("*") if p.is_file())
    outputs = [Output(name, REQUIRED.get(name) or role_of(name)) for name in files if name not in left_out]
    metrics = {"psnr": 27.25, "triangles": float(len(asset.triangles))}
    made = results.Result(
        run=run,
        key="0" * 64,
        name="first",
        adapter="topforge",
        finished=1000.0,
        outputs=publish.examine(paths.output, outputs, metrics),
        metrics=metrics,
        provenance={"config": {"mesh_scale": SIDE}, "item": {"dataset": "/captures/owl"}},
        licences=("Apache-2.0; results are yours.",),
    )
    made = dataclasses.replace(made, **changes)
    publish.publish(paths, made)
    paths.item.write_text("{}")
    return made


def copy(source: Path, run: Path) -> Path:
    """A result of its own, to be damaged; returns its result.json."""
    shutil.copytree(source, run)
    return RunPaths(run).manifest

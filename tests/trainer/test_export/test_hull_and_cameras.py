"""hull.obj and cameras.json: what the photographs' outlines say, and where the photographs were taken."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import trimesh

from topforge_train.export import write_cameras, write_hull
from topforge_train.views.camera import make_cameras
from topforge_train.views.consensus import cones_of
from topforge_train.views.data import ImageSet, build_pyramid

RADIUS, DISTANCE, FOV_Y, SIZE = 0.6, 4.0, math.radians(40.0), 96
DIRECTIONS = [
    (x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0) and (x, z) != (0, 0)
]


def look_at_origin(direction):
    back = np.array(direction, float) / np.linalg.norm(direction)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3] = np.stack([right, np.cross(back, right), back, DISTANCE * back], axis=-1)
    return matrix


def photographs(mask):
    """24 views from all sides, all with the same mask [SIZE, SIZE]."""
    poses = torch.from_numpy(np.stack([look_at_origin(direction) for direction in DIRECTIONS]))
    count = len(poses)
    images = torch.zeros(count, SIZE, SIZE, 4)
    images[..., 3] = torch.as_tensor(mask, dtype=torch.float32)
    fov_y, centre = torch.full((count,), FOV_Y, dtype=torch.float64), torch.zeros(count, 2, dtype=torch.float64)
    cameras = make_cameras(poses, fov_y, torch.ones(count, dtype=torch.float64), centre, 0.1, 100.0)
    names = tuple("r_%d" % k for k in range(count))
    files = tuple("train/%s.png" % name for name in names)
    return ImageSet(names, files, build_pyramid(images, 3), cameras, poses, fov_y, centre)


def disc(radius):
    """Outline of a sphere of that radius around the origin: a disc, since the cameras look at it."""
    tangent = math.tan(math.asin(radius / DISTANCE)) / math.tan(FOV_Y / 2) if radius else 0.0
    axis = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    return np.hypot(axis[:, None], axis[None]) < tangent


def test_the_hull_of_a_sphere_read_by_trimesh(tmp_path):
    assert write_hull(tmp_path / "hull.obj", cones_of(photographs(disc(RADIUS)), 0), side=2.0)
    hull = trimesh.load(tmp_path / "hull.obj", process=False)
    assert hull.is_watertight
    assert hull.is_winding_consistent
    ideal = 4 / 3 * math.pi * RADIUS**3
    assert 0.96 * ideal < hull.volume < 1.15 * ideal, "positive: triangles face outward"
    assert np.abs(hull.bounds).max() < 1.25 * RADIUS
    assert 500 < len(hull.faces) < 20000


@pytest.mark.parametrize("mask", [np.ones((SIZE, SIZE)), disc(0.0)], ids=["no masks", "nothing in them"])
def test_without_a_hull_there_is_no_file(mask, tmp_path):
    assert not write_hull(tmp_path / "hull.obj", cones_of(photographs(mask), 0), side=2.0)
    assert not (tmp_path / "hull.obj").exists()


def test_cameras_say_their_photographs_and_the_training_box(asset, tmp_path):
    camera = dataclasses.replace(asset.cameras[0], image="train/r_0.png")
    write_cameras(tmp_path / "cameras.json", dataclasses.replace(asset, cameras=(camera,), bound=2.5))
    written = json.loads((tmp_path / "cameras.json").read_text())
    assert written["cameras"][0]["image"] == "train/r_0.png"
    assert written["bound"] == [[-1.25] * 3, [1.25] * 3]
    assert written["convention"] == "OpenGL camera axes, y-up world, column vectors"

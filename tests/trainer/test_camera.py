"""Projection against the pinhole formula, principal point included."""

import math

import numpy as np
import torch

from topforge_train.views.camera import make_cameras


def test_projection_matches_the_pinhole_formula():
    generator = np.random.default_rng(3)
    width, height, fov_y, offset = 320, 200, 0.6, (13.0, -7.5)
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, (0.3, -0.2, 4.0)
    local = generator.uniform(-0.5, 0.5, (20, 3)) - np.array([0.0, 0.0, 4.0])
    world = local @ rotation.T + pose[:3, 3]

    focal = 0.5 * height / math.tan(0.5 * fov_y)
    column = 0.5 * width + offset[0] + focal * local[:, 0] / -local[:, 2]
    row = 0.5 * height + offset[1] - focal * local[:, 1] / -local[:, 2]

    centre = torch.tensor([[2 * offset[0] / width, 2 * offset[1] / height]])
    cameras = make_cameras(
        torch.from_numpy(pose)[None], torch.tensor([fov_y]), torch.tensor([width / height]), centre, 0.1, 100.0
    )
    clip = cameras.project(torch.from_numpy(world).float())[0]
    ndc = clip[:, :2] / clip[:, 3:]
    np.testing.assert_allclose((ndc[:, 0] + 1) * 0.5 * width, column, atol=2e-3)
    np.testing.assert_allclose((ndc[:, 1] + 1) * 0.5 * height, row, atol=2e-3)
    np.testing.assert_allclose(cameras.eye[0], pose[:3, 3], atol=1e-6)


def test_depth_spans_the_clip_planes():
    cameras = make_cameras(torch.eye(4)[None], torch.tensor([1.0]), torch.ones(1), torch.zeros(1, 2), 0.5, 20.0)
    clip = cameras.project(torch.tensor([[0.0, 0.0, -0.5], [0.0, 0.0, -20.0]]))[0]
    np.testing.assert_allclose((clip[:, 2] / clip[:, 3]).tolist(), [-1, 1], atol=1e-5)

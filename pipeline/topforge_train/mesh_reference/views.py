"""Cameras around a reference mesh, as nvdiffrec places them (its dataset_mesh; reference facts, not its code).

The camera is DISTANCE away from the origin and looks at it. For training the object is turned at random, uniformly
over all rotations, and then moved by up to MOVE along each axis of the camera; for validation it stands on a turntable
seen from a little above.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

DISTANCE = 3.0
FOV_Y = math.radians(45.0)
MOVE = 0.25
ELEVATION = 0.4
"""Radians by which the turntable is tilted towards the camera."""
TURNTABLE_VIEWS = 50


def random_poses(count: int, generator: torch.Generator) -> Tensor:
    """Camera-to-world matrices [count, 4, 4] float64 of training views."""
    world_to_camera = torch.eye(4, dtype=torch.float64).repeat(count, 1, 1)
    world_to_camera[:, :3, :3] = random_rotations(count, generator)
    move = torch.rand(count, 3, generator=generator, dtype=torch.float64) * (2.0 * MOVE) - MOVE
    world_to_camera[:, :3, 3] = move + torch.tensor([0.0, 0.0, -DISTANCE], dtype=torch.float64)
    return torch.linalg.inv(world_to_camera)


def random_rotations(count: int, generator: torch.Generator) -> Tensor:
    """Rotations [count, 3, 3] float64, uniform: a frame built from two normally distributed vectors."""
    first, second = torch.randn(2, count, 3, generator=generator, dtype=torch.float64).unbind(0)
    a = torch.nn.functional.normalize(first, dim=-1)
    b = torch.nn.functional.normalize(torch.linalg.cross(a, second), dim=-1)
    return torch.stack([a, b, torch.linalg.cross(a, b)], dim=1)


def turntable_poses(count: int = TURNTABLE_VIEWS) -> Tensor:
    """Camera-to-world matrices [count, 4, 4] float64 of validation views: one turn about the y axis."""
    turn = torch.arange(count, dtype=torch.float64) / count * (2.0 * math.pi)
    tilt = torch.tensor(ELEVATION, dtype=torch.float64).expand(count)
    world_to_camera = _rotation_x(tilt) @ _rotation_y(turn)
    world_to_camera[:, 2, 3] = -DISTANCE
    return torch.linalg.inv(world_to_camera)


def _rotation_x(angle: Tensor) -> Tensor:
    """Right-handed rotations about x: [B, 4, 4]."""
    matrix = torch.eye(4, dtype=torch.float64).repeat(len(angle), 1, 1)
    matrix[:, 1, 1], matrix[:, 1, 2] = torch.cos(angle), -torch.sin(angle)
    matrix[:, 2, 1], matrix[:, 2, 2] = torch.sin(angle), torch.cos(angle)
    return matrix


def _rotation_y(angle: Tensor) -> Tensor:
    """Right-handed rotations about y: [B, 4, 4]."""
    matrix = torch.eye(4, dtype=torch.float64).repeat(len(angle), 1, 1)
    matrix[:, 0, 0], matrix[:, 0, 2] = torch.cos(angle), torch.sin(angle)
    matrix[:, 2, 0], matrix[:, 2, 2] = -torch.sin(angle), torch.cos(angle)
    return matrix

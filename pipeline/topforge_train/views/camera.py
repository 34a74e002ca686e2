"""Cameras as the renderer wants them: world to clip matrices and eye positions, batched.

World is y-up; camera axes are OpenGL's (x right, y up, looking along -z). Clip y is negated so that row 0 of an image
is its top (see `backend.interface`).
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn.functional import normalize


@dataclasses.dataclass(frozen=True)
class CameraBatch:
    """B cameras."""

    world_to_clip: Tensor  # [B, 4, 4] float32
    eye: Tensor  # [B, 3] float32, world space

    def __getitem__(self, index: Tensor) -> CameraBatch:
        """The cameras chosen by an index tensor, in its order."""
        return CameraBatch(self.world_to_clip[index], self.eye[index])

    def to(self, device: torch.device) -> CameraBatch:
        """The same on a device."""
        return CameraBatch(self.world_to_clip.to(device), self.eye.to(device))

    @property
    def rotation(self) -> Tensor:
        """World to camera axes (right, up, back) [B, 3, 3], from the rows of the clip matrices; differentiable."""
        back = -normalize(self.world_to_clip[:, 3, :3], dim=-1)
        row = self.world_to_clip[:, 0, :3]  # right, and as much of back as the optical axis is off the middle
        right = normalize(row - (row * back).sum(-1, keepdim=True) * back, dim=-1)
        return torch.stack([right, torch.linalg.cross(back, right), back], dim=1)

    def project(self, vertices: Tensor) -> Tensor:
        """World positions [V, 3] to clip space [B, V, 4], one copy for each camera."""
        matrix = self.world_to_clip.transpose(1, 2)  # row vectors: v @ M^T
        return torch.matmul(vertices.unsqueeze(0), matrix[:, :3]) + matrix[:, 3:4]


def perspective(fov_y: Tensor, aspect: Tensor, near: float, far: float) -> Tensor:
    """OpenGL projection with y negated.

    Args:
        fov_y: [B] vertical field of view in radians.
        aspect: [B] width over height.
        near: Distance of the near plane, > 0, world units.
        far: Distance of the far plane.

    Returns:
        [B, 4, 4] float32.
    """
    cotangent = 1.0 / torch.tan(0.5 * fov_y)
    matrix = torch.zeros(fov_y.shape[0], 4, 4, dtype=torch.float32)
    matrix[:, 0, 0] = cotangent / aspect
    matrix[:, 1, 1] = -cotangent
    matrix[:, 2, 2] = -(far + near) / (far - near)
    matrix[:, 2, 3] = -2.0 * far * near / (far - near)
    matrix[:, 3, 2] = -1.0
    return matrix


def make_cameras(
    camera_to_world: Tensor, fov_y: Tensor, aspect: Tensor, centre: Tensor, near: float, far: float
) -> CameraBatch:
    """Cameras from poses.

    Args:
        camera_to_world: [B, 4, 4]; float64 welcome, the inverse is taken before rounding to float32.
        fov_y: [B] vertical field of view in radians.
        aspect: [B] width over height.
        centre: [B, 2] where the optical axes meet the images, NDC, x right and y down; 0 = in the middle.
        near: Distance of the near plane, > 0, world units.
        far: Distance of the far plane.
    """
    world_to_camera = torch.linalg.inv(camera_to_world.double())
    projection = perspective(fov_y.double(), aspect.double(), near, far).double()
    projection[:, :2, 2] = -centre.double()  # clip w is -z, so this moves NDC by `centre` at every depth
    return CameraBatch((projection @ world_to_camera).float(), camera_to_world[:, :3, 3].float())

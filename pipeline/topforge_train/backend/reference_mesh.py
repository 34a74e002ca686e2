"""Plain-torch twins of the kernels for vertex normals and tangents: any float type, autograd, written for reading."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Area-weighted unit normals [V, 3]; zero at a vertex without area, whose gradient is not defined here."""
    corners = triangles.reshape(-1)
    a, b, c = vertices.index_select(0, corners).reshape(-1, 3, 3).unbind(1)
    spread = torch.linalg.cross(b - a, c - a)[:, None, :].expand(-1, 3, -1).reshape(-1, 3)
    return normalize(torch.zeros_like(vertices).index_add(0, corners, spread), dim=1, eps=1e-20)

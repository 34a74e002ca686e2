"""Plain-torch twins of the kernels for vertex normals, their variation and tangents: any float type, for reading."""

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


def normal_variation(normals: Tensor, triangles: Tensor) -> Tensor:
    """Mean squared difference [F] of the vertex normals at the ends of each triangle's edges."""
    corners = normals.index_select(0, triangles.reshape(-1)).reshape(-1, 3, 3)
    return (corners - corners.roll(1, dims=1)).square().sum(-1).mean(-1)


def _project(vectors: Tensor, normal: Tensor) -> Tensor:
    """Unit vectors in the plane of `normal`."""
    return normalize(vectors - normal * (vectors * normal).sum(-1, keepdim=True), dim=-1)


def _direction_of_u(corners: Tensor, corner_uv: Tensor) -> Tensor:
    """Unit dP/du of each triangle [F, 3], zero where the texture triangle is degenerate.

    Args:
        corners: [F, 3, 3] positions.
        corner_uv: [F, 3, 2] texture coordinates.
    """
    edge_1, edge_2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    uv_1, uv_2 = corner_uv[:, 1] - corner_uv[:, 0], corner_uv[:, 2] - corner_uv[:, 0]
    area = uv_1[:, 0:1] * uv_2[:, 1:2] - uv_1[:, 1:2] * uv_2[:, 0:1]
    return normalize((edge_1 * uv_2[:, 1:2] - edge_2 * uv_1[:, 1:2]) * torch.sign(area), dim=-1)


def tangents(vertices: Tensor, normals: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor) -> Tensor:
    """Unit tangents [Vt, 3]: the twin of `rendering.tangents.tangents`."""
    flat = triangles.reshape(-1).long()
    corners = vertices.index_select(0, flat).reshape(-1, 3, 3)
    corner_normals = normals.index_select(0, flat).reshape(-1, 3, 3)
    direction = _direction_of_u(corners, uv[uv_triangles.long()]).unsqueeze(1)
    to_next = _project(corners.roll(-1, dims=1) - corners, corner_normals)
    to_previous = _project(corners.roll(1, dims=1) - corners, corner_normals)
    angle = torch.acos((to_next * to_previous).sum(-1, keepdim=True).clamp(-1 + 1e-6, 1 - 1e-6))
    weighted = _project(direction.expand(-1, 3, -1), corner_normals) * angle
    total = torch.zeros(uv.shape[0], 3, dtype=vertices.dtype, device=vertices.device)
    return normalize(total.index_add(0, uv_triangles.reshape(-1).long(), weighted.reshape(-1, 3)), dim=-1)

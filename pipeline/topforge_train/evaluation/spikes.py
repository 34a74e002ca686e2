"""How spiky a surface is: one number that a smooth shape, however it is triangulated, keeps near zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from topforge_train.geometry.laplacian import UniformLaplacian

SMOOTHING_STEPS = 10
"""Umbrella steps of one half: enough to iron out a spike of a few triangles, too few to change a shape of hundreds."""
SPIKE_ANGLE = 60.0
"""Degrees."""


def face_areas(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Area times normal [F, 3] of each triangle."""
    a, b, c = vertices[triangles.long()].unbind(1)
    normals: Tensor = 0.5 * torch.linalg.cross(b - a, c - a)
    return normals


def spike_share(vertices: Tensor, triangles: Tensor, degrees: float = SPIKE_ANGLE) -> float:
    """Share of the area whose normal differs by more than `degrees` from that of the same triangle, smoothed.

    Smoothing is `SMOOTHING_STEPS` of the uniform umbrella operator by one half, on the welded mesh.

    Args:
        vertices: [V, 3]; a vertex is one point of the surface, not one for each chart.
        triangles: [F, 3].
        degrees: Angle above which a triangle counts.
    """
    laplacian = UniformLaplacian(len(vertices), triangles)
    smooth = vertices.float()
    for _ in range(SMOOTHING_STEPS):
        smooth = smooth + 0.5 * laplacian(smooth)
    before, after = face_areas(vertices.float(), triangles), face_areas(smooth, triangles)
    cosine = torch.nn.functional.cosine_similarity(before, after, dim=-1, eps=1e-20)
    area = before.norm(dim=-1)
    return float(area[cosine < math.cos(math.radians(degrees))].sum() / area.sum())

"""Tidying an extracted mesh before it gets textures. None of this is differentiated."""

from __future__ import annotations

import torch

from .mesh import Mesh, areas, components


def compact(mesh: Mesh) -> Mesh:
    """The mesh without vertices that no triangle uses; their order is kept."""
    used, corners = torch.unique(mesh.triangles, return_inverse=True)
    return Mesh(mesh.vertices.index_select(0, used.long()), corners.reshape(-1, 3).int())


def without_floaters(mesh: Mesh, least_share: float = 0.02) -> Mesh:
    """Drops connected components with less than a share of the largest component's area; never the largest."""
    label = components(len(mesh.vertices), mesh.triangles)
    owner = label.index_select(0, mesh.triangles[:, 0].long())
    area = mesh.vertices.new_zeros(len(mesh.vertices)).index_add(0, owner, areas(mesh.detach()))
    keep = area.index_select(0, owner) >= least_share * area.max()
    return compact(Mesh(mesh.vertices, mesh.triangles[keep]))

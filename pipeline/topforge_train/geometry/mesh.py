"""A triangle mesh as the trainer sees it, and the quantities every stage needs from one.

Vertices are float [V, 3] in the y-up world, triangles int32 [F, 3], counter-clockwise seen from outside.
Gathers use index_select, whose backward adds rows in order; `tensor[index]` would sort in its backward.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from topforge_train.backend import warp_vertex_normals


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Vertices [V, 3] float, differentiable, and triangles [F, 3] int32 with outward orientation."""

    vertices: Tensor
    triangles: Tensor

    def detach(self) -> Mesh:
        """The same surface without its graph: a plain mesh."""
        return Mesh(self.vertices.detach(), self.triangles)


@dataclasses.dataclass(frozen=True)
class MeshEdges:
    """The undirected edges of a mesh and the triangles that share them.

    Attributes:
        vertices: [E, 2] int64, smaller index first, sorted.
        triangle_count: [E] int64, triangles at each edge: 2 everywhere on a closed manifold.
        of_triangle: [F, 3] int64, edge opposite to no corner but between corner k and k + 1.
    """

    vertices: Tensor
    triangle_count: Tensor
    of_triangle: Tensor


def triangle_corners(mesh: Mesh) -> Tensor:
    """Corner positions [F, 3 corners, 3]."""
    return mesh.vertices.index_select(0, mesh.triangles.reshape(-1)).reshape(-1, 3, 3)


def triangle_normals(mesh: Mesh) -> Tensor:
    """Outward normals [F, 3] whose length is twice the triangle's area."""
    a, b, c = triangle_corners(mesh).unbind(1)
    return torch.linalg.cross(b - a, c - a)


def vertex_normals(mesh: Mesh) -> Tensor:
    """Smooth unit normals [V, 3]: the area-weighted mean over the triangles at a vertex; differentiable.

    A vertex without area gets the zero vector, which has no slope.
    """
    return warp_vertex_normals.vertex_normals(mesh.vertices, mesh.triangles)


def areas(mesh: Mesh) -> Tensor:
    """Triangle areas [F] in squared world units."""
    return 0.5 * triangle_normals(mesh).norm(dim=1)


def volume(mesh: Mesh) -> Tensor:
    """Enclosed volume of a closed mesh, positive where triangles face outward (divergence theorem)."""
    a, b, c = triangle_corners(mesh).unbind(1)
    return (a * torch.linalg.cross(b, c)).sum() / 6


def edges(triangles: Tensor) -> MeshEdges:
    """Finds the undirected edges of triangles [F, 3]. Sorts: once per topology, not once per step."""
    start = triangles.long()
    end = start.roll(-1, dims=1)
    low, high = torch.minimum(start, end), torch.maximum(start, end)
    stride = int(high.max()) + 1 if high.numel() else 1
    keys, inverse, count = torch.unique(low * stride + high, return_inverse=True, return_counts=True)
    pairs = torch.stack((torch.div(keys, stride, rounding_mode="floor"), keys % stride), dim=1)
    return MeshEdges(pairs, count, inverse.reshape(-1, 3))


def is_watertight(triangles: Tensor) -> bool:
    """Whether every edge belongs to exactly two triangles, which run along it in opposite directions."""
    start = triangles.long().reshape(-1)
    end = triangles.long().roll(-1, dims=1).reshape(-1)
    stride = int(start.max()) + 1
    forward = (start * stride + end).sort().values
    backward = (end * stride + start).sort().values
    repeated = bool((forward[1:] == forward[:-1]).any())
    return not repeated and torch.equal(forward, backward)


def euler_characteristic(triangles: Tensor) -> int:
    """Vertices - edges + triangles over the vertices in use: 2 per sphere, 0 per torus, added over components."""
    used = torch.unique(triangles).numel()
    return used - edges(triangles).vertices.shape[0] + triangles.shape[0]


def components(vertex_count: int, triangles: Tensor) -> Tensor:
    """Connected components: a label [V] int64, equal to the smallest vertex index of the component.

    Labels spread along edges and jump to their label's label, so the rounds grow with the logarithm of the size.
    """
    ends = triangles.long()
    pairs = torch.cat((ends[:, [0, 1]], ends[:, [1, 2]]))
    label = torch.arange(vertex_count, device=triangles.device)
    while True:
        lowest = label.index_select(0, pairs.reshape(-1)).reshape(-1, 2).amin(1)
        roots = label.index_select(0, pairs.reshape(-1))
        spread = label.scatter_reduce(0, roots, lowest.repeat_interleave(2), "amin")
        spread = spread.index_select(0, spread)
        if torch.equal(spread, label):
            return label
        label = spread

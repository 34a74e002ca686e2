"""FlexiCubes: differentiable dual marching cubes with per-cube weights (Shen et al., arXiv 2308.05371).

Symbols of the paper: s signed distance at a grid vertex, x its position, alpha the weight of a cube's corner, beta of
its edge, gamma of the cube; u a crossing of an edge as one cube sees it; v the dual vertex of a patch.

Four cubes meet at a crossed grid edge, and their four dual vertices make one quad. So everything is kept as [Q, 4]:
crossed edges times the cubes around each, in the order in which they turn about the edge. Nothing is sorted.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.padding import EXACT, Room, first, mean

from . import regularisers
from .flexicubes_kernels import Topology, find_topology
from .flexicubes_points import dual_vertices
from .flexicubes_tables import edge_corners
from .grid import Grid
from .isosurface import EmptySurfaceError, IsosurfaceMesh, SignedDistance, closed


@dataclasses.dataclass(frozen=True)
class FlexiCubesMesh(IsosurfaceMesh):
    """A FlexiCubes mesh with the distances that the deviation term needs.

    Attributes:
        crossing_distance: [4 Q] distance of each crossing to its dual vertex, world units.
        crossing_vertex: [4 Q] int64, that dual vertex.
        dual_count: Dual vertices; they come first in `vertices`, centres of quads after them.
        cube_weights: [A, 21] raw weights of the cubes that the surface passes.
        cube_count: [1] int, how many of these rows count; None = all.
    """

    crossing_distance: Tensor
    crossing_vertex: Tensor
    dual_count: int
    cube_weights: Tensor
    cube_count: Optional[Tensor]


class FlexiCubes(torch.nn.Module):
    """A shape on a regular grid.

    Args:
        bounds: [2, 3] box in world units. Its longest side gets `resolution` cells.
        resolution: Cells along the longest side.
        deform_limit: How far a grid vertex may move along an axis, in cells; below 0.5 cells cannot fold.
        device: Where the parameters live.
    """

    def __init__(self, bounds: Tensor, resolution: int, deform_limit: float = 0.25, device: str = "cpu") -> None:
        super().__init__()
        target = torch.device(device)
        self.grid = Grid.over(bounds, resolution)
        self.limit = deform_limit * self.grid.cell
        x0 = self.grid.vertices(target)
        cubes = self.grid.cells[0] * self.grid.cells[1] * self.grid.cells[2]
        self.sdf = torch.nn.Parameter(torch.ones(x0.shape[0], device=target))
        self.deform = torch.nn.Parameter(torch.zeros_like(x0))
        self.weights = torch.nn.Parameter(torch.zeros(cubes, 21, device=target))
        self.register_buffer("x0", x0, persistent=False)
        self.register_buffer("border", self.grid.border(target), persistent=False)
        corners = torch.tensor([edge_corners(edge) for edge in range(12)], device=target)
        self.register_buffer("edge_corners", corners, persistent=False)

    @property
    def bounds(self) -> Tensor:
        """Lower and upper corner [2, 3] of the grid, world units."""
        return self.grid.bounds

    @torch.no_grad()
    def initialise(self, signed_distance: SignedDistance) -> None:
        """Sets the shape from a distance function of world positions; deformation and weights become neutral."""
        self.sdf.copy_(signed_distance(self.x0) / self.grid.cell)
        self.deform.zero_()
        self.weights.zero_()

    @torch.no_grad()
    def signed_distance(self, points: Tensor) -> Tensor:
        """Signed distance [M], world units, at [M, 3]: trilinear, read where the deformed grid has each point."""
        moved = self.grid.sample(self.limit * torch.tanh(self.deform), points)
        return self.grid.sample(self.sdf[:, None] * self.grid.cell, points - moved)[:, 0]

    def extract(self, training: bool, room: Room = EXACT) -> FlexiCubesMesh:
        """The surface; see `Isosurface.extract`."""
        sdf = closed(self.sdf, self.border)
        inside = (sdf.detach() < 0).to(torch.uint8).reshape(self.grid.shape)
        topology = find_topology(inside, room)
        if not len(topology.ends):  # the box is outside: whatever is inside has an edge to it
            raise EmptySurfaceError(inside.numel())
        distances = sdf.index_select(0, topology.ends.reshape(-1)).reshape(-1, 2)
        geometry = (self.deform, self.weights, self.x0, self.limit, topology, self.edge_corners)
        points, duals = dual_vertices(distances, *geometry)
        vertex = topology.vertex.reshape(-1)
        distance = (points - duals.index_select(0, vertex)).norm(dim=1)
        cube_weights = self.weights.index_select(0, topology.cubes)
        vertices, triangles = split_quads(duals, squash_gamma(cube_weights), topology, training)
        edges, triangle_count = topology.edge_count, None
        if edges is not None:
            triangle_count = edges * (len(triangles) // len(topology.ends))
        surface = (vertices, triangles, distances, edges, triangle_count, topology.lengths)
        return FlexiCubesMesh(*surface, distance, vertex, topology.count, cube_weights, topology.cube_count)

    def regulariser(self, mesh: FlexiCubesMesh) -> Dict[str, Tensor]:
        """Unweighted terms: `sign`, `deviation` (as a share of the longest side), `weights` (mean magnitude, raw)."""
        longest = self.grid.cell * max(self.grid.cells)
        crossings = (mesh.crossing_distance, mesh.crossing_vertex, mesh.dual_count)
        count = None if mesh.edge_count is None else 4 * mesh.edge_count
        return {
            "sign": regularisers.sign_penalty(mesh.edge_distance, mesh.edge_count),
            "deviation": regularisers.deviation_penalty(*crossings, count) / longest,
            "weights": mean(mesh.cube_weights[:, :20].abs(), mesh.cube_count),
        }


def squash_gamma(weights: Tensor) -> Tensor:
    """Raw weights [A, 21] to gamma [A], positive."""
    return 0.005 + 0.99 * torch.sigmoid(weights[:, 20])


def split_quads(duals: Tensor, gamma: Tensor, topology: Topology, training: bool) -> Tuple[Tensor, Tensor]:
    """Vertices and int32 triangles of the quads around crossed edges (arXiv 2308.05371, section 4.3).

    In training a quad becomes four triangles around a centre that leans to the diagonal with the larger product of
    gamma; otherwise two triangles along that diagonal.
    """
    outward = topology.outward[:, None]
    quads = torch.where(outward, topology.vertex, topology.vertex.flip(1))
    g = gamma.index_select(0, torch.where(outward, topology.slot, topology.slot.flip(1)).reshape(-1))
    g = g.reshape(-1, 4)
    even, odd = g[:, 0] * g[:, 2], g[:, 1] * g[:, 3]
    if not training:
        along_even = torch.stack((quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]), dim=1)
        along_odd = torch.stack((quads[:, [0, 1, 3]], quads[:, [1, 2, 3]]), dim=1)
        return duals, torch.where((even > odd)[:, None, None], along_even, along_odd).reshape(-1, 3).int()
    v = duals.index_select(0, quads.reshape(-1)).reshape(-1, 4, 3)
    lean = (even / (even + odd))[:, None]
    centre = torch.lerp(v[:, 1] + v[:, 3], v[:, 0] + v[:, 2], lean) / 2
    apex = torch.arange(duals.shape[0], duals.shape[0] + quads.shape[0], device=quads.device)
    if topology.edge_count is not None:  # padding shrinks to its own centre: no two of its triangles meet in a vertex
        quads = torch.where(first(len(quads), topology.edge_count)[:, None], quads, apex[:, None])
    fan = torch.stack((quads, quads.roll(-1, dims=1), apex[:, None].expand_as(quads)), dim=2)
    return torch.cat((duals, centre)), fan.reshape(-1, 3).int()

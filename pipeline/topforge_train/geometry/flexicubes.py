"""FlexiCubes: differentiable dual marching cubes with per-cube weights (Shen et al., arXiv 2308.05371).

Symbols of the paper: s signed distance at a grid vertex, x its position, alpha the weight of a cube's corner, beta of
its edge, gamma of the cube; u a crossing of an edge as one cube sees it; v the dual vertex of a patch.

Four cubes meet at a crossed grid edge, and their four dual vertices make one quad. So everything is kept as [Q, 4]:
crossed edges times the cubes around each, in the order in which they turn about the edge. Nothing is sorted.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Tuple

import torch
from torch import Tensor

from . import regularisers
from .flexicubes_tables import FLIPPED, cube_tables, edge_corners
from .grid import Grid
from .isosurface import IsosurfaceMesh, SignedDistance, closed, inside_flags

TURN = ((0, 0), (1, 0), (1, 1), (0, 1))
"""Offsets (du, dv) of the cubes around an edge, counter-clockwise seen against its axis."""


@dataclasses.dataclass(frozen=True)
class FlexiCubesMesh(IsosurfaceMesh):
    """A FlexiCubes mesh with the distances that the deviation term needs.

    Attributes:
        crossing_distance: [4 Q] distance of each crossing to its dual vertex, world units.
        crossing_vertex: [4 Q] int64, that dual vertex.
        dual_count: Dual vertices; they come first in `vertices`, centres of quads after them.
        cube_weights: [A, 21] raw weights of the cubes that the surface passes.
    """

    crossing_distance: Tensor
    crossing_vertex: Tensor
    dual_count: int
    cube_weights: Tensor


@dataclasses.dataclass(frozen=True)
class Crossings:
    """The crossed edges of a grid, Q of them; all indices int64.

    Attributes:
        ends: [Q, 2] grid vertices, lower first.
        cubes: [Q, 4] cubes around an edge in turning order.
        local_edges: [Q, 4] number of the edge within each.
        outward: [Q] bool, whether the edge leaves the shape along its axis.
    """

    ends: Tensor
    cubes: Tensor
    local_edges: Tensor
    outward: Tensor


@dataclasses.dataclass(frozen=True)
class Patches:
    """Dual vertices of the cubes that the surface passes, A of them.

    Attributes:
        cubes: [A] int64 flat cube index.
        slot: [Q, 4] int64 place in `cubes` of the cubes around each crossed edge.
        vertex: [Q, 4] int64 dual vertex of each of them.
        count: Number of dual vertices.
    """

    cubes: Tensor
    slot: Tensor
    vertex: Tensor
    count: int


def configurations(inside: Tensor) -> Tensor:
    """Corner bytes [nx, ny, nz] uint8 of the cubes from vertex flags [nx + 1, ny + 1, nz + 1] uint8."""
    nx, ny, nz = (size - 1 for size in inside.shape)
    result = torch.zeros((nx, ny, nz), dtype=torch.uint8, device=inside.device)
    for corner in range(8):
        x, y, z = corner & 1, corner >> 1 & 1, corner >> 2 & 1
        result |= inside[x : x + nx, y : y + ny, z : z + nz] << corner
    return result


def flat_index(place: Tensor, step: Tuple[int, int, int]) -> Tensor:
    """Flat indices [K] of places [K, 3] in an array with these strides; CUDA has no integer matrix product."""
    return place[:, 0] * step[0] + place[:, 1] * step[1] + place[:, 2] * step[2]


def find_crossings(inside: Tensor) -> Crossings:
    """Crossed edges of vertex flags [nx + 1, ny + 1, nz + 1] uint8 that are 0 on the box."""
    _, sy, sz = inside.shape
    vertex_step, cube_step = (sy * sz, sz, 1), ((sy - 1) * (sz - 1), sz - 1, 1)
    parts = []
    for axis in range(3):
        size = inside.shape[axis] - 1
        lower, upper = inside.narrow(axis, 0, size), inside.narrow(axis, 1, size)
        place = torch.nonzero(lower != upper)
        start = flat_index(place, vertex_step)
        u, v = (axis + 1) % 3, (axis + 2) % 3
        back = torch.tensor([du * cube_step[u] + dv * cube_step[v] for du, dv in TURN], device=inside.device)
        cubes = flat_index(place, cube_step)[:, None] - back
        local = torch.tensor([4 * axis + du + 2 * dv for du, dv in TURN], device=inside.device).expand_as(cubes)
        outward = inside.reshape(-1).index_select(0, start) == 1
        parts.append((torch.stack((start, start + vertex_step[axis]), dim=1), cubes, local, outward))
    return Crossings(*(torch.cat(column) for column in zip(*parts)))


def resolve_pinches(codes: Tensor, cubes: Tensor, active_codes: Tensor) -> Tensor:
    """Entries of the patch table [A] int64: configurations, flipped where two pinched faces meet.

    Args:
        codes: [nx, ny, nz] uint8 of all cubes.
        cubes: [A] flat index of the cubes that the surface passes.
        active_codes: [A] int64, their configurations.
    """
    pinched = cube_tables(codes.device).pinched_face
    face = pinched.index_select(0, active_codes)
    suspects = torch.nonzero(face >= 0)[:, 0]
    if suspects.numel() == 0:
        return active_codes
    face = face.index_select(0, suspects)
    step = torch.tensor((codes.shape[1] * codes.shape[2], codes.shape[2], 1), device=codes.device)
    across = step.index_select(0, face >> 1) * (2 * (face & 1) - 1)
    neighbour = codes.reshape(-1).index_select(0, cubes.index_select(0, suspects) + across).long()
    meets = pinched.index_select(0, neighbour) == (face ^ 1)
    return active_codes.index_add(0, suspects, FLIPPED * meets.long())


def find_patches(inside: Tensor, crossings: Crossings) -> Patches:
    """Numbers the dual vertices of vertex flags [nx + 1, ny + 1, nz + 1] uint8."""
    tables = cube_tables(inside.device)
    codes = configurations(inside)
    flat = codes.reshape(-1)
    cubes = torch.nonzero((flat != 0) & (flat != 255))[:, 0]
    entries = resolve_pinches(codes, cubes, flat.index_select(0, cubes).long())
    counts = tables.patch_count.index_select(0, entries)
    first = torch.cumsum(counts, 0) - counts
    slots = torch.empty(flat.shape, dtype=torch.int64, device=inside.device)
    slots[cubes] = torch.arange(cubes.numel(), device=inside.device)
    slot = slots.index_select(0, crossings.cubes.reshape(-1))
    entry = entries.index_select(0, slot) * 12 + crossings.local_edges.reshape(-1)
    vertex = first.index_select(0, slot) + tables.patch_of_edge.index_select(0, entry)
    shape = crossings.cubes.shape
    return Patches(cubes, slot.reshape(shape), vertex.reshape(shape), int(counts.sum()))


def squash(weights: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Raw weights [A, 21] to alpha [A * 8], beta [A * 12], gamma [A]; all positive: vertices stay in their cells."""
    beta = 1 + 0.99 * torch.tanh(weights[:, :12])
    alpha = 1 + 0.99 * torch.tanh(weights[:, 12:20])
    gamma = 0.005 + 0.99 * torch.sigmoid(weights[:, 20])
    return alpha.reshape(-1), beta.reshape(-1), gamma


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

    def extract(self, training: bool) -> FlexiCubesMesh:
        """The surface; see `Isosurface.extract`."""
        sdf = closed(self.sdf, self.border)
        inside = inside_flags(sdf.detach()).reshape(self.grid.shape)
        crossings = find_crossings(inside)
        patches = find_patches(inside, crossings)
        cube_weights = self.weights.index_select(0, patches.cubes)
        alpha, beta, gamma = squash(cube_weights)
        distances = sdf.index_select(0, crossings.ends.reshape(-1)).reshape(-1, 2)
        points = self._crossing_points(crossings, patches, distances, alpha)
        edge_beta = beta.index_select(0, (patches.slot * 12 + crossings.local_edges).reshape(-1))[:, None]
        vertex = patches.vertex.reshape(-1)
        total = points.new_zeros(patches.count, 3).index_add(0, vertex, points * edge_beta)
        duals = total / points.new_zeros(patches.count, 1).index_add(0, vertex, edge_beta)
        offset = points - duals.index_select(0, vertex)
        vertices, triangles = split_quads(duals, gamma, patches, crossings.outward, training)
        return FlexiCubesMesh(vertices, triangles, distances, offset.norm(dim=1), vertex, patches.count, cube_weights)

    def _crossing_points(self, crossings: Crossings, patches: Patches, distances: Tensor, alpha: Tensor) -> Tensor:
        """Where each cube sees the surface cross each of its edges: u of the paper, [4 Q, 3] world positions."""
        ends = crossings.ends.reshape(-1)
        moved = self.limit * torch.tanh(self.deform.index_select(0, ends))
        x = (self.x0.index_select(0, ends) + moved).reshape(-1, 2, 1, 3)
        corners = self.edge_corners.index_select(0, crossings.local_edges.reshape(-1)).reshape(-1, 4, 2)
        weight = alpha.index_select(0, (patches.slot[:, :, None] * 8 + corners).reshape(-1)).reshape(-1, 4, 2)
        s = distances[:, None, :] * weight
        t = s[..., 0] / (s[..., 0] - s[..., 1])
        return torch.lerp(x[:, 0], x[:, 1], t[..., None]).reshape(-1, 3)

    def regulariser(self, mesh: FlexiCubesMesh) -> Dict[str, Tensor]:
        """Unweighted terms: `sign`, `deviation` (as a share of the longest side), `weights` (mean magnitude, raw)."""
        longest = self.grid.cell * max(self.grid.cells)
        deviation = regularisers.deviation_penalty(mesh.crossing_distance, mesh.crossing_vertex, mesh.dual_count)
        return {
            "sign": regularisers.sign_penalty(mesh.edge_distance),
            "deviation": deviation / longest,
            "weights": mesh.cube_weights[:, :20].abs().mean(),
        }


def split_quads(
    duals: Tensor, gamma: Tensor, patches: Patches, outward: Tensor, training: bool
) -> Tuple[Tensor, Tensor]:
    """Vertices and int32 triangles of the quads around crossed edges (arXiv 2308.05371, section 4.3).

    In training a quad becomes four triangles around a centre that leans to the diagonal with the larger product of
    gamma; otherwise two triangles along that diagonal.
    """
    quads = torch.where(outward[:, None], patches.vertex, patches.vertex.flip(1))
    g = gamma.index_select(0, torch.where(outward[:, None], patches.slot, patches.slot.flip(1)).reshape(-1))
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
    fan = torch.stack((quads, quads.roll(-1, dims=1), apex[:, None].expand_as(quads)), dim=2)
    return torch.cat((duals, centre)), fan.reshape(-1, 3).int()

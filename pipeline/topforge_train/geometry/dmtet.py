"""DMTet: differentiable marching tetrahedra (Shen et al., arXiv 2111.04276) on a body-centred cubic lattice.

The lattice is a grid's corners and its cells' centres. Two centres across a face, and one of that face's four sides,
make a tetrahedron; all are congruent. Edges are numbered once, when the lattice is made: a step neither sorts nor
looks for duplicates.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.padding import EXACT, Lengths, Room, first
from topforge_train.backend.warp_listing import listed

from . import regularisers
from .grid import Grid
from .isosurface import IsosurfaceMesh, SignedDistance, closed, inside_flags

TET_EDGES = tuple(itertools.combinations(range(4), 2))
"""Corners of a tetrahedron's six edges."""

TURN = ((0, 0), (1, 0), (1, 1), (0, 1))
"""Corners of a face, counter-clockwise seen against its axis, as offsets along the next two axes."""


@dataclasses.dataclass(frozen=True)
class Lattice:
    """A tetrahedral lattice; indices int64.

    Attributes:
        vertices: [N, 3] world positions, corners first, then centres.
        border: [N] bool, vertices on the lattice's surface.
        tets: [4, T] corners, positively oriented.
        edges: [2, E] ends of each edge once.
        tet_edges: [T, 6] edges of each tetrahedron in the order of TET_EDGES.
    """

    vertices: Tensor
    border: Tensor
    tets: Tensor
    edges: Tensor
    tet_edges: Tensor


def centres(grid: Grid) -> Grid:
    """The grid whose vertices are the centres of another's cells."""
    counts, half = grid.cells, 0.5 * grid.cell
    x, y, z = grid.lower
    return Grid((counts[0] - 1, counts[1] - 1, counts[2] - 1), (x + half, y + half, z + half), grid.cell)


def tetrahedra(grid: Grid, device: torch.device) -> Tensor:
    """Corners [4, T] of the tetrahedra around all faces between two cells."""
    middle = centres(grid)
    corner = torch.arange(grid.shape[0] * grid.shape[1] * grid.shape[2], device=device).reshape(grid.shape)
    centre = torch.arange(middle.shape[0] * middle.shape[1] * middle.shape[2], device=device).reshape(middle.shape)
    centre = centre + corner.numel()
    found = []
    for axis in range(3):
        count = grid.cells[axis] - 1
        u, v = (axis + 1) % 3, (axis + 2) % 3
        face = corner.narrow(axis, 1, count)
        loop = [face.narrow(u, du, grid.cells[u]).narrow(v, dv, grid.cells[v]) for du, dv in TURN]
        below, above = centre.narrow(axis, 0, count), centre.narrow(axis, 1, count)
        for side in range(4):
            tet = (below, above, loop[side], loop[(side + 1) % 4])
            found.append(torch.stack([index.reshape(-1) for index in tet]))
    return torch.cat(found, dim=1)


def make_lattice(grid: Grid, device: torch.device) -> Lattice:
    """The body-centred cubic lattice of a grid."""
    tets = tetrahedra(grid, device)
    vertices = torch.cat((grid.vertices(device), centres(grid).vertices(device)))
    border = torch.cat((grid.border(device), centres(grid).border(device)))
    ends = torch.stack([tets[[a, b]] for a, b in TET_EDGES], dim=2).sort(dim=0).values  # [2, T, 6]
    keys, tet_edges = torch.unique(ends[0] * vertices.shape[0] + ends[1], return_inverse=True)
    edges = torch.stack((torch.div(keys, vertices.shape[0], rounding_mode="floor"), keys % vertices.shape[0]))
    return Lattice(vertices, border, tets, edges, tet_edges)


def case_triangles(case: int) -> List[List[int]]:
    """Triangles, as triples of tetrahedron edges, of the case whose bit c says that corner c is inside.

    Crossed edges are put in the order of a loop and turned so that the loop faces from inside to outside, on a
    tetrahedron with positive orientation.
    """
    corner = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    loop = [edge for edge, (a, b) in enumerate(TET_EDGES) if (case >> a ^ case >> b) & 1]
    if not loop:
        return []
    if len(loop) == 4 and not set(TET_EDGES[loop[1]]) & set(TET_EDGES[loop[0]]):
        loop[1], loop[2] = loop[2], loop[1]
    if len(loop) == 4 and not set(TET_EDGES[loop[2]]) & set(TET_EDGES[loop[1]]):
        loop[2], loop[3] = loop[3], loop[2]
    middle = [corner[list(TET_EDGES[edge])].mean(0) for edge in loop]
    normal = torch.linalg.cross(middle[1] - middle[0], middle[2] - middle[0])
    flags = torch.tensor([case >> c & 1 == 1 for c in range(4)])
    if float(normal @ (corner[~flags].mean(0) - corner[flags].mean(0))) < 0:
        loop.reverse()
    return [[loop[0], loop[k], loop[k + 1]] for k in range(1, len(loop) - 1)]


@functools.lru_cache(maxsize=None)
def tet_tables(device: torch.device) -> Tuple[Tensor, Tensor]:
    """Triangles of the 16 cases: first [16, 3] and, for the cases that have one, second [16, 3]; -1 where none."""
    cases = [case_triangles(case) + [[-1, -1, -1]] * 2 for case in range(16)]
    both = torch.tensor([case[:2] for case in cases], device=device)
    return both[:, 0], both[:, 1]


class DMTet(torch.nn.Module):
    """A shape on a tetrahedral lattice.

    Args:
        bounds: [2, 3] box in world units. The surface stays half a cell away from it.
        resolution: Cells along the longest side; a cell has two vertices and twelve tetrahedra. The tetrahedral grid
            that nvdiffrec calls N has the vertex density of about 5 N / 12 cells.
        deform_limit: How far a vertex may move along an axis, in cells.
        device: Where the parameters live.
    """

    def __init__(self, bounds: Tensor, resolution: int, deform_limit: float = 0.2, device: str = "cpu") -> None:
        super().__init__()
        target = torch.device(device)
        self.grid = Grid.over(bounds, resolution)
        self.limit = deform_limit * self.grid.cell
        lattice = make_lattice(self.grid, target)
        self.sdf = torch.nn.Parameter(torch.ones(lattice.vertices.shape[0], device=target))
        self.deform = torch.nn.Parameter(torch.zeros_like(lattice.vertices))
        for name in ("border", "tets", "edges", "tet_edges"):
            self.register_buffer(name, getattr(lattice, name), persistent=False)
        self.register_buffer("x0", lattice.vertices, persistent=False)

    @property
    def bounds(self) -> Tensor:
        """Lower and upper corner [2, 3] of the lattice, world units."""
        return self.grid.bounds

    @torch.no_grad()
    def initialise(self, signed_distance: SignedDistance) -> None:
        """Sets the shape from a distance function of world positions; the deformation becomes neutral."""
        self.sdf.copy_(signed_distance(self.x0) / self.grid.cell)
        self.deform.zero_()

    @torch.no_grad()
    def signed_distance(self, points: Tensor) -> Tensor:
        """Signed distance [M], world units, at [M, 3]: mean of the corners' and the centres' trilinear fields."""
        corners = self.grid.shape[0] * self.grid.shape[1] * self.grid.shape[2]
        moved = self.limit * torch.tanh(self.deform)
        offset = self.grid.sample(moved[:corners], points) + centres(self.grid).sample(moved[corners:], points)
        start = points - 0.5 * offset
        distance = self.sdf[:, None] * self.grid.cell
        both = self.grid.sample(distance[:corners], start) + centres(self.grid).sample(distance[corners:], start)
        return 0.5 * both[:, 0]

    def extract(self, training: bool, room: Room = EXACT) -> IsosurfaceMesh:
        """The surface; `training` makes no difference. See `Isosurface.extract`."""
        sdf = closed(self.sdf, self.border)
        inside = (sdf.detach() < 0).to(torch.uint8) if room else inside_flags(sdf.detach())
        flags = inside.index_select(0, self.edges.reshape(-1)).reshape(2, -1)
        crossed, count = listed(flags[0] != flags[1], room.get("edges"))
        ends = self.edges.index_select(1, crossed if count is None else crossed.clamp(max=self.edges.shape[1] - 1))
        flat = ends.reshape(-1)
        s = sdf.index_select(0, flat).reshape(2, -1)
        x = self.x0.index_select(0, flat) + self.limit * torch.tanh(self.deform.index_select(0, flat))
        x = x.reshape(2, -1, 3)
        run = s[0] - s[1]
        if count is not None:
            run = torch.where(first(len(crossed), count), run, 1.0)
        vertices = torch.lerp(x[0], x[1], (s[0] / run)[:, None])
        if count is None:
            tets, case, _ = self._passed(inside, None)
            lengths: Lengths = {"edges": len(crossed), "tets": len(tets)}
            return IsosurfaceMesh(vertices, self._triangles(tets, case, crossed), s.t(), None, None, lengths)
        tets, case, tet_count = self._passed(inside, room["tets"])
        triangles, triangle_count = self._padded_triangles(tets, case, crossed)
        return IsosurfaceMesh(vertices, triangles, s.t(), count, triangle_count, {"edges": count, "tets": tet_count})

    def _passed(self, inside: Tensor, capacity: Optional[int]) -> Tuple[Tensor, Tensor, Optional[Tensor]]:
        """The tetrahedra that the surface passes, and their cases; case 0 for padding."""
        corner = inside.index_select(0, self.tets.reshape(-1)).reshape(4, -1)
        case = corner[0] | corner[1] << 1 | corner[2] << 2 | corner[3] << 3
        tets, count = listed((case != 0) & (case != 15), capacity)
        if count is None:
            return tets, case.index_select(0, tets).long(), None
        found = case.index_select(0, tets.clamp(max=len(case) - 1)).long()
        return tets, torch.where(first(len(tets), count), found, 0), count

    def _triangles(self, tets: Tensor, case: Tensor, crossed: Tensor) -> Tensor:
        """Triangles [F, 3] int32 over the crossed edges."""
        number = torch.empty(self.edges.shape[1], dtype=torch.int64, device=crossed.device)
        number[crossed] = torch.arange(crossed.numel(), device=crossed.device)
        one, two = (table.index_select(0, case) for table in tet_tables(case.device))
        split = torch.nonzero(two[:, 0] >= 0)[:, 0]
        owner = torch.cat((tets, tets.index_select(0, split)))
        local = torch.cat((one, two.index_select(0, split)))
        edge = self.tet_edges.reshape(-1).index_select(0, (owner[:, None] * 6 + local).reshape(-1))
        return number.index_select(0, edge).reshape(-1, 3).int()

    def _padded_triangles(self, tets: Tensor, case: Tensor, crossed: Tensor) -> Tuple[Tensor, Tensor]:
        """Two triangles for each tetrahedron [2 T, 3] int32, without extent where there are none; [1], how many are."""
        edge_count = self.edges.shape[1]
        places = torch.arange(len(crossed), device=crossed.device)
        number = torch.zeros(edge_count + 1, dtype=torch.int64, device=crossed.device)
        number.index_copy_(0, crossed, places)  # padding is one past the last edge
        local = torch.cat([table.index_select(0, case) for table in tet_tables(case.device)])
        real = local[:, :1] >= 0
        owner = tets.clamp(max=len(self.tet_edges) - 1).repeat(2)[:, None]
        edge = self.tet_edges.reshape(-1).index_select(0, (owner * 6 + local.clamp(min=0)).reshape(-1))
        # Padding is spread over the vertices, or what is added there in vain would queue up in one place.
        elsewhere = torch.arange(len(local), device=crossed.device).remainder(len(crossed))[:, None]
        triangles = torch.where(real, number.index_select(0, edge).reshape(-1, 3), elsewhere)
        return triangles.int(), real.sum(0, dtype=torch.int32)

    def regulariser(self, mesh: IsosurfaceMesh) -> Dict[str, Tensor]:
        """Unweighted terms: `sign`."""
        return {"sign": regularisers.sign_penalty(mesh.edge_distance, mesh.edge_count)}

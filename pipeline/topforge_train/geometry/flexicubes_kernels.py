"""The discrete half of FlexiCubes as Warp kernels: which edges are crossed, which dual vertices there are.

One source for CPU and GPU. Each item writes its own row of the result, whose place is a running sum of flags: nothing
is sorted, and a GPU is waited for once, for three sizes. The plain-torch twin is `flexicubes_reference`.
"""

from __future__ import annotations

import dataclasses
from typing import Optional

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.padding import EXACT, Lengths, Room
from topforge_train.backend.parallel import launch_ranges
from topforge_train.geometry.flexicubes_tables import FLIPPED, cube_tables

wp.set_module_options({"enable_backward": False})

FLIP = wp.constant(wp.int32(FLIPPED))


@dataclasses.dataclass(frozen=True)
class Topology:
    """Q crossed edges of a grid and A cubes that the surface passes; all indices int64.

    Rows after the counts are padding. A padding edge ends where it begins; its other indices are valid, and spread, so
    that what is added there in vain does not queue up in one place.

    Attributes:
        ends: [Q, 2] grid vertices, lower first.
        local_edges: [Q, 4] number of the edge within each of the cubes around it, in turning order.
        slot: [Q, 4] place of these cubes in `cubes`.
        vertex: [Q, 4] dual vertex in each of them.
        outward: [Q] bool, whether the edge leaves the shape along its axis.
        cubes: [A] flat cube index, ascending.
        count: Number of dual vertices, padding included.
        edge_count: [1] int32, how many edges count; None = all.
        cube_count: [1] int32, how many cubes count; None = all.
        lengths: Of the lists "edges", "cubes" and "duals".
    """

    ends: Tensor
    local_edges: Tensor
    slot: Tensor
    vertex: Tensor
    outward: Tensor
    cubes: Tensor
    count: int
    edge_count: Optional[Tensor] = None
    cube_count: Optional[Tensor] = None
    lengths: Lengths = dataclasses.field(default_factory=dict)


@wp.kernel
def flag_kernel(
    first: int,
    inside: wp.array(dtype=wp.uint8),
    cells: wp.vec3i,
    codes: wp.array(dtype=wp.uint8),
    flags: wp.array(dtype=int),
):
    """One row of vertices along z: flags each edge (axis * vertices + vertex) whose ends differ, and codes the cubes.

    Bit x + 2 y + 4 z of a code is set where that corner of the cube is inside.
    """
    i = first + wp.tid()
    vertices = inside.shape[0]
    rows = cells[2] + 1
    planes = rows * (cells[1] + 1)
    y = i % (cells[1] + 1)
    x = i // (cells[1] + 1)
    has_x = x < cells[0]
    has_y = y < cells[1]
    vertex = i * rows
    before = wp.int32(0)
    for z in range(rows):
        here = int(inside[vertex])
        right = int(here)
        up = int(here)
        both = int(here)
        if has_x:
            right = int(inside[vertex + planes])
        if has_y:
            up = int(inside[vertex + rows])
        if has_x and has_y:
            both = int(inside[vertex + planes + rows])
        corners = here + 2 * right + 4 * up + 8 * both
        flags[vertex] = here ^ right
        flags[vertices + vertex] = here ^ up
        flags[2 * vertices + vertex] = 0
        if z > 0:
            flags[2 * vertices + vertex - 1] = (before & 1) ^ here
            if has_x and has_y:
                codes[(x * cells[1] + y) * cells[2] + z - 1] = wp.uint8(before + 16 * corners)
        before = corners
        vertex += 1


@wp.kernel
def patch_kernel(
    first: int,
    codes: wp.array(dtype=wp.uint8),
    cells: wp.vec3i,
    patch_count: wp.array(dtype=wp.int64),
    pinched_face: wp.array(dtype=wp.int64),
    edges: int,
    entries: wp.array(dtype=int),
    flags: wp.array(dtype=int),
):
    """A cube's entry in the patch table, flipped where two pinched faces meet.

    In flags from `edges` on: whether the surface passes the cube; as many places further: its dual vertices.
    """
    i = first + wp.tid()
    cubes = codes.shape[0]
    code = int(codes[i])
    entry = int(code)
    face = int(pinched_face[code])
    if face >= 0:  # never towards the box, which is outside
        step = wp.int32(1)
        if face // 2 == 0:
            step = cells[1] * cells[2]
        elif face // 2 == 1:
            step = cells[2]
        neighbour = wp.clamp(i + step * (2 * (face % 2) - 1), 0, cubes - 1)
        if int(pinched_face[int(codes[neighbour])]) == (face ^ 1):
            entry += FLIP
    entries[i] = entry
    passed = wp.int32(0)
    if code != 0 and code != 255:
        passed = wp.int32(1)
    flags[edges + i] = passed
    flags[edges + cubes + i] = int(patch_count[entry]) * passed


@wp.kernel
def edge_kernel(
    first: int,
    inside: wp.array(dtype=wp.uint8),
    cells: wp.vec3i,
    entries: wp.array(dtype=int),
    patch_of_edge: wp.array(dtype=wp.int64),
    flags: wp.array(dtype=int),
    sums: wp.array(dtype=int),
    ends: wp.array(dtype=wp.int64),
    local_edges: wp.array(dtype=wp.int64),
    slot: wp.array(dtype=wp.int64),
    vertex: wp.array(dtype=wp.int64),
    outward: wp.array(dtype=wp.bool),
    most_cubes: int,
    most_duals: int,
):
    """Writes the row of one crossed edge: its ends and what the four cubes around it know of it."""
    i = first + wp.tid()
    if flags[i] == 0:
        return
    row = sums[i] - 1
    if row >= outward.shape[0]:
        return
    vertices = inside.shape[0]
    cubes = entries.shape[0]
    edges = 3 * vertices
    axis = i // vertices
    start = i % vertices
    rows = cells[2] + 1
    planes = rows * (cells[1] + 1)
    z = start % rows
    y = (start // rows) % (cells[1] + 1)
    x = start // planes
    vertex_steps = wp.vec3i(planes, rows, 1)
    cube_steps = wp.vec3i(cells[1] * cells[2], cells[2], 1)
    ends[2 * row] = wp.int64(start)
    ends[2 * row + 1] = wp.int64(start + vertex_steps[axis])
    outward[row] = inside[start] == wp.uint8(1)
    home = x * cube_steps[0] + y * cube_steps[1] + z
    u = (axis + 1) % 3
    v = (axis + 2) % 3
    for k in range(4):
        # Counter-clockwise about the edge seen against its axis: (0, 0), (1, 0), (1, 1), (0, 1).
        du = ((k + 1) >> 1) & 1
        dv = k >> 1
        cube = home - du * cube_steps[u] - dv * cube_steps[v]
        local = 4 * axis + du + 2 * dv
        local_edges[4 * row + k] = wp.int64(local)
        slot[4 * row + k] = wp.int64(wp.min(sums[edges + cube] - sums[edges - 1], most_cubes) - 1)
        before = sums[edges + cubes + cube] - flags[edges + cubes + cube] - sums[edges + cubes - 1]
        dual = before + int(patch_of_edge[entries[cube] * 12 + local])
        vertex[4 * row + k] = wp.int64(wp.min(dual, most_duals - 1))


@wp.kernel
def cube_kernel(
    first: int, edges: int, flags: wp.array(dtype=int), sums: wp.array(dtype=int), passed: wp.array(dtype=wp.int64)
):
    """Lists the cubes that the surface passes."""
    i = first + wp.tid()
    row = sums[edges + i] - sums[edges - 1] - 1
    if flags[edges + i] == 1 and row < passed.shape[0]:
        passed[row] = wp.int64(i)


def find_topology(inside: Tensor, room: Room = EXACT) -> Topology:
    """The crossed edges and the dual vertices of vertex flags [nx + 1, ny + 1, nz + 1] uint8 that are 0 on the box.

    A surface without crossed edges has no rows, unless there is `room` for "edges", "cubes" and "duals": then the lists
    have these lengths, end in padding, and leave out what does not fit; a GPU is not waited for.
    """
    device = inside.device
    tables = cube_tables(device)
    cells = wp.vec3i(*(size - 1 for size in inside.shape))
    cubes, edges = cells[0] * cells[1] * cells[2], 3 * inside.numel()
    inside = inside.contiguous().view(-1)
    codes = torch.empty(cubes, dtype=torch.uint8, device=device)
    entries = torch.empty(cubes, dtype=torch.int32, device=device)
    flags = torch.empty(edges + 2 * cubes, dtype=torch.int32, device=device)
    launch_ranges(flag_kernel, (cells[0] + 1) * (cells[1] + 1), (inside, cells, codes, flags), device)
    patches = (tables.patch_count, tables.pinched_face, edges, entries, flags)
    launch_ranges(patch_kernel, cubes, (codes, cells, *patches), device)
    sums = torch.cumsum(flags, 0, dtype=torch.int32)
    offsets = (edges - 1, edges + cubes - 1, edges + 2 * cubes - 1)
    padded = "edges" in room
    if padded:
        last = [sums[offset : offset + 1] for offset in offsets]
        lengths: Lengths = {"edges": last[0], "cubes": last[1] - last[0], "duals": last[2] - last[1]}
        crossed, passed, total = room["edges"], room["cubes"], room["duals"]
    else:
        crossed, passed, total = sums[list(offsets)].tolist()
        passed, total = passed - crossed, total - passed
        lengths = {"edges": crossed, "cubes": passed, "duals": total}
    sizes = ((2, 1), (4, passed), (4, passed), (4, total))
    ends, local, slot, vertex = (_rows(crossed, n, below, padded, device) for n, below in sizes)
    local = local if not padded else local.zero_()
    outward = torch.zeros(crossed, dtype=torch.bool, device=device)
    chosen = _rows(passed, 1, cubes, padded, device).view(-1)
    if crossed:
        rows = (ends.view(-1), local.view(-1), slot.view(-1), vertex.view(-1), outward, passed, total)
        arrays = (inside, cells, entries, tables.patch_of_edge, flags, sums)
        launch_ranges(edge_kernel, edges, (*arrays, *rows), device)
        launch_ranges(cube_kernel, cubes, (edges, flags, sums, chosen), device)
    counts = (lengths["edges"], lengths["cubes"]) if padded else (None, None)
    return Topology(ends, local, slot, vertex, outward, chosen, total, *counts, lengths)


def _rows(count: int, columns: int, below: int, padded: bool, device: torch.device) -> Tensor:
    """Rows [count, columns] int64 to be written; where some remain as padding, with different numbers in 0..below-1."""
    if not padded:
        return torch.empty((count, columns), dtype=torch.int64, device=device)
    return torch.arange(count * columns, device=device).remainder_(below).view(count, columns)

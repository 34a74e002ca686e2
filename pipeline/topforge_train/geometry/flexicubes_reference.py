"""Plain-torch twins of the FlexiCubes kernels, written for reading: the oracle of their tests.

Four cubes meet at a crossed grid edge, and their four dual vertices make one quad: everything is [Q, 4].
"""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor

from topforge_train.backend.padding import Lengths

from .flexicubes_kernels import Topology
from .flexicubes_tables import FLIPPED, cube_tables

TURN = ((0, 0), (1, 0), (1, 1), (0, 1))
"""Offsets (du, dv) of the cubes around an edge, counter-clockwise seen against its axis."""


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


def find_crossings(inside: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """Crossed edges of vertex flags: ends [Q, 2], cubes around them and their edge in each [Q, 4], outward [Q]."""
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
    ends, cubes, local, outward = (torch.cat(column) for column in zip(*parts))
    return ends, cubes, local, outward


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


def find_topology(inside: Tensor) -> Topology:
    """Twin of `flexicubes_kernels.find_topology`."""
    ends, around, local, outward = find_crossings(inside)
    tables = cube_tables(inside.device)
    codes = configurations(inside)
    flat = codes.reshape(-1)
    cubes = torch.nonzero((flat != 0) & (flat != 255))[:, 0]
    entries = resolve_pinches(codes, cubes, flat.index_select(0, cubes).long())
    counts = tables.patch_count.index_select(0, entries)
    first = torch.cumsum(counts, 0) - counts
    slots = torch.empty(flat.shape, dtype=torch.int64, device=inside.device)
    slots[cubes] = torch.arange(cubes.numel(), device=inside.device)
    slot = slots.index_select(0, around.reshape(-1))
    entry = entries.index_select(0, slot) * 12 + local.reshape(-1)
    vertex = first.index_select(0, slot) + tables.patch_of_edge.index_select(0, entry)
    shape = around.shape
    lengths: Lengths = {"edges": len(ends), "cubes": len(cubes), "duals": int(counts.sum())}
    indices = (ends, local, slot.reshape(shape), vertex.reshape(shape), outward, cubes)
    return Topology(*indices, count=int(counts.sum()), lengths=lengths)


def dual_vertices(
    distances: Tensor, deform: Tensor, weights: Tensor, x0: Tensor, limit: float, topology: Topology, corners: Tensor
) -> Tuple[Tensor, Tensor]:
    """Twin of `flexicubes_points.dual_vertices`, for any float type."""
    chosen = weights[topology.cubes]
    beta, alpha = 1 + 0.99 * torch.tanh(chosen[:, :12]), 1 + 0.99 * torch.tanh(chosen[:, 12:20])
    x = (x0 + limit * torch.tanh(deform))[topology.ends][:, :, None]
    weight = alpha[topology.slot[:, :, None], corners[topology.local_edges]]  # [Q, 4, 2]
    s = distances[:, None, :] * weight
    t = s[..., 0] / (s[..., 0] - s[..., 1])
    points = torch.lerp(x[:, 0], x[:, 1], t[..., None]).reshape(-1, 3)
    edge_beta = beta[topology.slot, topology.local_edges].reshape(-1, 1)
    vertex = topology.vertex.reshape(-1)
    total = points.new_zeros(topology.count, 3).index_add(0, vertex, points * edge_beta)
    return points, total / points.new_zeros(topology.count, 1).index_add(0, vertex, edge_beta)

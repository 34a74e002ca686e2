"""Which sides of triangles are silhouette edges of a view, as Warp kernels: one source for CPU and GPU.

A silhouette edge lies between a front-facing and a back-facing triangle, or belongs to one triangle only. Which sides
share an edge is a matter of the topology alone: found once for each list of triangles, without sorting.
"""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.remembered import Remembered
from topforge_train.backend.warp_barycentric import corner

# Without fused multiply-add, which CPUs and GPUs do not share: who faces us is decided by the same bits on both.
wp.set_module_options({"enable_backward": False, "fuse_fp": False})


@wp.kernel
def chain_kernel(
    owner: int,
    owners: int,
    triangles: wp.array(dtype=wp.vec3i),
    heads: wp.array(dtype=int),
    following: wp.array(dtype=int),
):
    """Puts the three sides (3 * triangle + k, from corner k to the next) into the lists of their lower vertices."""
    i = wp.tid()
    indices = triangles[i]
    for k in range(3):
        low = wp.min(indices[k], indices[(k + 1) % 3])
        if low % owners == owner:
            following[3 * i + k] = wp.atomic_exch(heads, low, 3 * i + k)


@wp.func
def higher_end(triangles: wp.array(dtype=wp.vec3i), side: int) -> int:
    """The higher vertex of a side."""
    indices = triangles[side // 3]
    return wp.max(indices[side % 3], indices[(side + 1) % 3])


@wp.kernel
def ring_kernel(
    first: int,
    triangles: wp.array(dtype=wp.vec3i),
    heads: wp.array(dtype=int),
    following: wp.array(dtype=int),
    ring: wp.array(dtype=int),
):
    """The next higher side on the same edge, or else the lowest: the same whatever the order within a list."""
    side = first + wp.tid()
    indices = triangles[side // 3]
    high = higher_end(triangles, side)
    lowest = side
    above = wp.int32(0x7FFFFFFF)
    other = heads[wp.min(indices[side % 3], indices[(side + 1) % 3])]
    while other >= 0:
        if higher_end(triangles, other) == high:
            lowest = wp.min(lowest, other)
            if other > side:
                above = wp.min(above, other)
        other = following[other]
    if above < wp.int32(0x7FFFFFFF):
        ring[side] = above
    else:
        ring[side] = lowest


def _find_rings(triangles: Tensor, vertices: int) -> Tensor:
    sides, device = 3 * len(triangles), triangles.device
    ring = torch.empty(sides, dtype=torch.int32, device=device)
    if sides:
        heads = torch.full((vertices,), -1, dtype=torch.int32, device=device)
        following = torch.empty_like(ring)
        corners = vectors(triangles.contiguous(), wp.vec3i)
        launch_owners(chain_kernel, len(triangles), (corners, heads, following), device)
        launch_ranges(ring_kernel, sides, (corners, heads, following, ring), device)
    return ring


rings = Remembered(_find_rings)
"""The sides on one edge, linked in a ring: for each side [3 F] int32 the next. Of triangles [F, 3] and a number of
vertices, which `check_triangles` has seen."""


@wp.kernel
def facing_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    fronts: wp.array(dtype=wp.uint8),
):
    """Says whether a triangle faces us in a view."""
    i = first + wp.tid()
    base = (i // triangles.shape[0]) * vertices
    indices = triangles[i % triangles.shape[0]]
    p0 = corner(clip[base + indices[0]])
    determinant = wp.dot(p0, wp.cross(corner(clip[base + indices[1]]), corner(clip[base + indices[2]])))
    if determinant > wp.float64(0.0):
        fronts[i] = wp.uint8(1)
    else:
        fronts[i] = wp.uint8(0)


@wp.kernel
def silhouette_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    ring: wp.array(dtype=int),
    fronts: wp.array(dtype=wp.uint8),
    marks: wp.array(dtype=wp.uint8),
):
    """Marks the lowest side on each silhouette edge with both ends in front of the camera: 1 + whether it faces us.

    Two triangles of a kind continue each other, so an odd number of either kind makes a silhouette.
    """
    i = first + wp.tid()
    sides = 3 * triangles.shape[0]
    side = i % sides
    view = i // sides
    faces = view * triangles.shape[0]
    facing = int(fronts[faces + side // 3])
    front = int(facing)
    count = wp.int32(1)
    lowest = wp.int32(1)
    other = ring[side]
    while other != side and lowest == 1:
        if other < side:
            lowest = wp.int32(0)
        count += 1
        front += int(fronts[faces + other // 3])
        other = ring[other]
    mark = wp.int32(0)
    if lowest == 1 and (front % 2 == 1 or (count - front) % 2 == 1):
        indices = triangles[side // 3]
        start = clip[view * vertices + indices[side % 3]]
        end = clip[view * vertices + indices[(side + 1) % 3]]
        if start[3] > 0.0 and end[3] > 0.0:
            mark = 1 + facing
    marks[i] = wp.uint8(mark)


def silhouette_sides(clip: Tensor, triangles: Tensor) -> Tensor:
    """Every silhouette edge with both ends in front of the camera, hidden ones included, by its lowest side.

    Args:
        clip: [B, V, 4] float32, contiguous.
        triangles: [F, 3] int32, contiguous; `check_triangles` has seen them.

    Returns:
        [B, 3 F] uint8, for the side 3 * triangle + k from corner k to the next: 0, or 1 where the side's triangle
        faces away, or 2 where it faces us.
    """
    views, vertices = clip.shape[:2]
    device = clip.device
    fronts = torch.empty(views * len(triangles), dtype=torch.uint8, device=device)
    marks = torch.empty((views, 3 * len(triangles)), dtype=torch.uint8, device=device)
    if marks.numel():
        arrays = (vectors(clip.view(-1, 4), wp.vec4), vertices, vectors(triangles, wp.vec3i))
        launch_ranges(facing_kernel, len(fronts), (*arrays, fronts), device)
        linked = (*arrays, rings(triangles, vertices), fronts, marks.view(-1))
        launch_ranges(silhouette_kernel, marks.numel(), linked, device)
    return marks

"""Visibility as Warp kernels: one source for CPU and GPU.

Rasterisation in homogeneous coordinates (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates",
1997): an edge function is the plane through the eye and two corners, so triangles that cross the camera plane need no
clipping. Edge functions are computed in float64 from float32 positions: each product is then exact, two triangles get
exactly opposite values on the edge they share, and the sign test with the top-left rule leaves neither holes nor
double hits.
"""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_each, launch_ranges, threads, vectors
from topforge_train.backend.warp_barycentric import Barycentric, centre, corner
from topforge_train.backend.warp_listing import listed
from topforge_train.backend.warp_runtime import check, check_triangles

# Without fused multiply-add, which CPUs and GPUs do not share: who is visible is decided by the same bits on both.
wp.set_module_options({"enable_backward": False, "fuse_fp": False})

EMPTY = 0x7FFFFFFFFFFFFFFF
"""Key of a pixel without surface: farther than any depth. Its low word is -1, so that `low word + 1` is the id 0."""

DEPTH_STEPS = float(2**30 - 1)
"""z / w in [-1, 1] is compared as a whole number of this many steps a unit, so that ties are exact on every device."""

LOW_WORD = wp.constant(wp.int64(1 << 32))
"""A key is depth * LOW_WORD + triangle."""

NOTHING = wp.constant(wp.int64(EMPTY))


@wp.func
def owns(edge: wp.vec3d, value: wp.float64) -> bool:
    """Whether a pixel at or inside an edge belongs to the triangle: on the edge itself, the top-left rule decides."""
    zero = wp.float64(0.0)
    return value > zero or edge[0] > zero or (edge[0] == zero and edge[1] > zero)


@wp.func
def pixel_bounds(low: wp.float64, high: wp.float64, size: int) -> wp.vec2i:
    """First pixel centre at or after `low` and the one after the last at or before `high` (NDC), kept in the image."""
    half = wp.float64(0.5)
    scale = wp.float64(size)
    limit = wp.float64(size + 1)
    first = wp.clamp((low * half + half) * scale - half, wp.float64(-1.0), limit)
    last = wp.clamp((high * half + half) * scale - half, wp.float64(-1.0), limit)
    return wp.vec2i(wp.max(int(wp.ceil(first)), 0), wp.min(int(wp.floor(last)) + 1, size))


@wp.func
def depth_plane(p0: wp.vec4, p1: wp.vec4, p2: wp.vec4) -> wp.vec3d:
    """Plane of z / w over NDC, of a triangle with an area."""
    v0 = corner(p0)
    v1 = corner(p1)
    v2 = corner(p2)
    edge0 = wp.cross(v1, v2)
    determinant = wp.dot(v0, edge0)
    z0 = wp.float64(p0[2]) / determinant
    z1 = wp.float64(p1[2]) / determinant
    z2 = wp.float64(p2[2]) / determinant
    return edge0 * z0 + wp.cross(v2, v0) * z1 + wp.cross(v0, v1) * z2


@wp.func
def depth_key(depth: wp.vec3d, x: wp.float64, y: wp.float64, identity: wp.int64) -> wp.int64:
    """Key of a triangle at a place in NDC; negative outside -1 <= z / w <= 1."""
    one = wp.float64(1.0)
    z = depth[0] * x + depth[1] * y + depth[2]
    if wp.abs(z) <= one:
        return wp.int64((z + one) * wp.float64(DEPTH_STEPS)) * LOW_WORD + identity
    return wp.int64(-1)


@wp.kernel
def keys_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    width: int,
    height: int,
    ids: wp.array(dtype=int),
    keys: wp.array(dtype=wp.int64),
):
    """The key that made a triangle visible at a pixel, found again; that of no surface where there was none."""
    pixel = first + wp.tid()
    triangle = ids[pixel] - 1
    keys[pixel] = NOTHING
    if triangle >= 0:
        indices = triangles[triangle]
        base = (pixel // (width * height)) * vertices
        depth = depth_plane(clip[base + indices[0]], clip[base + indices[1]], clip[base + indices[2]])
        x = centre(pixel % width, width)
        y = centre((pixel // width) % height, height)
        keys[pixel] = depth_key(depth, x, y, wp.int64(triangle))


@wp.func
def fill(
    edge0: wp.vec3d,
    edge1: wp.vec3d,
    edge2: wp.vec3d,
    depth: wp.vec3d,
    columns: wp.vec2i,
    rows: wp.vec2i,
    place: wp.vec3i,
    identity: wp.int64,
    before: wp.array(dtype=wp.int64),
    keys: wp.array(dtype=wp.int64),
):
    """Lowers the key of each pixel centre inside all three edges; ties go to the lower triangle.

    `place` is the width and height of the image and the index of its first pixel. Keys up to those in `before`, if it
    holds any, do not count.
    """
    zero = wp.float64(0.0)
    for row in range(rows[0], rows[1]):
        y = centre(row, place[1])
        row0 = edge0[1] * y + edge0[2]
        row1 = edge1[1] * y + edge1[2]
        row2 = edge2[1] * y + edge2[2]
        for column in range(columns[0], columns[1]):
            x = centre(column, place[0])
            value0 = edge0[0] * x + row0
            value1 = edge1[0] * x + row1
            value2 = edge2[0] * x + row2
            if value0 >= zero and value1 >= zero and value2 >= zero:
                key = depth_key(depth, x, y, identity)
                if key >= wp.int64(0) and owns(edge0, value0) and owns(edge1, value1) and owns(edge2, value2):
                    pixel = place[2] + row * place[0] + column
                    last = wp.int64(-1)
                    if before.shape[0] > 0:
                        last = before[pixel]
                    if key > last:
                        wp.atomic_min(keys, pixel, key)


@wp.func
def screen_bounds(p0: wp.vec4, p1: wp.vec4, p2: wp.vec4, width: int, height: int) -> wp.vec4i:
    """Pixels that may lie in a triangle: first column and the one after the last, first row and the one after."""
    if p0[3] <= 0.0 and p1[3] <= 0.0 and p2[3] <= 0.0:
        return wp.vec4i(0, 0, 0, 0)
    if p0[3] <= 0.0 or p1[3] <= 0.0 or p2[3] <= 0.0:
        return wp.vec4i(0, width, 0, height)
    w0 = wp.float64(1.0) / wp.float64(p0[3])
    w1 = wp.float64(1.0) / wp.float64(p1[3])
    w2 = wp.float64(1.0) / wp.float64(p2[3])
    x0 = wp.float64(p0[0]) * w0
    x1 = wp.float64(p1[0]) * w1
    x2 = wp.float64(p2[0]) * w2
    y0 = wp.float64(p0[1]) * w0
    y1 = wp.float64(p1[1]) * w1
    y2 = wp.float64(p2[1]) * w2
    columns = pixel_bounds(wp.min(x0, wp.min(x1, x2)), wp.max(x0, wp.max(x1, x2)), width)
    rows = pixel_bounds(wp.min(y0, wp.min(y1, y2)), wp.max(y0, wp.max(y1, y2)), height)
    return wp.vec4i(columns[0], columns[1], rows[0], rows[1])


@wp.kernel
def rasterize_kernel(
    first_view: int,
    first_row: int,
    last_row: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    width: int,
    height: int,
    before: wp.array(dtype=wp.int64),
    keys: wp.array(dtype=wp.int64),
):
    """One thread draws one triangle into one view, in the rows [first_row, last_row) counted over all views."""
    item = wp.tid()
    view = first_view + item // triangles.shape[0]
    triangle = item % triangles.shape[0]
    low = wp.max(first_row - view * height, 0)
    high = wp.min(last_row - view * height, height)
    if low >= high:
        return
    indices = triangles[triangle]
    p0 = clip[view * vertices + indices[0]]
    p1 = clip[view * vertices + indices[1]]
    p2 = clip[view * vertices + indices[2]]
    bounds = screen_bounds(p0, p1, p2, width, height)
    columns = wp.vec2i(bounds[0], bounds[1])
    rows = wp.vec2i(wp.max(bounds[2], low), wp.min(bounds[3], high))
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return
    v0 = corner(p0)
    v1 = corner(p1)
    v2 = corner(p2)
    edge0 = wp.cross(v1, v2)
    edge1 = wp.cross(v2, v0)
    edge2 = wp.cross(v0, v1)
    determinant = wp.dot(v0, edge0)
    if not (wp.abs(determinant) > wp.float64(0.0)):  # also catches NaN
        return
    side = wp.sign(determinant)
    depth = depth_plane(p0, p1, p2)
    place = wp.vec3i(width, height, view * width * height)
    fill(edge0 * side, edge1 * side, edge2 * side, depth, columns, rows, place, wp.int64(triangle), before, keys)


def _keys(clip: Tensor, triangles: Tensor, behind: Optional[Fragments]) -> Tensor:
    """The keys that made `behind` visible [B * H * W] int64; none [0] where there is nothing to be behind of."""
    if behind is None:
        return torch.empty(0, dtype=torch.int64, device=clip.device)
    ids = behind.ids.view(-1)
    keys = torch.empty(len(ids), dtype=torch.int64, device=clip.device)
    if len(ids):
        mesh = (vectors(clip.view(-1, 4), wp.vec4), clip.shape[1], vectors(triangles, wp.vec3i))
        launch_ranges(keys_kernel, len(ids), (*mesh, behind.width, behind.height, ids, keys), clip.device)
    return keys


def _visibility(clip: Tensor, triangles: Tensor, height: int, width: int, behind: Optional[Fragments]) -> Tensor:
    """Triangle + 1 of the nearest surface, behind others, under each pixel centre: [B, H, W] int32, 0 where empty."""
    views, vertices = clip.shape[:2]
    keys = torch.full((views * height * width,), EMPTY, dtype=torch.int64, device=clip.device)
    if len(triangles) and views:
        # Bands of rows over all views: every thread writes pixels of its own.
        bands = max(1, min(threads(), views * height)) if clip.device.type == "cpu" else 1
        bounds = [views * height * band // bands for band in range(bands + 1)]
        before = _keys(clip, triangles, behind)
        corners = vectors(triangles, wp.vec3i)
        arrays = (vectors(clip.view(-1, 4), wp.vec4), vertices, corners, width, height, before, keys)
        calls: List[Tuple[Any, ...]] = [(a // height, a, b, *arrays) for a, b in zip(bounds, bounds[1:])]
        most_views = max((b - 1) // height - a // height + 1 for a, b in zip(bounds, bounds[1:]))
        launch_each(rasterize_kernel, most_views * len(triangles), calls, clip.device)
    # The low word of a key is the triangle (little-endian, as every platform with torch wheels is).
    return keys.view(torch.int32)[0::2].add(1).view(views, height, width)


def rasterize(
    clip: Tensor,
    triangles: Tensor,
    resolution: Tuple[int, int],
    capacity: Optional[int] = None,
    behind: Optional[Fragments] = None,
) -> Fragments:
    """Nearest triangle under each pixel centre, or behind others (see `interface.Backend.rasterize`).

    Exact coverage with the top-left rule; triangles may cross the camera plane; fragments outside -1 <= z / w <= 1 are
    dropped; equal depths go to the lower triangle. `barycentric` is differentiable in x, y and w of `clip`; `depth` is
    not differentiated.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    device = clip.device
    positions = check("clip", clip, ("B", "V", 4), torch.float32, device)
    triangles = check_triangles(triangles, clip.shape[1], device)
    height, width = resolution
    ids = _visibility(positions, triangles, height, width, behind)
    flat = ids.view(-1)
    pixel, count = listed(flat, capacity)
    if count is None:
        hits = flat.index_select(0, pixel) - 1
    else:  # padding is one past the last pixel
        hits = flat.index_select(0, pixel.clamp(max=len(flat) - 1)).sub_(1).clamp_(min=0)
    barycentric, depth = Barycentric.apply(clip.contiguous(), triangles, ids, pixel, hits)
    layer = 0 if behind is None else behind.layer + 1
    return Fragments(len(clip), height, width, ids, pixel, hits, barycentric, depth, count, layer)

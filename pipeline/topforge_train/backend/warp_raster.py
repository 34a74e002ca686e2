"""Visibility and interpolation as Warp kernels: one source for CPU and GPU, adjoints by hand.

Rasterisation in homogeneous coordinates (Olano and Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates",
1997): an edge function is the plane through the eye and two corners, so triangles that cross the camera plane need no
clipping. Edge functions are computed in float64 from float32 positions: each product is then exact, two triangles get
exactly opposite values on the edge they share, and the sign test with the top-left rule leaves neither holes nor
double hits.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_each, launch_owners, launch_ranges, threads, vectors
from topforge_train.backend.warp_runtime import check, check_triangles

wp.set_module_options({"enable_backward": False})

EMPTY = 0x7FFFFFFFFFFFFFFF
"""Key of a pixel without surface: farther than any depth. Its low word is -1, so that `low word + 1` is the id 0."""

DEPTH_STEPS = float(2**30 - 1)
"""z / w in [-1, 1] is compared as a whole number of this many steps a unit, so that ties are exact on every device."""

LOW_WORD = wp.constant(wp.int64(1 << 32))
"""A key is depth * LOW_WORD + triangle."""


@wp.func
def corner(position: wp.vec4) -> wp.vec3d:
    """Clip position without z."""
    return wp.vec3d(wp.float64(position[0]), wp.float64(position[1]), wp.float64(position[3]))


@wp.func
def centre(index: int, size: int) -> wp.float64:
    """NDC coordinate of a pixel centre."""
    return wp.float64(2 * index + 1) * (wp.float64(1.0) / wp.float64(size)) - wp.float64(1.0)


@wp.func
def pixel_ray(pixel: int, width: int, height: int) -> wp.vec3d:
    """Centre of a pixel (flat index) in NDC, homogeneous."""
    return wp.vec3d(centre(pixel % width, width), centre((pixel // width) % height, height), wp.float64(1.0))


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
def fill(
    edge0: wp.vec3d,
    edge1: wp.vec3d,
    edge2: wp.vec3d,
    depth: wp.vec3d,
    columns: wp.vec2i,
    rows: wp.vec2i,
    width: int,
    height: int,
    first_pixel: int,
    identity: wp.int64,
    keys: wp.array(dtype=wp.int64),
):
    """Lowers the key of each pixel centre inside all three edges; ties go to the lower triangle."""
    zero = wp.float64(0.0)
    one = wp.float64(1.0)
    for row in range(rows[0], rows[1]):
        y = centre(row, height)
        row0 = edge0[1] * y + edge0[2]
        row1 = edge1[1] * y + edge1[2]
        row2 = edge2[1] * y + edge2[2]
        for column in range(columns[0], columns[1]):
            x = centre(column, width)
            value0 = edge0[0] * x + row0
            value1 = edge1[0] * x + row1
            value2 = edge2[0] * x + row2
            if value0 >= zero and value1 >= zero and value2 >= zero:
                z = depth[0] * x + depth[1] * y + depth[2]
                if wp.abs(z) <= one and owns(edge0, value0) and owns(edge1, value1) and owns(edge2, value2):
                    steps = wp.int64((z + one) * wp.float64(DEPTH_STEPS))
                    wp.atomic_min(keys, first_pixel + row * width + column, steps * LOW_WORD + identity)


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
    keys: wp.array(dtype=wp.int64),
):
    """One thread draws one triangle into one view, in the rows [first_row, last_row) counted over all views."""
    item = wp.tid()
    view = first_view + item // triangles.shape[0]
    triangle = item % triangles.shape[0]
    rows = wp.vec2i(wp.max(first_row - view * height, 0), wp.min(last_row - view * height, height))
    if rows[0] >= rows[1]:
        return
    indices = triangles[triangle]
    p0 = clip[view * vertices + indices[0]]
    p1 = clip[view * vertices + indices[1]]
    p2 = clip[view * vertices + indices[2]]
    columns = wp.vec2i(0, width)
    if p0[3] > 0.0 and p1[3] > 0.0 and p2[3] > 0.0:
        w0 = wp.float64(1.0) / wp.float64(p0[3])
        w1 = wp.float64(1.0) / wp.float64(p1[3])
        w2 = wp.float64(1.0) / wp.float64(p2[3])
        y0 = wp.float64(p0[1]) * w0
        y1 = wp.float64(p1[1]) * w1
        y2 = wp.float64(p2[1]) * w2
        bounds = pixel_bounds(wp.min(y0, wp.min(y1, y2)), wp.max(y0, wp.max(y1, y2)), height)
        rows = wp.vec2i(wp.max(rows[0], bounds[0]), wp.min(rows[1], bounds[1]))
        if rows[0] >= rows[1]:
            return
        x0 = wp.float64(p0[0]) * w0
        x1 = wp.float64(p1[0]) * w1
        x2 = wp.float64(p2[0]) * w2
        columns = pixel_bounds(wp.min(x0, wp.min(x1, x2)), wp.max(x0, wp.max(x1, x2)), width)
    elif p0[3] <= 0.0 and p1[3] <= 0.0 and p2[3] <= 0.0:
        return
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
    depth = (
        edge0 * (wp.float64(p0[2]) / determinant)
        + edge1 * (wp.float64(p1[2]) / determinant)
        + edge2 * (wp.float64(p2[2]) / determinant)
    )
    fill(
        edge0 * side,
        edge1 * side,
        edge2 * side,
        depth,
        columns,
        rows,
        width,
        height,
        view * width * height,
        wp.int64(triangle),
        keys,
    )


@wp.func
def weights(v0: wp.vec3d, v1: wp.vec3d, v2: wp.vec3d, ray: wp.vec3d) -> wp.vec3d:
    """Perspective-correct weights of the corners times w, and times the determinant of the corners."""
    return wp.vec3d(wp.dot(wp.cross(v1, v2), ray), wp.dot(wp.cross(v2, v0), ray), wp.dot(wp.cross(v0, v1), ray))


@wp.kernel
def barycentric_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    width: int,
    height: int,
    pixels: wp.array(dtype=wp.int64),
    hits: wp.array(dtype=int),
    barycentric: wp.array(dtype=wp.vec2),
    depth: wp.array(dtype=float),
):
    """Weights and z / w of one fragment."""
    i = first + wp.tid()
    pixel = int(pixels[i])
    indices = triangles[hits[i]]
    base = (pixel // (width * height)) * vertices
    p0 = clip[base + indices[0]]
    p1 = clip[base + indices[1]]
    p2 = clip[base + indices[2]]
    v0 = corner(p0)
    v1 = corner(p1)
    v2 = corner(p2)
    ray = pixel_ray(pixel, width, height)
    c = weights(v0, v1, v2, ray)
    total = c[0] + c[1] + c[2]
    z = wp.vec3d(wp.float64(p0[2]), wp.float64(p1[2]), wp.float64(p2[2]))
    barycentric[i] = wp.vec2(float(c[0] / total), float(c[1] / total))
    depth[i] = float(wp.dot(c, z) / wp.dot(v0, wp.cross(v1, v2)))


@wp.func
def add_owned(owner: int, owners: int, vertex: int, slot: int, value: wp.vec3d, target: wp.array(dtype=wp.vec4)):
    """Adds a gradient for (x, y, w) to a clip position, if its vertex is this owner's; z has none."""
    if vertex % owners == owner:
        wp.atomic_add(target, slot, wp.vec4(float(value[0]), float(value[1]), 0.0, float(value[2])))


@wp.kernel
def barycentric_adjoint_kernel(
    owner: int,
    owners: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    width: int,
    height: int,
    pixels: wp.array(dtype=wp.int64),
    hits: wp.array(dtype=int),
    gradient: wp.array(dtype=wp.vec2),
    clip_gradient: wp.array(dtype=wp.vec4),
):
    """Adds a fragment's gradient to its three corners.

    With M = [v0 v1 v2] and the ray r, c = M^-1 r are the weights before they are scaled to sum 1 (their sum is 1 / w),
    so dc = -M^-1 dM c, and dL/dv_i = -c_i M^-T dL/dc.
    """
    i = wp.tid()
    pixel = int(pixels[i])
    indices = triangles[hits[i]]
    if owners > 1 and indices[0] % owners != owner and indices[1] % owners != owner and indices[2] % owners != owner:
        return
    base = (pixel // (width * height)) * vertices
    v0 = corner(clip[base + indices[0]])
    v1 = corner(clip[base + indices[1]])
    v2 = corner(clip[base + indices[2]])
    edge0 = wp.cross(v1, v2)
    edge1 = wp.cross(v2, v0)
    edge2 = wp.cross(v0, v1)
    ray = pixel_ray(pixel, width, height)
    c0 = wp.dot(edge0, ray)
    c1 = wp.dot(edge1, ray)
    c2 = wp.dot(edge2, ray)
    total = c0 + c1 + c2
    g0 = wp.float64(gradient[i][0])
    g1 = wp.float64(gradient[i][1])
    mean = (g0 * c0 + g1 * c1) / total
    # Both c and M^-T want a division by the determinant; scaling to sum 1 takes one of them away.
    scale = wp.float64(-1.0) / (total * wp.dot(v0, edge0))
    common = (edge0 * (g0 - mean) + edge1 * (g1 - mean) - edge2 * mean) * scale
    add_owned(owner, owners, indices[0], base + indices[0], common * c0, clip_gradient)
    add_owned(owner, owners, indices[1], base + indices[1], common * c1, clip_gradient)
    add_owned(owner, owners, indices[2], base + indices[2], common * c2, clip_gradient)


def _visibility(clip: Tensor, triangles: Tensor, height: int, width: int) -> Tensor:
    """Triangle + 1 of the nearest surface under each pixel centre: [B, H, W] int32, 0 where empty."""
    views, vertices = clip.shape[:2]
    keys = torch.full((views * height * width,), EMPTY, dtype=torch.int64, device=clip.device)
    if len(triangles) and views:
        # Bands of rows over all views: every thread writes pixels of its own.
        bands = max(1, min(threads(), views * height)) if clip.device.type == "cpu" else 1
        bounds = [views * height * band // bands for band in range(bands + 1)]
        arrays = (vectors(clip.view(-1, 4), wp.vec4), vertices, vectors(triangles, wp.vec3i), width, height, keys)
        calls: List[Tuple[Any, ...]] = [(a // height, a, b, *arrays) for a, b in zip(bounds, bounds[1:])]
        most_views = max((b - 1) // height - a // height + 1 for a, b in zip(bounds, bounds[1:]))
        launch_each(rasterize_kernel, most_views * len(triangles), calls, clip.device)
    # The low word of a key is the triangle (little-endian, as every platform with torch wheels is).
    return keys.view(torch.int32)[0::2].add(1).view(views, height, width)


class _Barycentric(torch.autograd.Function):
    """Weights of the fragments, differentiable in the clip positions; depth, which is not."""

    @staticmethod
    def forward(ctx: Any, clip: Tensor, triangles: Tensor, ids: Tensor, pixel: Tensor, hits: Tensor) -> Any:
        height, width = ids.shape[1:]
        barycentric = clip.new_empty((len(pixel), 2))
        depth = clip.new_empty((len(pixel),))
        ctx.geometry = (
            vectors(clip.view(-1, 4), wp.vec4),
            clip.shape[1],
            vectors(triangles, wp.vec3i),
            width,
            height,
            pixel,
            hits,
        )
        ctx.shape = clip.shape
        outputs = (vectors(barycentric, wp.vec2), depth)
        if len(pixel):
            launch_ranges(barycentric_kernel, len(pixel), (*ctx.geometry, *outputs), clip.device)
        ctx.mark_non_differentiable(depth)
        return barycentric, depth

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _depth_gradient: Tensor) -> Any:
        result = gradient.new_zeros(ctx.shape)
        if len(gradient):
            arrays = (vectors(gradient.contiguous(), wp.vec2), vectors(result.view(-1, 4), wp.vec4))
            launch_owners(barycentric_adjoint_kernel, len(gradient), (*ctx.geometry, *arrays), gradient.device)
        return result, None, None, None, None


def rasterize(clip: Tensor, triangles: Tensor, resolution: Tuple[int, int]) -> Fragments:
    """Nearest triangle under each pixel centre (see `interface.Backend.rasterize`).

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
    ids = _visibility(positions, triangles, height, width)
    flat = ids.view(-1)
    pixel = torch.nonzero(flat).squeeze(1)
    hits = flat[pixel] - 1
    barycentric, depth = _Barycentric.apply(clip.contiguous(), triangles, ids, pixel, hits)
    return Fragments(len(clip), height, width, ids, pixel, hits, barycentric, depth)

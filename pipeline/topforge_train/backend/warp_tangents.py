"""MikkTSpace tangents as Warp kernels: one source for CPU and GPU, adjoint by hand.

`rendering.tangents` says what they are.
"""

from __future__ import annotations

from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.warp_runtime import check, check_triangles
from topforge_train.backend.warp_vectors import unit, unit_kernel, unit_slope
from topforge_train.backend.warp_vertex_normals import add_owned, is_padding, owns_any

wp.set_module_options({"enable_backward": False})

SHORTEST = wp.constant(1.0e-12)
"""Vectors below this length have no direction."""
STRAIGHT = wp.constant(1.0 - 1.0e-6)
"""Cosines beyond are cut: the slope of the arc cosine is infinite at 1."""


@wp.func
def flat(v: wp.vec3, normal: wp.vec3) -> wp.vec3:
    """The part of a vector in the plane of a normal."""
    return v - normal * wp.dot(v, normal)


@wp.func
def flat_unit_slopes(v: wp.vec3, normal: wp.vec3, gradient: wp.vec3):
    """Adjoint of `unit(flat(v, normal))` in both arguments."""
    g = unit_slope(flat(v, normal), gradient, SHORTEST)
    along = wp.dot(normal, g)
    return g - normal * along, -(wp.dot(v, normal) * g) - along * v


@wp.func
def sign(x: float) -> float:
    """-1, 0 or 1 (Warp's own calls 0 positive)."""
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return 0.0


@wp.func
def shares_of_edges(a: wp.vec2, b: wp.vec2, c: wp.vec2) -> wp.vec2:
    """Dp/du points along share[0] (b - a) + share[1] (c - a) in space; zero if the texture triangle has no area."""
    one = b - a
    two = c - a
    side = sign(one[0] * two[1] - two[0] * one[1])
    return wp.vec2(side * two[1], -(side * one[1]))


@wp.kernel
def spread_tangents_kernel(
    owner: int,
    owners: int,
    vertices: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    uv: wp.array(dtype=wp.vec2),
    uv_triangles: wp.array(dtype=wp.vec3i),
    sums: wp.array(dtype=wp.vec3),
):
    """Adds the tangent of each corner of a triangle, as long as the corner's angle, to its texture vertex."""
    places = uv_triangles[wp.tid()]
    corners = triangles[wp.tid()]
    if owns_any(owner, owners, places, sums.shape[0]) and not is_padding(corners):
        a = vertices[corners[0]]
        shares = shares_of_edges(uv[places[0]], uv[places[1]], uv[places[2]])
        along = shares[0] * (vertices[corners[1]] - a) + shares[1] * (vertices[corners[2]] - a)
        direction = unit(along, SHORTEST)
        for k in range(3):
            here = vertices[corners[k]]
            normal = normals[corners[k]]
            after = unit(flat(vertices[corners[(k + 1) % 3]] - here, normal), SHORTEST)
            before = unit(flat(vertices[corners[(k + 2) % 3]] - here, normal), SHORTEST)
            angle = wp.acos(wp.clamp(wp.dot(after, before), -STRAIGHT, STRAIGHT))
            add_owned(owner, owners, places[k], angle * unit(flat(direction, normal), SHORTEST), sums)


@wp.kernel
def tangent_slopes_kernel(
    owner: int,
    owners: int,
    vertices: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    uv: wp.array(dtype=wp.vec2),
    uv_triangles: wp.array(dtype=wp.vec3i),
    sums: wp.array(dtype=wp.vec3),
    gradient: wp.array(dtype=wp.vec3),
    vertex_slopes: wp.array(dtype=wp.vec3),
    normal_slopes: wp.array(dtype=wp.vec3),
):
    """Adjoint of one triangle's part in its positions and vertex normals."""
    places = uv_triangles[wp.tid()]
    corners = triangles[wp.tid()]
    if owns_any(owner, owners, corners, vertex_slopes.shape[0]) and not is_padding(corners):
        a = vertices[corners[0]]
        shares = shares_of_edges(uv[places[0]], uv[places[1]], uv[places[2]])
        along = shares[0] * (vertices[corners[1]] - a) + shares[1] * (vertices[corners[2]] - a)
        direction = unit(along, SHORTEST)
        to_direction = wp.vec3(0.0, 0.0, 0.0)
        for k in range(3):
            here = vertices[corners[k]]
            normal = normals[corners[k]]
            to_after = vertices[corners[(k + 1) % 3]] - here
            to_before = vertices[corners[(k + 2) % 3]] - here
            after = unit(flat(to_after, normal), SHORTEST)
            before = unit(flat(to_before, normal), SHORTEST)
            cosine = wp.dot(after, before)
            angle = wp.acos(wp.clamp(cosine, -STRAIGHT, STRAIGHT))
            g = unit_slope(sums[places[k]], gradient[places[k]], SHORTEST)
            by_cosine = wp.float32(0.0)
            if wp.abs(cosine) < STRAIGHT:
                by_cosine = -wp.dot(unit(flat(direction, normal), SHORTEST), g) / wp.sqrt(1.0 - cosine * cosine)
            by_direction, by_normal = flat_unit_slopes(direction, normal, angle * g)
            by_after, more = flat_unit_slopes(to_after, normal, by_cosine * before)
            by_before, most = flat_unit_slopes(to_before, normal, by_cosine * after)
            to_direction += by_direction
            add_owned(owner, owners, corners[k], by_normal + more + most, normal_slopes)
            add_owned(owner, owners, corners[k], -(by_after + by_before), vertex_slopes)
            add_owned(owner, owners, corners[(k + 1) % 3], by_after, vertex_slopes)
            add_owned(owner, owners, corners[(k + 2) % 3], by_before, vertex_slopes)
        by_along = unit_slope(along, to_direction, SHORTEST)
        add_owned(owner, owners, corners[0], -(shares[0] + shares[1]) * by_along, vertex_slopes)
        add_owned(owner, owners, corners[1], shares[0] * by_along, vertex_slopes)
        add_owned(owner, owners, corners[2], shares[1] * by_along, vertex_slopes)


class _Tangents(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, vertices: Tensor, normals: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor
    ) -> Tensor:
        saved = (vertices.contiguous(), normals.contiguous(), triangles, uv.contiguous(), uv_triangles)
        sums = vertices.new_zeros(len(uv), 3)
        found = torch.empty_like(sums)
        launch_owners(spread_tangents_kernel, len(triangles), _arrays(*saved, sums), vertices.device)
        arrays = (SHORTEST, vectors(sums, wp.vec3), vectors(found, wp.vec3))
        launch_ranges(unit_kernel, len(uv), arrays, vertices.device)
        ctx.save_for_backward(*saved, sums)
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Any, ...]:
        saved = ctx.saved_tensors
        slopes = torch.zeros(2, *saved[0].shape, device=gradient.device)
        more = [vectors(tensor, wp.vec3) for tensor in (gradient.contiguous(), *slopes)]
        launch_owners(tangent_slopes_kernel, len(saved[2]), (*_arrays(*saved), *more), gradient.device)
        return slopes[0], slopes[1], None, None, None


def _arrays(
    vertices: Tensor, normals: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor, sums: Tensor
) -> Tuple[Any, ...]:
    """The tensors as kernels take them."""
    mesh = (vectors(vertices, wp.vec3), vectors(normals, wp.vec3), vectors(triangles, wp.vec3i))
    return (*mesh, vectors(uv, wp.vec2), vectors(uv_triangles, wp.vec3i), vectors(sums, wp.vec3))


def tangents(vertices: Tensor, normals: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor) -> Tensor:
    """Unit tangents [Vt, 3], all float32; arguments and meaning as in `rendering.tangents.tangents`.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    device = vertices.device
    check("vertices", vertices, ("V", 3), torch.float32, device)
    check("normals", normals, vertices.shape, torch.float32, device)
    uv = check("uv", uv, ("Vt", 2), torch.float32, device)
    triangles = check_triangles(triangles, len(vertices), device)
    uv_triangles = check_triangles(uv_triangles, len(uv), device)
    check("uv_triangles", uv_triangles, triangles.shape, torch.int32, device)
    return _Tangents.apply(vertices, normals, triangles, uv, uv_triangles)

"""Area-weighted vertex normals as Warp kernels: one source for CPU and GPU, adjoint by hand."""

from __future__ import annotations

from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.warp_runtime import check, check_triangles
from topforge_train.backend.warp_vectors import unit_kernel, unit_slope

wp.set_module_options({"enable_backward": False})

SHORTEST = wp.constant(1.0e-20)
"""Sums of normals below this length belong to vertices without area."""


@wp.func
def is_padding(corners: wp.vec3i) -> bool:
    """Whether a triangle is one vertex three times: what fills up a list of fixed length."""
    return corners[0] == corners[1] and corners[1] == corners[2]


@wp.func
def owns(owner: int, owners: int, vertex: int, vertices: int) -> bool:
    """Whether a vertex is this owner's: each has an unbroken share, so that most triangles concern one of them."""
    return vertex * owners // vertices == owner


@wp.func
def owns_any(owner: int, owners: int, corners: wp.vec3i, vertices: int) -> bool:
    """Whether a triangle has one of this owner's vertices."""
    return (
        owns(owner, owners, corners[0], vertices)
        or owns(owner, owners, corners[1], vertices)
        or owns(owner, owners, corners[2], vertices)
    )


@wp.func
def add_owned(owner: int, owners: int, vertex: int, value: wp.vec3, target: wp.array(dtype=wp.vec3)):
    """Adds to a vertex, if it is this owner's."""
    if owns(owner, owners, vertex, target.shape[0]):
        wp.atomic_add(target, vertex, value)


@wp.kernel
def spread_normals_kernel(
    owner: int,
    owners: int,
    vertices: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    sums: wp.array(dtype=wp.vec3),
):
    """Adds the normal of a triangle, twice its area long, to its three vertices."""
    corners = triangles[wp.tid()]
    if owns_any(owner, owners, corners, sums.shape[0]) and not is_padding(corners):
        a = vertices[corners[0]]
        normal = wp.cross(vertices[corners[1]] - a, vertices[corners[2]] - a)
        for k in range(3):
            add_owned(owner, owners, corners[k], normal, sums)


@wp.kernel
def vertex_slopes_kernel(
    owner: int,
    owners: int,
    vertices: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    sums: wp.array(dtype=wp.vec3),
    gradient: wp.array(dtype=wp.vec3),
    slopes: wp.array(dtype=wp.vec3),
):
    """Adjoint of one triangle's part: n = (b - a) x (c - a), and it reaches three unit vectors."""
    corners = triangles[wp.tid()]
    if owns_any(owner, owners, corners, slopes.shape[0]) and not is_padding(corners):
        g = wp.vec3(0.0, 0.0, 0.0)
        for k in range(3):
            g += unit_slope(sums[corners[k]], gradient[corners[k]], SHORTEST)
        a = vertices[corners[0]]
        to_b = wp.cross(vertices[corners[2]] - a, g)
        to_c = wp.cross(g, vertices[corners[1]] - a)
        add_owned(owner, owners, corners[0], -(to_b + to_c), slopes)
        add_owned(owner, owners, corners[1], to_b, slopes)
        add_owned(owner, owners, corners[2], to_c, slopes)


class _VertexNormals(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vertices: Tensor, triangles: Tensor) -> Tensor:
        vertices = vertices.contiguous()
        sums, normals = torch.zeros_like(vertices), torch.empty_like(vertices)
        summed = vectors(sums, wp.vec3)
        arrays = (vectors(vertices, wp.vec3), vectors(triangles, wp.vec3i), summed)
        launch_owners(spread_normals_kernel, len(triangles), arrays, vertices.device)
        launch_ranges(unit_kernel, len(vertices), (SHORTEST, summed, vectors(normals, wp.vec3)), vertices.device)
        ctx.save_for_backward(vertices, triangles, sums)
        return normals

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Any, ...]:
        vertices, triangles, sums = ctx.saved_tensors
        slopes = torch.zeros_like(vertices)
        mesh = (vectors(vertices, wp.vec3), vectors(triangles, wp.vec3i), vectors(sums, wp.vec3))
        arrays = (*mesh, vectors(gradient.contiguous(), wp.vec3), vectors(slopes, wp.vec3))
        launch_owners(vertex_slopes_kernel, len(triangles), arrays, gradient.device)
        return slopes, None


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals [V, 3] of vertices [V, 3] float32 from triangles [F, 3] int32; see `geometry.mesh.vertex_normals`.

    Triangles that are one vertex three times are passed over.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    check("vertices", vertices, ("V", 3), torch.float32, vertices.device)
    triangles = check_triangles(triangles, len(vertices), vertices.device)
    return _VertexNormals.apply(vertices, triangles)

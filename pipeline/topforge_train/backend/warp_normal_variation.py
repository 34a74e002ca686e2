"""How much vertex normals differ along the edges of each triangle, as Warp kernels with an adjoint by hand."""

from __future__ import annotations

from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.warp_runtime import check, check_triangles
from topforge_train.backend.warp_vertex_normals import add_owned, is_padding, owns_any

wp.set_module_options({"enable_backward": False})


@wp.kernel
def variation_kernel(
    first: int,
    normals: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    variation: wp.array(dtype=float),
):
    """Mean squared difference over the three edges of one triangle."""
    i = first + wp.tid()
    corners = triangles[i]
    a = normals[corners[0]]
    b = normals[corners[1]]
    c = normals[corners[2]]
    variation[i] = (wp.length_sq(a - b) + wp.length_sq(b - c) + wp.length_sq(c - a)) / 3.0


@wp.kernel
def normal_slopes_kernel(
    owner: int,
    owners: int,
    normals: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    gradient: wp.array(dtype=float),
    slopes: wp.array(dtype=wp.vec3),
):
    """Adjoint of one triangle: each corner is drawn to the mean of the others."""
    corners = triangles[wp.tid()]
    if owns_any(owner, owners, corners, slopes.shape[0]) and not is_padding(corners):
        share = gradient[wp.tid()] * 2.0 / 3.0
        sum = normals[corners[0]] + normals[corners[1]] + normals[corners[2]]
        for k in range(3):
            add_owned(owner, owners, corners[k], share * (3.0 * normals[corners[k]] - sum), slopes)


class _NormalVariation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, normals: Tensor, triangles: Tensor) -> Tensor:
        normals = normals.contiguous()
        variation = normals.new_empty(len(triangles))
        arrays = (vectors(normals, wp.vec3), vectors(triangles, wp.vec3i), variation)
        launch_ranges(variation_kernel, len(triangles), arrays, normals.device)
        ctx.save_for_backward(normals, triangles)
        return variation

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Any, ...]:
        normals, triangles = ctx.saved_tensors
        slopes = torch.zeros_like(normals)
        arrays = (vectors(normals, wp.vec3), vectors(triangles, wp.vec3i), gradient.contiguous())
        launch_owners(normal_slopes_kernel, len(triangles), (*arrays, vectors(slopes, wp.vec3)), normals.device)
        return slopes, None


def normal_variation(normals: Tensor, triangles: Tensor) -> Tensor:
    """Mean squared difference [F] of the vertex normals at the ends of each triangle's edges; 0 for padding.

    Args:
        normals: [V, 3] float32, differentiable.
        triangles: [F, 3] int32.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    check("normals", normals, ("V", 3), torch.float32, normals.device)
    triangles = check_triangles(triangles, len(normals), normals.device)
    return _NormalVariation.apply(normals, triangles)

"""Perspective-correct weights of fragments as Warp kernels: one source for CPU and GPU, adjoint by hand."""

from __future__ import annotations

from typing import Any

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_each, launch_ranges, vectors

wp.set_module_options({"enable_backward": False})


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
    """Weights and z / w of one fragment; even weights, and a depth behind everything, for padding."""
    i = first + wp.tid()
    pixel = int(pixels[i])
    indices = triangles[hits[i]]
    base = (pixel // (width * height)) * vertices
    if base >= clip.shape[0]:
        barycentric[i] = wp.vec2(1.0 / 3.0, 1.0 / 3.0)
        depth[i] = 2.0
        return
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
def add_gradient(value: wp.vec3d, target: wp.array(dtype=wp.vec4), slot: int):
    """Adds a gradient for (x, y, w) to a clip position; z has none."""
    wp.atomic_add(target, slot, wp.vec4(float(value[0]), float(value[1]), 0.0, float(value[2])))


@wp.kernel
def barycentric_adjoint_kernel(
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
    base = (pixel // (width * height)) * vertices
    if base >= clip.shape[0] or (gradient[i][0] == 0.0 and gradient[i][1] == 0.0):  # padding, among others
        return
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
    add_gradient(common * c0, clip_gradient, base + indices[0])
    add_gradient(common * c1, clip_gradient, base + indices[1])
    add_gradient(common * c2, clip_gradient, base + indices[2])


class Barycentric(torch.autograd.Function):
    """Weights of the fragments, differentiable in the clip positions; depth, which is not."""

    @staticmethod
    def forward(ctx: Any, clip: Tensor, triangles: Tensor, ids: Tensor, pixel: Tensor, hits: Tensor) -> Any:
        """Weights [P, 2] and depth [P] of the fragments at flat pixels [P] with triangles `hits` [P]."""
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
        """Gradient of the clip positions; depth is not differentiated."""
        result = gradient.new_zeros(ctx.shape)
        if len(gradient):
            arrays = (vectors(gradient.contiguous(), wp.vec2), vectors(result.view(-1, 4), wp.vec4))
            # One launch: shares of a scatter would each repeat the arithmetic, which is most of the work.
            launch_each(barycentric_adjoint_kernel, len(gradient), [(*ctx.geometry, *arrays)], gradient.device)
        return result, None, None, None, None

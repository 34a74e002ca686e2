"""The differentiable half of FlexiCubes as Warp kernels: crossings and dual vertices, with the adjoint by hand.

One thread handles one crossed edge with the four cubes around it. Twin: `flexicubes_reference.dual_vertices`.
"""

from __future__ import annotations

from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_each, launch_ranges, vectors
from topforge_train.geometry.flexicubes_kernels import Topology

# Without fused multiply-add, which CPUs and GPUs do not share: vertices that agree to the bit cover the same pixels.
wp.set_module_options({"enable_backward": False, "fuse_fp": False})

SPREAD = wp.constant(wp.float32(0.99))
"""Weights alpha and beta are 1 + SPREAD tanh(raw): positive, so that vertices stay in their cells."""


@wp.func
def squashed(raw: float) -> float:
    """A weight."""
    return 1.0 + SPREAD * wp.tanh(raw)


@wp.func
def squash_slope(weight: float) -> float:
    """Its derivative."""
    t = (weight - 1.0) / SPREAD
    return SPREAD * (1.0 - t * t)


@wp.func
def tanh3(raw: wp.vec3) -> wp.vec3:
    """Of each component."""
    return wp.vec3(wp.tanh(raw[0]), wp.tanh(raw[1]), wp.tanh(raw[2]))


@wp.kernel
def point_kernel(
    first: int,
    distances: wp.array(dtype=wp.vec2),
    deform: wp.array(dtype=wp.vec3),
    weights: wp.array(dtype=float),
    x0: wp.array(dtype=wp.vec3),
    limit: float,
    ends: wp.array(dtype=wp.int64),
    cubes: wp.array(dtype=wp.int64),
    slot: wp.array(dtype=wp.int64),
    local_edges: wp.array(dtype=wp.int64),
    corners: wp.array(dtype=wp.int64),
    points: wp.array(dtype=wp.vec3),
    weighted: wp.array(dtype=wp.vec4),
):
    """Where each of the four cubes sees the surface cross one edge, and that times its weight beta, and beta."""
    q = first + wp.tid()
    if ends[2 * q] == ends[2 * q + 1]:  # padding
        for k in range(4):
            points[4 * q + k] = wp.vec3(0.0, 0.0, 0.0)
            weighted[4 * q + k] = wp.vec4(0.0, 0.0, 0.0, 0.0)
        return
    low = x0[ends[2 * q]] + limit * tanh3(deform[ends[2 * q]])
    high = x0[ends[2 * q + 1]] + limit * tanh3(deform[ends[2 * q + 1]])
    for k in range(4):
        j = 4 * q + k
        edge = int(local_edges[j])
        base = int(cubes[slot[j]]) * 21
        s0 = distances[q][0] * squashed(weights[base + 12 + int(corners[2 * edge])])
        s1 = distances[q][1] * squashed(weights[base + 12 + int(corners[2 * edge + 1])])
        t = s0 / (s0 - s1)
        point = low + t * (high - low)
        beta = squashed(weights[base + edge])
        points[j] = point
        weighted[j] = wp.vec4(beta * point[0], beta * point[1], beta * point[2], beta)


@wp.kernel
def point_adjoint_kernel(
    distances: wp.array(dtype=wp.vec2),
    deform: wp.array(dtype=wp.vec3),
    weights: wp.array(dtype=float),
    x0: wp.array(dtype=wp.vec3),
    limit: float,
    ends: wp.array(dtype=wp.int64),
    cubes: wp.array(dtype=wp.int64),
    slot: wp.array(dtype=wp.int64),
    local_edges: wp.array(dtype=wp.int64),
    corners: wp.array(dtype=wp.int64),
    vertex: wp.array(dtype=wp.int64),
    sums: wp.array(dtype=wp.vec4),
    point_gradient: wp.array(dtype=wp.vec3),
    dual_gradient: wp.array(dtype=wp.vec3),
    to_distances: wp.array(dtype=wp.vec2),
    to_deform: wp.array(dtype=wp.vec3),
    to_weights: wp.array(dtype=float),
):
    """Adjoint of `point_kernel` and of the weighted means, for one edge."""
    q = wp.tid()
    if ends[2 * q] == ends[2 * q + 1]:  # padding
        return
    tanh_low = tanh3(deform[ends[2 * q]])
    tanh_high = tanh3(deform[ends[2 * q + 1]])
    low = x0[ends[2 * q]] + limit * tanh_low
    high = x0[ends[2 * q + 1]] + limit * tanh_high
    run = high - low
    to_low = wp.vec3(0.0, 0.0, 0.0)
    to_high = wp.vec3(0.0, 0.0, 0.0)
    to_first = wp.float32(0.0)
    to_second = wp.float32(0.0)
    for k in range(4):
        j = 4 * q + k
        edge = int(local_edges[j])
        base = int(cubes[slot[j]]) * 21
        alpha0 = squashed(weights[base + 12 + int(corners[2 * edge])])
        alpha1 = squashed(weights[base + 12 + int(corners[2 * edge + 1])])
        beta = squashed(weights[base + edge])
        s0 = distances[q][0] * alpha0
        s1 = distances[q][1] * alpha1
        scale = 1.0 / (s0 - s1)
        t = s0 * scale
        point = low + t * run
        total = sums[vertex[j]]
        dual = wp.vec3(total[0], total[1], total[2]) / total[3]
        of_dual = dual_gradient[vertex[j]] / total[3]
        of_point = point_gradient[j] + beta * of_dual
        wp.atomic_add(to_weights, base + edge, wp.dot(of_dual, point - dual) * squash_slope(beta))
        of_t = wp.dot(of_point, run) * scale * scale
        of_s0 = -of_t * s1
        of_s1 = of_t * s0
        to_first += of_s0 * alpha0
        to_second += of_s1 * alpha1
        at0 = base + 12 + int(corners[2 * edge])
        at1 = base + 12 + int(corners[2 * edge + 1])
        wp.atomic_add(to_weights, at0, of_s0 * distances[q][0] * squash_slope(alpha0))
        wp.atomic_add(to_weights, at1, of_s1 * distances[q][1] * squash_slope(alpha1))
        to_low += (1.0 - t) * of_point
        to_high += t * of_point
    to_distances[q] = wp.vec2(to_first, to_second)
    ones = wp.vec3(1.0, 1.0, 1.0)
    wp.atomic_add(to_deform, int(ends[2 * q]), limit * wp.cw_mul(to_low, ones - wp.cw_mul(tanh_low, tanh_low)))
    wp.atomic_add(to_deform, int(ends[2 * q + 1]), limit * wp.cw_mul(to_high, ones - wp.cw_mul(tanh_high, tanh_high)))


def _inputs(distances: Tensor, deform: Tensor, weights: Tensor, x0: Tensor, topology: Topology, corners: Tensor) -> Any:
    """The arrays that both kernels share, without the limit."""
    floats = (vectors(distances, wp.vec2), vectors(deform, wp.vec3), weights.view(-1), vectors(x0, wp.vec3))
    places = (topology.ends.view(-1), topology.cubes, topology.slot.view(-1), topology.local_edges.view(-1))
    return floats, (*places, corners.view(-1))


class _DualVertices(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        distances: Tensor,
        deform: Tensor,
        weights: Tensor,
        x0: Tensor,
        limit: float,
        topology: Topology,
        corners: Tensor,
    ) -> Tuple[Tensor, Tensor]:
        count, device = len(distances), distances.device
        distances = distances.contiguous()
        points = distances.new_empty((4 * count, 3))
        weighted = distances.new_empty((4 * count, 4))
        floats, places = _inputs(distances, deform, weights, x0, topology, corners)
        outputs = (vectors(points, wp.vec3), vectors(weighted, wp.vec4))
        launch_ranges(point_kernel, count, (*floats, limit, *places, *outputs), device)
        sums = distances.new_zeros((topology.count, 4)).index_add_(0, topology.vertex.view(-1), weighted)
        ctx.save_for_backward(distances, deform, weights, x0, corners, sums)
        ctx.limit, ctx.topology = limit, topology
        return points, sums[:, :3] / sums[:, 3:].clamp_min(1e-6)  # weights are above 0.01 unless none was added

    @staticmethod
    def backward(ctx: Any, of_points: Tensor, of_duals: Tensor) -> Any:
        distances, deform, weights, x0, corners, sums = ctx.saved_tensors
        to_distances, to_deform, to_weights = (torch.zeros_like(tensor) for tensor in (distances, deform, weights))
        floats, places = _inputs(distances, deform, weights, x0, ctx.topology, corners)
        incoming = (vectors(of_points.contiguous(), wp.vec3), vectors(of_duals.contiguous(), wp.vec3))
        outputs = (vectors(to_distances, wp.vec2), vectors(to_deform, wp.vec3), to_weights.view(-1))
        linked = (ctx.topology.vertex.view(-1), vectors(sums, wp.vec4))
        # One launch: shares of a scatter would each repeat the arithmetic, which is most of the work.
        call = (*floats, ctx.limit, *places, *linked, *incoming, *outputs)
        launch_each(point_adjoint_kernel, len(distances), [call], distances.device)
        return to_distances, to_deform, to_weights, None, None, None, None


def dual_vertices(
    distances: Tensor, deform: Tensor, weights: Tensor, x0: Tensor, limit: float, topology: Topology, corners: Tensor
) -> Tuple[Tensor, Tensor]:
    """Where each cube sees the surface cross each of its edges (u of the paper), and the dual vertices (v).

    Args:
        distances: [Q, 2] signed distances at the ends of the crossed edges, of different sign.
        deform: [N, 3] raw displacement of the grid's vertices.
        weights: [C, 21] raw weights of the cubes: beta of 12 edges, alpha of 8 corners, gamma.
        x0: [N, 3] undisplaced vertices, world units; not differentiated.
        limit: The largest displacement along an axis, world units.
        topology: Of Q edges and D dual vertices.
        corners: [12, 2] int64, the corners of a cube's edges.

    Returns:
        Crossings [4 Q, 3] in the order of `topology.vertex`, and dual vertices [D, 3].
    """
    return _DualVertices.apply(distances, deform, weights, x0, limit, topology, corners)

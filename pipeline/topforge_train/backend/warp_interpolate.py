"""Interpolation of vertex attributes over fragments as Warp kernels: one source for CPU and GPU, adjoints by hand."""

from __future__ import annotations

from typing import Any

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.warp_runtime import check, check_triangles

wp.set_module_options({"enable_backward": False})


@wp.kernel
def interpolate_kernel(
    first: int,
    attributes: wp.array(dtype=float),
    channels: int,
    triangles: wp.array(dtype=wp.vec3i),
    hits: wp.array(dtype=int),
    barycentric: wp.array(dtype=wp.vec2),
    values: wp.array(dtype=float),
):
    """Weighted sum of the three corners' attributes for one fragment."""
    i = first + wp.tid()
    indices = triangles[hits[i]]
    b0 = barycentric[i][0]
    b1 = barycentric[i][1]
    b2 = 1.0 - b0 - b1
    from0 = indices[0] * channels
    from1 = indices[1] * channels
    from2 = indices[2] * channels
    for channel in range(channels):
        values[i * channels + channel] = (
            b0 * attributes[from0 + channel] + b1 * attributes[from1 + channel] + b2 * attributes[from2 + channel]
        )


@wp.kernel
def barycentric_gradient_kernel(
    first: int,
    attributes: wp.array(dtype=float),
    channels: int,
    triangles: wp.array(dtype=wp.vec3i),
    hits: wp.array(dtype=int),
    gradient: wp.array(dtype=float),
    barycentric_gradient: wp.array(dtype=wp.vec2),
):
    """Adjoint of the interpolation of one fragment in its weights; the third weight is one minus the others."""
    i = first + wp.tid()
    indices = triangles[hits[i]]
    from0 = indices[0] * channels
    from1 = indices[1] * channels
    from2 = indices[2] * channels
    g0 = wp.float32(0.0)
    g1 = wp.float32(0.0)
    for channel in range(channels):
        g = gradient[i * channels + channel]
        last = attributes[from2 + channel]
        g0 += g * (attributes[from0 + channel] - last)
        g1 += g * (attributes[from1 + channel] - last)
    barycentric_gradient[i] = wp.vec2(g0, g1)


@wp.func
def add_owned(
    owner: int,
    owners: int,
    vertex: int,
    weight: float,
    fragment: int,
    share: int,
    shares: int,
    channels: int,
    gradient: wp.array(dtype=float),
    target: wp.array(dtype=float),
):
    """Adds the weighted gradient of every so manieth channel of a fragment to a vertex, if it is this owner's."""
    if vertex % owners == owner:
        for channel in range(share, channels, shares):
            value = weight * gradient[fragment * channels + channel]
            if value != 0.0:  # padding has none, and would queue up in one place
                wp.atomic_add(target, vertex * channels + channel, value)


@wp.kernel
def attribute_gradient_kernel(
    owner: int,
    owners: int,
    shares: int,
    channels: int,
    triangles: wp.array(dtype=wp.vec3i),
    hits: wp.array(dtype=int),
    barycentric: wp.array(dtype=wp.vec2),
    gradient: wp.array(dtype=float),
    attribute_gradient: wp.array(dtype=float),
):
    """Adjoint of the interpolation of one fragment, by `shares` threads, in the attributes of its three corners."""
    item = wp.tid()
    i = item // shares
    share = item % shares
    indices = triangles[hits[i]]
    b0 = barycentric[i][0]
    b1 = barycentric[i][1]
    b2 = 1.0 - b0 - b1
    add_owned(owner, owners, indices[0], b0, i, share, shares, channels, gradient, attribute_gradient)
    add_owned(owner, owners, indices[1], b1, i, share, shares, channels, gradient, attribute_gradient)
    add_owned(owner, owners, indices[2], b2, i, share, shares, channels, gradient, attribute_gradient)


class _Interpolate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, attributes: Tensor, triangles: Tensor, hits: Tensor, barycentric: Tensor) -> Tensor:
        attributes = attributes.contiguous()
        barycentric = barycentric.contiguous()
        ctx.save_for_backward(attributes, triangles, hits, barycentric)
        values = attributes.new_empty((len(hits), attributes.shape[1]))
        if values.numel():
            corners = (vectors(triangles, wp.vec3i), hits, vectors(barycentric, wp.vec2))
            arrays = (attributes.view(-1), attributes.shape[1], *corners, values.view(-1))
            launch_ranges(interpolate_kernel, len(hits), arrays, attributes.device)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        attributes, triangles, hits, barycentric = ctx.saved_tensors
        channels = attributes.shape[1]
        to_attributes = torch.zeros_like(attributes) if ctx.needs_input_grad[0] else None
        to_weights = torch.zeros_like(barycentric) if ctx.needs_input_grad[3] else None
        flat = gradient.contiguous().view(-1)
        corners = (vectors(triangles, wp.vec3i), hits)
        if to_attributes is not None and len(flat):
            shares = channels if gradient.is_cuda else 1  # neighbouring threads then touch neighbouring bytes
            arrays = (shares, channels, *corners, vectors(barycentric, wp.vec2), flat, to_attributes.view(-1))
            launch_owners(attribute_gradient_kernel, len(hits) * shares, arrays, gradient.device)
        if to_weights is not None and len(flat):
            arrays = (attributes.view(-1), channels, *corners, flat, vectors(to_weights, wp.vec2))
            launch_ranges(barycentric_gradient_kernel, len(hits), arrays, gradient.device)
        return to_attributes, None, None, to_weights


def interpolate(attributes: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """Attributes at the covered pixels (see `interface.Backend.interpolate`); differentiable in them and the weights.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    check("attributes", attributes, ("V", "C"), torch.float32, attributes.device)
    triangles = check_triangles(triangles, len(attributes), attributes.device)
    return _Interpolate.apply(attributes, triangles, fragments.triangle, fragments.barycentric)

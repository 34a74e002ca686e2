"""The adjoint of shading in the light: every point adds to the texels that both its lookups saw."""

from __future__ import annotations

from typing import List, Sequence

import warp as wp
from torch import Tensor

from topforge_train.backend.mip_levels import Chain, chain
from topforge_train.backend.parallel import launch_owners, vectors
from topforge_train.backend.warp_light_lookup import add_to_texels, level_of

wp.set_module_options({"enable_backward": False})

COPIES = 32
"""Copies of the light's gradient on a GPU: neighbouring points see the same texels, and would queue up for them."""


@wp.func
def is_padding(i: int, counts: wp.array(dtype=int)) -> bool:
    """Whether entry i only fills up the list."""
    return counts.shape[0] > 0 and i >= counts[0]


@wp.kernel
def light_slopes_kernel(
    owner: int,
    owners: int,
    counts: wp.array(dtype=int),
    channels: wp.array2d(dtype=float),
    light_slopes: Chain,
    copies: int,
    texels: int,
    normals: wp.array(dtype=wp.vec3),
    looks: wp.array2d(dtype=wp.vec3),
):
    """Adjoint of one point in the light's texels, in one of `copies`, which lie `texels` apart."""
    i = wp.tid()
    if not is_padding(i, counts):
        count = light_slopes.count
        copy = (i % copies) * texels
        add_to_texels(owner, owners, light_slopes, copy, float(count - 1), normals[i], looks[i, 1])
        add_to_texels(owner, owners, light_slopes, copy, level_of(channels[i, 4], count), looks[i, 0], looks[i, 2])


def light_slopes(
    counts: Tensor, channels: Tensor, maps: Sequence[Tensor], normals: Tensor, looks: Tensor
) -> List[Tensor]:
    """The gradient of each of the light's maps.

    Args:
        counts: [1] int32, how many entries are no padding, or [0]: all.
        channels: [P, C] float32, material; its fifth is the roughness.
        maps: [6, n, n, 3] float32 each.
        normals: [P, 3], where the diffuse lookup looked.
        looks: [P, 3, 3]: where the specular one looked, and the gradients of both.
    """
    copies = COPIES if looks.is_cuda else 1
    sizes = [each.numel() for each in maps]
    shares = looks.new_zeros(copies, sum(sizes))
    first = [part.view(each.shape) for part, each in zip(shares[0].split(sizes), maps)]
    extent = (copies, sum(sizes) // 3)
    seen = (counts, channels, chain(first), *extent, vectors(normals, wp.vec3), vectors(looks, wp.vec3))
    launch_owners(light_slopes_kernel, len(looks), seen, looks.device)
    return [part.view(each.shape) for part, each in zip(shares.sum(0).split(sizes), maps)]

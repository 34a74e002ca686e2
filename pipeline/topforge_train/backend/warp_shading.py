"""From interpolated surface points to an image, as one kernel forward and two backward: one source for CPU and GPU.

Unit normals and views, the normal map, the bending of normals that face away, the reflection, both lookups of the
light, the BRDF table and the sum of diffuse and specular: `rendering.shading` says what they are and why, its
`shaded_image` is the twin. The adjoint computes the forward's intermediate values again; that is cheaper than memory.
The light's own adjoint is in `warp_light_slopes`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Optional, Sequence, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.mip_levels import Chain, chain
from topforge_train.backend.parallel import launch_ranges, vectors
from topforge_train.backend.warp_bent_normals import SHORTEST, bend, unbent, unmapped
from topforge_train.backend.warp_light_slopes import is_padding, light_slopes
from topforge_train.backend.warp_runtime import TensorMismatchError, check
from topforge_train.backend.warp_split_sum import split_sum, split_sum_slopes
from topforge_train.backend.warp_vectors import unit_slope
from topforge_train.rendering import brdf
from topforge_train.rendering.material import OPACITY

wp.set_module_options({"enable_backward": False})

LAST = wp.constant(OPACITY)
"""The channel that not every material has."""


@wp.func
def load_bend(
    i: int,
    eye: wp.vec3,
    surface: wp.array2d(dtype=wp.vec3),
    frames: wp.array(dtype=wp.vec4),
    sides: wp.array(dtype=float),
    channels: wp.array2d(dtype=float),
):
    """`bend` of entry i, with the frame, the texel and the side it was made with."""
    mapping = frames.shape[0] > 0
    frame = wp.vec4(0.0, 0.0, 0.0, 0.0)
    texel = wp.vec3(0.0, 0.0, 0.0)
    if mapping:
        frame = frames[i]
        texel = wp.vec3(channels[i, 6], channels[i, 7], channels[i, 8])
    side = wp.float32(1.0)
    if sides.shape[0] > 0:
        side = sides[i]
    return bend(eye - surface[i, 0], surface[i, 1], mapping, frame, texel, side), frame, texel, side


@wp.func
def opacity_of(i: int, channels: wp.array2d(dtype=float)) -> float:
    """How much entry i hides of what lies behind: its last channel, or 1 without one."""
    if channels.shape[1] > LAST:
        return channels[i, LAST]
    return 1.0


@wp.func
def base_color(i: int, channels: wp.array2d(dtype=float)) -> wp.vec3:
    """The first three channels of entry i."""
    return wp.vec3(channels[i, 0], channels[i, 1], channels[i, 2])


@wp.kernel
def shade_kernel(
    first: int,
    counts: wp.array(dtype=int),
    pixels: wp.array(dtype=wp.int64),
    pixels_per_view: int,
    eyes: wp.array(dtype=wp.vec3),
    surface: wp.array2d(dtype=wp.vec3),
    frames: wp.array(dtype=wp.vec4),
    sides: wp.array(dtype=float),
    channels: wp.array2d(dtype=float),
    light: Chain,
    table: wp.array(dtype=float),
    normals: wp.array(dtype=wp.vec3),
    image: wp.array(dtype=wp.vec4),
):
    """One point: its pixel gets radiance and coverage."""
    i = first + wp.tid()
    if is_padding(i, counts):
        normals[i] = wp.vec3(0.0, 0.0, 0.0)
        return
    pixel = int(pixels[i])
    eye = eyes[pixel // pixels_per_view]
    b, _frame, _texel, _side = load_bend(i, eye, surface, frames, sides, channels)
    opacity = opacity_of(i, channels)
    radiance = (
        opacity
        * (1.0 - channels[i, 3])
        * split_sum(light, table, base_color(i, channels), channels[i, 4], channels[i, 5], b.normal, b.view)
    )
    normals[i] = b.normal
    image[pixel] = wp.vec4(radiance[0], radiance[1], radiance[2], opacity)


@wp.kernel
def shade_slopes_kernel(
    first: int,
    counts: wp.array(dtype=int),
    pixels: wp.array(dtype=wp.int64),
    pixels_per_view: int,
    eyes: wp.array(dtype=wp.vec3),
    surface: wp.array2d(dtype=wp.vec3),
    frames: wp.array(dtype=wp.vec4),
    sides: wp.array(dtype=float),
    channels: wp.array2d(dtype=float),
    light: Chain,
    table: wp.array(dtype=float),
    gradient: wp.array(dtype=wp.vec4),
    surface_slopes: wp.array2d(dtype=wp.vec3),
    frame_slopes: wp.array(dtype=wp.vec4),
    channel_slopes: wp.array2d(dtype=float),
    looks: wp.array2d(dtype=wp.vec3),
):
    """Adjoint of one point in its surface, frame and material; `looks` keeps what the light's adjoint needs."""
    i = first + wp.tid()
    mapping = frames.shape[0] > 0
    for k in range(channels.shape[1]):
        channel_slopes[i, k] = 0.0
    if is_padding(i, counts):
        surface_slopes[i, 0] = wp.vec3(0.0, 0.0, 0.0)
        surface_slopes[i, 1] = wp.vec3(0.0, 0.0, 0.0)
        if mapping:
            frame_slopes[i] = wp.vec4(0.0, 0.0, 0.0, 0.0)
        return
    pixel = int(pixels[i])
    eye = eyes[pixel // pixels_per_view]
    b, frame, texel, side = load_bend(i, eye, surface, frames, sides, channels)
    incoming = wp.vec3(gradient[pixel][0], gradient[pixel][1], gradient[pixel][2])
    opacity = opacity_of(i, channels)
    visible = 1.0 - channels[i, 3]
    found = split_sum_slopes(
        light,
        table,
        base_color(i, channels),
        channels[i, 4],
        channels[i, 5],
        b.normal,
        b.view,
        opacity * visible * incoming,
    )
    looks[i, 0] = found.reflection
    looks[i, 1] = found.by_irradiance
    looks[i, 2] = found.by_mirrored
    for k in range(3):
        channel_slopes[i, k] = found.by_base[k]
    by_visible = wp.dot(incoming, found.radiance)
    channel_slopes[i, 3] = -opacity * by_visible
    if channels.shape[1] > LAST:
        channel_slopes[i, LAST] = visible * by_visible + gradient[pixel][3]
    channel_slopes[i, 4] = found.by_roughness
    channel_slopes[i, 5] = found.by_metallic
    by_smooth, to_view = unbent(b, side, found.by_normal, found.by_view)
    if mapping:
        by_smooth, by_frame, by_texel = unmapped(b, frame, texel, by_smooth)
        frame_slopes[i] = by_frame
        for k in range(3):
            channel_slopes[i, 6 + k] = by_texel[k]
    surface_slopes[i, 0] = -unit_slope(eye - surface[i, 0], to_view, SHORTEST)
    surface_slopes[i, 1] = unit_slope(surface[i, 1], by_smooth, SHORTEST)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the points of a batch are, and from which side they are seen: the constants of its shading."""

    fragments: Fragments
    sides: Tensor  # [P], or [0]: from outside

    @property
    def count(self) -> Tensor:
        """How many entries [1] are no padding, or [0]: all."""
        empty = self.fragments.pixel.new_empty(0, dtype=torch.int32)
        return empty if self.fragments.count is None else self.fragments.count

    def arrays(
        self, surface: Tensor, frames: Tensor, channels: Tensor, eyes: Tensor, maps: Sequence[Tensor]
    ) -> Tuple[Any, ...]:
        """What the kernels of a point begin with, as they take it."""
        pixels_per_view = self.fragments.height * self.fragments.width
        where = (self.count, self.fragments.pixel, pixels_per_view, vectors(eyes, wp.vec3))
        points = (vectors(surface.view(-1, 2, 3), wp.vec3), vectors(frames, wp.vec4), self.sides, channels)
        return (*where, *points, chain(maps), brdf.table_on(surface.device, surface.dtype).view(-1))

    def by_view(self, values: Tensor) -> Tensor:
        """Sums of values [P, 3] over the points of each view: [B, 3]. A product, which needs no atomics."""
        views = torch.arange(self.fragments.views, device=values.device)
        return (views[:, None] == self.fragments.view).to(values) @ values


class _ShadedImage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, place: Place, *tensors: Tensor) -> Tuple[Tensor, Tensor]:
        surface, frames, channels, eyes, *maps = (tensor.contiguous() for tensor in tensors)
        normals = surface.new_empty(len(surface), 3)
        image = surface.new_zeros(place.fragments.views, place.fragments.height, place.fragments.width, 4)
        arrays = (*place.arrays(surface, frames, channels, eyes, maps), vectors(normals, wp.vec3))
        launch_ranges(shade_kernel, len(surface), (*arrays, vectors(image.view(-1, 4), wp.vec4)), surface.device)
        ctx.place = place
        ctx.save_for_backward(surface, frames, channels, eyes, normals, *maps)
        ctx.mark_non_differentiable(normals)
        return image, normals

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> Tuple[Any, ...]:
        surface, frames, channels, eyes, normals, *maps = ctx.saved_tensors
        place, device, incoming = ctx.place, gradient.device, gradient.contiguous().view(-1, 4)
        slopes = [torch.empty_like(tensor) for tensor in (surface, frames, channels)]
        looks = surface.new_empty(len(surface), 3, 3)
        outputs = (vectors(slopes[0].view(-1, 2, 3), wp.vec3), vectors(slopes[1], wp.vec4), slopes[2])
        arrays = (*place.arrays(surface, frames, channels, eyes, maps), vectors(incoming, wp.vec4), *outputs)
        launch_ranges(shade_slopes_kernel, len(surface), (*arrays, vectors(looks, wp.vec3)), device)
        to_maps: Sequence[Optional[Tensor]] = [None] * len(maps)
        if any(ctx.needs_input_grad[5:]):
            to_maps = light_slopes(place.count, channels, maps, normals, looks)
        to_eyes = place.by_view(-slopes[0][:, :3]) if ctx.needs_input_grad[4] else None
        return (None, *slopes, to_eyes, *to_maps)


def shaded_image(
    surface: Tensor,
    frames: Optional[Tensor],
    channels: Tensor,
    fragments: Fragments,
    eyes: Tensor,
    levels: Sequence[Tensor],
    sides: Optional[Tensor] = None,
) -> Tuple[Tensor, Tensor]:
    """Shades the covered pixels of a batch of views; differentiable in all floating-point arguments but the sides.

    Args:
        surface: [P, 6] float32, interpolated positions and normals (of any length).
        frames: [P, 4] float32, interpolated tangents and orientations; None = without a normal map.
        channels: [P, C] float32, material in the order of `rendering.material`: C >= 9 with `frames`, else >= 6.
        fragments: Where the points are.
        eyes: [B, 3] float32 positions.
        levels: [6, n, n, 3] float32 each, a light prefiltered for rising roughness; the last is the diffuse one.
        sides: [P] float32: -1 where the inner side of the surface is seen, else 1; None = 1.

    Returns:
        The images [B, H, W, 4], linear radiance times opacity and opacity, zero where nothing is; and the unit shading
        normals [P, 3], without gradient.

    Raises:
        TensorMismatchError: An input has another shape, type or device than stated.
    """
    device, count = surface.device, len(fragments.pixel)
    check("surface", surface, (count, 6), torch.float32, device)
    check("channels", channels, (count, channels.shape[-1]), torch.float32, device)
    if channels.shape[-1] < (6 if frames is None else 9):
        raise TensorMismatchError("channels", "float32 [P, 6 or more; 9 with a normal map]", channels)
    if frames is not None:
        check("frames", frames, (count, 4), torch.float32, device)
    sides = surface.new_empty(0) if sides is None else check("sides", sides, (count,), torch.float32, device)
    check("eyes", eyes, (fragments.views, 3), torch.float32, device)
    for level in levels:
        check("levels", level, (6, "n", level.shape[1], 3), torch.float32, device)
    frames = surface.new_empty(0, 4) if frames is None else frames
    return _ShadedImage.apply(Place(fragments, sides), surface, frames, channels, eyes, *levels)

"""Antialiasing: exact blending along the silhouettes of the mesh, and through it the gradient of visibility.

Wherever a silhouette edge (see `warp_edges`) passes between the centres of two neighbouring pixels, and the surface
ends there, the pixel it runs through is blended from the two by the share that the edge cuts off. Differentiating that
share moves the edge.

nvdiffrast (arXiv 2011.03277, section 3.6) blends in the same way, but only looks at the edges of the triangle that owns
a pixel's centre. Where triangles are as small as pixels that is hardly ever the one with the silhouette edge, and most
of the gradient is lost. Here the edges come from the mesh, so none is missed; docs/decisions/0003 has the measurements.

Every pair of neighbouring pixels has a slot for the edge that counts between them (`warp_crossings`). Every pixel then
gathers from its four pairs, so that the image is the same to the bit in every run.
"""

from __future__ import annotations

from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.warp_crossings import PLACE_UNIT, Ends, find_crossings, place_at, share_at, side_ends
from topforge_train.backend.warp_runtime import check, check_triangles

# Without fused multiply-add, which CPUs and GPUs do not share: edges lie where `warp_crossings` found them, to the bit.
wp.set_module_options({"enable_backward": False, "fuse_fp": False})


@wp.func
def slot_side(
    key: wp.int64,
    view: int,
    axis: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    size: wp.vec2i,
) -> Ends:
    """The side in a slot, in pixel coordinates."""
    side = int(key % PLACE_UNIT) // 2
    indices = triangles[side // 3]
    base = view * vertices
    return side_ends(clip[base + indices[side % 3]], clip[base + indices[(side + 1) % 3]], axis, size[0], size[1])


@wp.func
def cut(
    slot: int,
    axis: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    size: wp.vec2i,
    pixels: int,
    slots: wp.array(dtype=wp.int64),
) -> wp.vec2:
    """What the edge in the slot of a first pixel does: the share it moves, and the pixel that changes.

    Returns:
        (s, t): the pixel t (0 = first, 1 = second) gets s times (first - second) added; (0, 0) for an empty slot.
    """
    key = slots[axis * pixels + slot]
    result = wp.vec2(0.0, 0.0)
    if key > wp.int64(0):
        ends = slot_side(key, slot // (size[0] * size[1]), axis, clip, vertices, triangles, size)
        line = (slot // size[0]) % size[1]
        if axis == 1:
            line = slot % size[0]
        place = place_at(ends, share_at(ends, line))
        offset = place - wp.floor(place) - wp.float64(0.5)
        run_along = ends.along1 - ends.along0
        run_across = ends.across1 - ends.across0
        # The share of this crossing in the edge: a slanted edge crosses rows and columns.
        weight = run_across * run_across / (run_along * run_along + run_across * run_across)
        changed = wp.float32(0.0)
        if offset > wp.float64(0.0):
            changed = wp.float32(1.0)
        # Cut times (near - far): both change their sign when the second pixel is the nearer.
        result = wp.vec2(float(weight * offset), changed)
    return result


@wp.kernel
def blend_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    size: wp.vec2i,
    slots: wp.array(dtype=wp.int64),
    channels: int,
    adjoint: int,
    image: wp.array(dtype=float),
    out: wp.array(dtype=float),
):
    """Adds to a pixel what the edges between it and its four neighbours change; or the adjoint of that, also a gather.

    No pair leaves the image, so the slots of pairs that would are empty.
    """
    pixel = first + wp.tid()
    pixels = slots.shape[0] // 2
    keys = (
        slots[pixel] + slots[pixels + pixel] + slots[wp.max(pixel - 1, 0)] + slots[pixels + wp.max(pixel - size[0], 0)]
    )
    if keys == wp.int64(0):
        return
    for neighbour in range(4):
        axis = neighbour // 2
        after = neighbour % 2  # whether this pixel is the second of the pair
        step = wp.int32(1)
        if axis == 1:
            step = size[0]
        slot = pixel - after * step
        if slot >= 0:
            found = cut(slot, axis, clip, vertices, triangles, size, pixels, slots)
            changed = int(found[1])
            if adjoint == 1 and found[0] != 0.0:
                from_pixel = (slot + changed * step) * channels
                share = wp.where(after == 1, -found[0], found[0])
                for channel in range(channels):
                    out[pixel * channels + channel] += share * image[from_pixel + channel]
            elif changed == after and found[0] != 0.0:
                one = slot * channels
                two = (slot + step) * channels
                for channel in range(channels):
                    out[pixel * channels + channel] += found[0] * (image[one + channel] - image[two + channel])


@wp.func
def add_end(
    owner: int,
    owners: int,
    slot: int,
    axis: int,
    along: float,
    across: float,
    size: wp.vec2i,
    clip: wp.array(dtype=wp.vec4),
    clip_gradient: wp.array(dtype=wp.vec4),
):
    """Adds a gradient for an end's pixel coordinates to its clip position, if it is this owner's."""
    if slot % owners == owner:
        p = clip[slot]
        by_x = along
        by_y = across
        if axis == 1:
            by_x = across
            by_y = along
        by_x = by_x * 0.5 * float(size[0]) / p[3]
        by_y = by_y * 0.5 * float(size[1]) / p[3]
        wp.atomic_add(clip_gradient, slot, wp.vec4(by_x, by_y, 0.0, -(by_x * p[0] + by_y * p[1]) / p[3]))


@wp.kernel
def position_gradient_kernel(
    owner: int,
    owners: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    size: wp.vec2i,
    slots: wp.array(dtype=wp.int64),
    channels: int,
    image: wp.array(dtype=float),
    gradient: wp.array(dtype=float),
    clip_gradient: wp.array(dtype=wp.vec4),
):
    """Adjoint of one pair's crossing in the two ends of its edge; the slant is held fixed."""
    index = wp.tid()
    key = slots[index]
    if key == wp.int64(0):
        return
    pixels = slots.shape[0] // 2
    axis = index // pixels
    slot = index % pixels
    found = cut(slot, axis, clip, vertices, triangles, size, pixels, slots)
    view = slot // (size[0] * size[1])
    ends = slot_side(key, view, axis, clip, vertices, triangles, size)
    step = wp.int32(1)
    line = (slot // size[0]) % size[1]
    if axis == 1:
        step = size[0]
        line = slot % size[0]
    changed = (slot + int(found[1]) * step) * channels
    dot = wp.float32(0.0)
    for channel in range(channels):
        contrast = image[slot * channels + channel] - image[(slot + step) * channels + channel]
        dot += gradient[changed + channel] * contrast
    run_along = ends.along1 - ends.along0
    run_across = ends.across1 - ends.across0
    weight = run_across * run_across / (run_along * run_along + run_across * run_across)
    share = share_at(ends, line)
    slope = run_along / run_across
    to_end = wp.float64(dot) * weight * share
    to_start = wp.float64(dot) * weight * (wp.float64(1.0) - share)
    side = int(key % PLACE_UNIT) // 2
    indices = triangles[side // 3]
    start = view * vertices + indices[side % 3]
    end = view * vertices + indices[(side + 1) % 3]
    add_end(owner, owners, start, axis, float(to_start), float(-to_start * slope), size, clip, clip_gradient)
    add_end(owner, owners, end, axis, float(to_end), float(-to_end * slope), size, clip, clip_gradient)


class _Blend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, clip: Tensor, triangles: Tensor, slots: Tensor) -> Tensor:
        image = image.contiguous()
        ctx.save_for_backward(image, clip, triangles, slots)
        return _gathered(image, clip, triangles, slots, adjoint=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        image, clip, triangles, slots = ctx.saved_tensors
        gradient = gradient.contiguous()
        to_image = _gathered(gradient, clip, triangles, slots, adjoint=True) if ctx.needs_input_grad[0] else None
        to_clip = torch.zeros_like(clip) if ctx.needs_input_grad[1] else None
        if to_clip is not None and len(triangles):
            channels = image.shape[3]
            arrays = (*_geometry(image, clip, triangles, slots), channels, image.view(-1), gradient.view(-1))
            outputs = vectors(to_clip.view(-1, 4), wp.vec4)
            launch_owners(position_gradient_kernel, slots.numel(), (*arrays, outputs), image.device)
        return to_image, to_clip, None, None


def _geometry(image: Tensor, clip: Tensor, triangles: Tensor, slots: Tensor) -> Tuple[Any, ...]:
    """The arguments that all kernels over slots share."""
    size = wp.vec2i(image.shape[2], image.shape[1])
    return vectors(clip.view(-1, 4), wp.vec4), clip.shape[1], vectors(triangles, wp.vec3i), size, slots.view(-1)


def _gathered(image: Tensor, clip: Tensor, triangles: Tensor, slots: Tensor, adjoint: bool) -> Tensor:
    """An image [B, H, W, C] blended by the crossings, or its adjoint."""
    out = image.clone()
    if not len(triangles) or not image.numel():
        return out
    arrays = (*_geometry(image, clip, triangles, slots), image.shape[3], int(adjoint), image.view(-1), out.view(-1))
    launch_ranges(blend_kernel, image[..., 0].numel(), arrays, image.device)
    return out


def antialias(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """Blends pixels along visible silhouettes (see `interface.Backend.antialias`).

    Differentiable in `image` and in x, y and w of `clip`; the backward is the derivative of the forward, with the
    slant of an edge held fixed. Edges with an end behind the camera are left out.

    Args:
        image: [B, H, W, C].
        clip: [B, V, 4], what was rasterised.
        triangles: [F, 3] int32.
        fragments: The result of rasterising them.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    device = image.device
    triangles = check_triangles(triangles, clip.shape[1], device)
    positions = check("clip", clip, (fragments.views, "V", 4), torch.float32, device)
    check("image", image, (fragments.views, fragments.height, fragments.width, "C"), torch.float32, device)
    return _Blend.apply(image, clip.contiguous(), triangles, find_crossings(positions, triangles, fragments))

"""Antialiasing: exact blending along the silhouettes of the mesh, and through it the gradient of visibility.

Wherever a silhouette edge (see `warp_edges`) passes between the centres of two neighbouring pixels, and the surface
ends there, the pixel it runs through is blended from the two by the share that the edge cuts off. Differentiating that
share moves the edge.

nvdiffrast (arXiv 2011.03277, section 3.6) blends in the same way, but only looks at the edges of the triangle that owns
a pixel's centre. Where triangles are as small as pixels that is hardly ever the one with the silhouette edge, and most
of the gradient is lost. Here the edges come from the mesh, so none is missed; docs/decisions/0003 has the measurements.

Every pair of neighbouring pixels has a slot for the edge that counts between them, the outermost. Each edge offers
itself to the pairs it crosses; then every pixel gathers from its four pairs. So nothing is sorted or counted, a GPU
never waits for the CPU, and the image is the same to the bit in every run.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_each, launch_owners, launch_ranges, threads, vectors
from topforge_train.backend.warp_edges import silhouette_sides
from topforge_train.backend.warp_runtime import check, check_triangles

# Without fused multiply-add, which CPUs and GPUs do not share: which edge counts is decided by the same bits on both.
wp.set_module_options({"enable_backward": False, "fuse_fp": False})

PLACES = wp.constant(wp.float64(2**20 - 1))
"""Positions between two centres are compared as whole numbers of this many steps."""

PLACE_UNIT = wp.constant(wp.int64(1 << 32))
"""A pair's slot holds (place + 1) * PLACE_UNIT + 2 * side + whether its first pixel is the nearer; 0 when empty."""


@wp.struct
class Ends:
    """A side in pixel coordinates of one view; along = the axis from pixel to pixel, across = the other."""

    along0: wp.float64
    along1: wp.float64
    across0: wp.float64
    across1: wp.float64


@wp.func
def pixel_place(value: float, w: float, size: int) -> wp.float64:
    """Pixel coordinate of a clip coordinate."""
    half = wp.float64(0.5)
    return (wp.float64(value) / wp.float64(w) * half + half) * wp.float64(size)


@wp.func
def side_ends(p0: wp.vec4, p1: wp.vec4, axis: int, width: int, height: int) -> Ends:
    """Both ends of a side between clip positions in front of the camera."""
    ends = Ends()
    x0 = pixel_place(p0[0], p0[3], width)
    x1 = pixel_place(p1[0], p1[3], width)
    y0 = pixel_place(p0[1], p0[3], height)
    y1 = pixel_place(p1[1], p1[3], height)
    ends.along0 = x0
    ends.along1 = x1
    ends.across0 = y0
    ends.across1 = y1
    if axis == 1:
        ends.along0 = y0
        ends.along1 = y1
        ends.across0 = x0
        ends.across1 = x1
    return ends


@wp.func
def share_at(ends: Ends, line: int) -> wp.float64:
    """Which share of the side lies before a line of pixel centres."""
    return (wp.float64(line) + wp.float64(0.5) - ends.across0) / (ends.across1 - ends.across0)


@wp.func
def place_at(ends: Ends, share: wp.float64) -> wp.float64:
    """Where the side is there, counted in pixel centres."""
    return ends.along0 + share * (ends.along1 - ends.along0) - wp.float64(0.5)


@wp.func
def offer(
    ends: Ends,
    depths: wp.vec2d,
    line: int,
    axis: int,
    toward_first: bool,
    rows: wp.vec2i,
    size: wp.vec3i,
    side: int,
    depth: wp.array(dtype=float),
    slots: wp.array(dtype=wp.int64),
):
    """Offers a side to the pair of pixels it crosses in one line, if the surface visibly ends there.

    Args:
        ends: The side.
        depths: z / w of its ends.
        line: Row (axis 0) or column (axis 1).
        axis: 0 or 1.
        toward_first: Whether the side's surface is on the side of the lower pixel.
        rows: Only pairs whose first pixel is in these rows [first, last), counted over all views.
        size: Width, height, and the view.
        side: 3 * triangle + k.
        depth: [B * H * W] z / w, 2 where empty.
        slots: [2 * B * H * W].
    """
    share = share_at(ends, line)
    place = place_at(ends, share)
    cells = size[axis] - 1
    if place < wp.float64(0.0) or place >= wp.float64(cells):
        return
    cell = int(wp.floor(place))
    row = line
    column = cell
    step = wp.int32(1)
    if axis == 1:
        row = cell
        column = line
        step = size[0]
    image_row = size[2] * size[1] + row
    if image_row < rows[0] or image_row >= rows[1]:
        return
    first = image_row * size[0] + column
    depth0 = depth[first]
    depth1 = depth[first + step]
    if depth0 == depth1 or toward_first != (depth0 < depth1):
        return
    if depths[0] + share * (depths[1] - depths[0]) >= wp.float64(wp.max(depth0, depth1)):
        return
    position = place - wp.float64(cell)
    nearer = wp.int32(1)
    if not toward_first:
        position = wp.float64(1.0) - position
        nearer = wp.int32(0)
    key = (wp.int64(position * PLACES) + wp.int64(1)) * PLACE_UNIT + wp.int64(side) * wp.int64(2) + wp.int64(nearer)
    pixels = depth.shape[0]
    wp.atomic_max(slots, axis * pixels + first, key)


@wp.func
def first_line(low: wp.float64, size: int) -> int:
    """The first pixel line whose centre is at or after a coordinate; kept in 0..size."""
    return int(wp.clamp(wp.ceil(low - wp.float64(0.5)), wp.float64(0.0), wp.float64(size)))


@wp.kernel
def crossing_kernel(
    first_row: int,
    last_row: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    marks: wp.array(dtype=wp.uint8),
    width: int,
    height: int,
    depth: wp.array(dtype=float),
    slots: wp.array(dtype=wp.int64),
):
    """One thread offers one side of one view to all pairs it crosses, in rows and in columns."""
    i = wp.tid()
    mark = int(marks[i])
    if mark == 0:
        return
    sides = 3 * triangles.shape[0]
    view = i // sides
    side = i % sides
    indices = triangles[side // 3]
    p0 = clip[view * vertices + indices[side % 3]]
    p1 = clip[view * vertices + indices[(side + 1) % 3]]
    depths = wp.vec2d(
        wp.float64(p0[2]) / wp.float64(p0[3]),
        wp.float64(p1[2]) / wp.float64(p1[3]),
    )
    size = wp.vec3i(width, height, view)
    rows = wp.vec2i(first_row, last_row)
    for axis in range(2):
        ends = side_ends(p0, p1, axis, width, height)
        # A side that faces us has its surface to the left of start -> end in pixel coordinates (y down).
        toward_first = (ends.across1 > ends.across0) == ((mark == 2) == (axis == 0))
        low = first_line(wp.min(ends.across0, ends.across1), size[1 - axis])
        high = first_line(wp.max(ends.across0, ends.across1), size[1 - axis])
        for line in range(low, high):
            offer(ends, depths, line, axis, toward_first, rows, size, side, depth, slots)


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


def find_crossings(clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """The slots [2, B * H * W] int64 of all pairs of neighbours, by axis and first pixel (see `PLACE_UNIT`)."""
    device, pixels = clip.device, fragments.views * fragments.height * fragments.width
    # One more, for what is padding.
    depth = torch.full((pixels + 1,), 2.0, device=device).index_copy_(0, fragments.pixel, fragments.depth)[:pixels]
    slots = torch.zeros((2, pixels), dtype=torch.int64, device=device)
    marks = silhouette_sides(clip, triangles)
    if marks.numel() and pixels:
        # Bands of rows over all views: every thread writes slots of its own.
        rows = fragments.views * fragments.height
        bands = max(1, min(threads(), rows)) if device.type == "cpu" else 1
        bounds = [rows * band // bands for band in range(bands + 1)]
        geometry = (vectors(clip.view(-1, 4), wp.vec4), clip.shape[1], vectors(triangles, wp.vec3i), marks.view(-1))
        arrays = (*geometry, fragments.width, fragments.height, depth, slots.view(-1))
        calls: List[Tuple[Any, ...]] = [(low, high, *arrays) for low, high in zip(bounds, bounds[1:])]
        launch_each(crossing_kernel, marks.numel(), calls, device)
    return slots


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

"""Where silhouette edges pass between the centres of neighbouring pixels: for each pair of them the edge that counts.

Every pair has a slot for the outermost edge that crosses it where the surface ends. Each edge offers itself to all
pairs it crosses, and the greatest offer stays: nothing is sorted or counted, a GPU never waits for the CPU, and the
slots are the same in every run.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_each, threads, vectors
from topforge_train.backend.warp_edges import silhouette_sides

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

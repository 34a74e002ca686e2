"""Distances that the visual hull is made of, as Warp kernels: to the outlines of masks, and to the cones behind them.

Written with torch's operations this is a few dozen of them for each view, and the hull asks for it forty times: on a
GPU a capture then waited seconds for launches.
"""

from __future__ import annotations

from typing import Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges, vectors
from topforge_train.backend.warp_runtime import check

wp.set_module_options({"enable_backward": False})


@wp.func
def squared_distance_to_segment(point: wp.vec2, start: wp.vec2, end: wp.vec2) -> float:
    """To the nearest point of a segment, which may have no length."""
    side = end - start
    along = wp.dot(point - start, side) / wp.max(wp.dot(side, side), 1.0e-12)
    away = point - start - wp.clamp(along, 0.0, 1.0) * side
    return wp.dot(away, away)


@wp.kernel
def outline_kernel(
    first: int,
    starts: wp.array(dtype=wp.vec2),
    ends: wp.array(dtype=wp.vec2),
    segments: wp.array(dtype=int),
    height: int,
    width: int,
    out: wp.array(dtype=float),
):
    """The distance of one pixel to the segments of its mask, which lie from segments[mask] to segments[mask + 1]."""
    i = first + wp.tid()
    mask = i // (height * width)
    point = wp.vec2(float(i // width % height), float(i % width))
    nearest = float(wp.inf)
    for segment in range(segments[mask], segments[mask + 1]):
        nearest = wp.min(nearest, squared_distance_to_segment(point, starts[segment], ends[segment]))
    out[i] = wp.sqrt(nearest)


@wp.func
def bilinear(image: wp.array3d(dtype=float), layer: int, x: float, y: float) -> float:
    """A layer's value at normalised coordinates within [-1, 1], the edges repeated."""
    height, width = image.shape[1], image.shape[2]
    column = wp.clamp(0.5 * ((x + 1.0) * float(width) - 1.0), 0.0, float(width - 1))
    row = wp.clamp(0.5 * ((y + 1.0) * float(height) - 1.0), 0.0, float(height - 1))
    left, top = int(column), int(row)
    right, bottom = wp.min(left + 1, width - 1), wp.min(top + 1, height - 1)
    across, down = column - float(left), row - float(top)
    above = wp.lerp(image[layer, top, left], image[layer, top, right], across)
    below = wp.lerp(image[layer, bottom, left], image[layer, bottom, right], across)
    return wp.lerp(above, below, down)


@wp.kernel
def cone_kernel(
    first: int,
    points: wp.array(dtype=wp.vec3),
    poses: wp.array(dtype=wp.mat44),
    slopes: wp.array(dtype=float),
    centres: wp.array(dtype=wp.vec2),
    distances: wp.array3d(dtype=float),
    aspect: float,
    growth: float,
    span: float,
    worst: wp.array2d(dtype=float),
    seen: wp.array(dtype=wp.uint8),
):
    """The largest distances of one point to the cones of views that see it."""
    i = first + wp.tid()
    for view in range(poses.shape[0]):
        pose = poses[view]
        away = points[i] - wp.vec3(pose[0, 3], pose[1, 3], pose[2, 3])
        depth = -(away[0] * pose[0, 2] + away[1] * pose[1, 2] + away[2] * pose[2, 2])
        if depth > 1.0e-6:
            extent = 2.0 * slopes[view] * depth  # height of the image plane at the point's depth
            right = away[0] * pose[0, 0] + away[1] * pose[1, 0] + away[2] * pose[2, 0]
            up = away[0] * pose[0, 1] + away[1] * pose[1, 1] + away[2] * pose[2, 1]
            x = 2.0 * right / (extent * aspect) + centres[view][0]
            y = -2.0 * up / extent + centres[view][1]
            if wp.abs(x) <= 1.0 and wp.abs(y) <= 1.0:
                seen[i] = wp.uint8(1)
                found = wp.clamp((bilinear(distances, view, x, y) - growth) * extent, -span, span)
                for rank in range(worst.shape[0]):  # it takes its place; who is displaced looks for the next
                    other = worst[rank, i]
                    if found > other:
                        worst[rank, i] = found
                        found = other


def outline_distances(starts: Tensor, ends: Tensor, counts: Tensor, shape: Tuple[int, int]) -> Tensor:
    """Distances [B, h, w] of pixel centres to the outlines of B masks, in pixels; infinite where there is none.

    Args:
        starts: [S, 2] float32 (row, column) where segments begin, mask after mask.
        ends: [S, 2] float32 where they end.
        counts: [B] int64, how many segments each mask has.
        shape: Height and width of the masks.
    """
    device, (height, width) = starts.device, shape
    starts = check("starts", starts, ("S", 2), torch.float32, device)
    ends = check("ends", ends, tuple(starts.shape), torch.float32, device)
    segments = torch.nn.functional.pad(counts.cumsum(0), (1, 0)).int()
    out = torch.empty(len(counts), height, width, device=device)
    pair = (vectors(starts, wp.vec2), vectors(ends, wp.vec2))
    launch_ranges(outline_kernel, out.numel(), (*pair, segments, height, width, out.view(-1)), device)
    return out


def ranked_cone_distances(
    points: Tensor,
    camera_to_world: Tensor,
    fov_y: Tensor,
    centre: Tensor,
    distances: Tensor,
    aspect: float,
    growth: float,
    span: float,
    count: int,
) -> Tuple[Tensor, Tensor]:
    """The `count` largest signed distances of points to single views' cones, and which points any view sees.

    Args:
        points: [N, 3] float32 world positions.
        camera_to_world: [B, 4, 4] float32 poses with OpenGL axes.
        fov_y: [B] float32 vertical fields of view, radians.
        centre: [B, 2] float32 where the optical axes meet the images, NDC, x right and y down.
        distances: [B, h, w] float32 to the masks' outlines in heights of the image, negative inside.
        aspect: Width over height of the images.
        growth: By how much all masks are grown first, in heights of the image.
        span: Distances are clamped to this, world units.
        count: How many to keep.

    Returns:
        [count, N] world units, falling, -inf where fewer views see the point; [N] bool.
    """
    device, views = points.device, len(camera_to_world)
    points = check("points", points, ("N", 3), torch.float32, device)
    camera_to_world = check("camera_to_world", camera_to_world, ("B", 4, 4), torch.float32, device)
    centre = check("centre", centre, (views, 2), torch.float32, device)
    distances = check("distances", distances, (views, "h", "w"), torch.float32, device)
    slopes = check("fov_y", torch.tan(0.5 * fov_y), (views,), torch.float32, device)
    worst = torch.full((count, len(points)), -torch.inf, device=device)
    seen = torch.zeros(len(points), dtype=torch.uint8, device=device)
    where = (vectors(points, wp.vec3), vectors(camera_to_world, wp.mat44), slopes, vectors(centre, wp.vec2))
    arguments = (*where, distances, aspect, growth, span, worst, seen)
    launch_ranges(cone_kernel, len(points), arguments, device)
    return worst, seen.bool()

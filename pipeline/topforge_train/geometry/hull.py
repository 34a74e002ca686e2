"""The first shape: the visual hull of the masks, as a signed distance (Laurentini, PAMI 1994, for the hull).

Each mask gives a signed distance in its image, negative inside. A point's distance to that view's cone is the image
distance times the size of a pixel at the point's depth. The hull is the intersection of the cones, so its distance is
the largest over the views: exact inside, a lower bound outside.
"""

from __future__ import annotations

import dataclasses
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.warp_hull import outline_distances, ranked_cone_distances

MASK_SIZE = 128
"""Masks are averaged down to at most this height: contours stay sub-pixel accurate."""
AT_ONCE = 64
"""Masks whose contours are found together, which bounds the memory for it."""


def visual_hull_sdf(
    camera_to_world: Tensor,
    fov_y: Tensor,
    masks: Tensor,
    points: Tensor,
    disagreeing: int = 0,
    centre: Optional[Tensor] = None,
) -> Tensor:
    """Signed distance of points to the visual hull, negative inside.

    A view that does not see a point, because it is behind the camera or out of the frame, has no say on it; a point
    that no view sees is outside.

    Args:
        camera_to_world: [B, 4, 4] poses with OpenGL axes, y-up world.
        fov_y: [B] vertical field of view in radians.
        masks: [B, H, W] coverage in [0, 1], row 0 at the top; the contour is at one half.
        points: [N, 3] world positions.
        disagreeing: How many views may call a point outside without making it so. Each costs detail: a point of a
            hull's surface is held back by one or two views only. Leave it 0 unless masks are known to be torn.
        centre: [B, 2] where the optical axes meet the images, NDC, x right and y down; None = in the middle.

    Returns:
        [N] float32, world units.
    """
    cones = Cones.of(camera_to_world, fov_y, masks, centre)
    worst, seen = ranked_distances(cones, points, disagreeing + 1)
    return hull_from_ranks(worst[disagreeing], seen, points)


@dataclasses.dataclass(frozen=True)
class Cones:
    """The cones that B masks leave, one from each camera."""

    camera_to_world: Tensor  # [B, 4, 4] float32
    fov_y: Tensor  # [B] float32, radians
    centre: Tensor  # [B, 2] where the optical axes meet the images, NDC
    distances: Tensor  # [B, h, w] to the masks' contours, in heights of the image, negative inside
    aspect: float  # width over height

    @classmethod
    def of(cls, camera_to_world: Tensor, fov_y: Tensor, masks: Tensor, centre: Optional[Tensor] = None) -> Cones:
        """From the arguments of `visual_hull_sdf`."""
        centres = masks.new_zeros(len(masks), 2) if centre is None else centre
        aspect = masks.shape[2] / masks.shape[1]
        return cls(camera_to_world.float(), fov_y.float(), centres.float(), mask_distances(masks), aspect)


def ranked_distances(cones: Cones, points: Tensor, count: int, growth: float = 0.0) -> Tuple[Tensor, Tensor]:
    """The `count` largest distances to single views' cones, and which points any view sees.

    Args:
        cones: Of B views.
        points: [N, 3] world positions.
        count: How many to keep.
        growth: By how much all masks are grown first, in heights of the image.

    Returns:
        [count, N] world units, falling, -inf where fewer views see the point; [N] bool.
    """
    return ranked_cone_distances(
        points,
        cones.camera_to_world,
        cones.fov_y,
        cones.centre,
        cones.distances,
        cones.aspect,
        growth,
        span_of(points),
        count,
    )


def hull_from_ranks(outcome: Tensor, seen: Tensor, points: Tensor) -> Tensor:
    """The hull's distance [N] from one rank of `ranked_distances`, finite everywhere."""
    span = span_of(points)
    fallback = torch.where(seen, -span, span)  # fewer views see the point than may disagree, or none does
    return torch.where(torch.isfinite(outcome), outcome, fallback)


def span_of(points: Tensor) -> float:
    """The diagonal of the points' bounding box: farther than any distance that matters."""
    return float((points.amax(0) - points.amin(0)).norm()) + 1e-6


def mask_distances(masks: Tensor) -> Tensor:
    """Signed distances [B, h, w] to the contours of masks [B, H, W], in heights of the image, negative inside."""
    scale = min(1.0, MASK_SIZE / masks.shape[1])
    size = (max(2, round(masks.shape[1] * scale)), max(2, round(masks.shape[2] * scale)))
    small = torch.nn.functional.adaptive_avg_pool2d(masks.float()[:, None], size)[:, 0]
    return torch.cat([contour_distances(some) for some in small.split(AT_ONCE)]) / size[0]


def contour_distance(mask: Tensor) -> Tensor:
    """`contour_distances` of a single mask: [H, W]."""
    return contour_distances(mask[None])[0]


def contour_distances(masks: Tensor) -> Tensor:
    """Signed distances [B, H, W] in pixels from pixel centres to the contours where masks [B, H, W] are one half.

    The contour is the marching squares polyline through the crossings between neighbouring centres.
    A mask without contour is as far away as its diagonal, on the side that all of it is on.
    """
    _, height, width = masks.shape
    start, end, counts = contour_segments(masks)
    found = outline_distances(start, end, counts, (height, width))
    return torch.where(masks >= 0.5, -1.0, 1.0) * torch.where(found.isinf(), float(height + width), found)


def contour_segments(masks: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Ends [S, 2], [S, 2] (row, column of pixel centres) of the polylines where masks [B, H, W] cross one half.

    In each square of four centres, crossings on its sides are joined in pairs. A saddle, with four crossings, joins
    top to right and bottom to left: which of its two ways is taken moves the contour by less than a pixel.

    Returns:
        The ends, mask after mask, and how many segments each mask has, [B].
    """
    level = masks - 0.5
    a, b, c, d = level[:, :-1, :-1], level[:, :-1, 1:], level[:, 1:, 1:], level[:, 1:, :-1]
    row, column = torch.meshgrid(
        *(torch.arange(n - 1, device=masks.device, dtype=torch.float32) for n in masks.shape[1:]), indexing="ij"
    )
    sides = []
    for one, other, at, step in (
        (a, b, (0, 0), (0, 1)),
        (b, c, (0, 1), (1, 0)),
        (d, c, (1, 0), (0, 1)),
        (a, d, (0, 0), (1, 0)),
    ):
        crossed = (one >= 0) != (other >= 0)
        t = torch.where(crossed, one / torch.where(crossed, one - other, 1), 0)
        sides.append((crossed, torch.stack((row + at[0] + t * step[0], column + at[1] + t * step[1]), dim=-1)))
    return _join(sides)


def _join(sides: List[Tuple[Tensor, Tensor]]) -> Tuple[Tensor, Tensor, Tensor]:
    """Pairs the crossed sides (top, right, bottom, left) of each square; see `contour_segments`."""
    starts, ends, masks = [], [], []
    count = sum(crossed.int() for crossed, _ in sides)
    for i in range(4):
        for j in range(i + 1, 4):
            both = sides[i][0] & sides[j][0] & ((count == 2) | ((i, j) in ((0, 1), (2, 3))))
            place = both.nonzero(as_tuple=True)
            starts.append(sides[i][1][place])
            ends.append(sides[j][1][place])
            masks.append(place[0])
    mask, order = torch.cat(masks).sort(stable=True)
    return torch.cat(starts)[order], torch.cat(ends)[order], torch.bincount(mask, minlength=len(sides[0][0]))

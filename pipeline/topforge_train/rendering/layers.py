"""Surfaces one behind another: what transparent materials need, and how their images are laid over each other.

Depth peeling (Everitt, "Interactive Order-Independent Transparency", 2001) finds the layers. Each layer's silhouettes
are softened in the image of that layer and all behind it, because there that layer is what is in front. But where a
layer ends, the one behind it usually changes too, for the same edge: a closed surface's front and back end together.
One edge counts once, in the nearest layer that has it.
"""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from topforge_train.backend.interface import Backend, Fragments


def peel(
    backend: Backend,
    clip: Tensor,
    triangles: Tensor,
    resolution: Tuple[int, int],
    capacities: Sequence[Optional[int]],
) -> List[Fragments]:
    """The nearest surface, the next behind it, and so on: one for each of the capacities (see `Backend.rasterize`)."""
    found: List[Fragments] = []
    for capacity in capacities:
        found.append(backend.rasterize(clip, triangles, resolution, capacity, found[-1] if found else None))
    return found


def over(front: Tensor, behind: Tensor) -> Tensor:
    """Premultiplied images [..., C + 1], coverage last, one over the other (Porter and Duff, 1984)."""
    return front + (1.0 - front[..., -1:]) * behind


def composite(
    backend: Backend, images: Sequence[Tensor], clip: Tensor, triangles: Tensor, layers: Sequence[Fragments]
) -> Tensor:
    """The images of the layers [B, H, W, 4] over each other, with soft silhouettes: [B, H, W, 4].

    Args:
        backend: Operators.
        images: Premultiplied radiance and coverage, nearest first.
        clip: [B, V, 4] what was rasterised.
        triangles: [F, 3] int32.
        layers: What each image shows.
    """
    counted = edges_in_front(backend, clip, triangles, layers)
    result = images[-1]
    for index in reversed(range(len(images))):
        if index < len(images) - 1:
            result = over(images[index], result)
        smooth = backend.antialias(result, clip, triangles, layers[index])
        elsewhere = counted[index]
        result = smooth if elsewhere is None else torch.where(elsewhere, result, smooth)
    return result


@torch.no_grad()
def edges_in_front(
    backend: Backend, clip: Tensor, triangles: Tensor, layers: Sequence[Fragments]
) -> List[Optional[Tensor]]:
    """For each layer where the layers before it have a silhouette: [B, H, W, 1] bool; None for the first."""
    found: List[Optional[Tensor]] = [None]
    for layer in layers[:-1]:
        here, before = near_edges(backend, clip, triangles, layer), found[-1]
        found.append(here if before is None else here | before)
    return found


def near_edges(backend: Backend, clip: Tensor, triangles: Tensor, layer: Fragments) -> Tensor:
    """Pixels at or next to one that `antialias` blends: [B, H, W, 1] bool.

    In a picture of squares one pixel large all neighbours differ, so that every blended pixel changes.
    """
    row, column = (torch.arange(size, device=clip.device) for size in (layer.height, layer.width))
    squares = ((row[:, None] + column) % 2).to(clip)[None, :, :, None].repeat(layer.views, 1, 1, 1)
    changed = backend.antialias(squares, clip, triangles, layer) != squares
    return max_pool2d(changed.to(clip).permute(0, 3, 1, 2), 3, stride=1, padding=1).permute(0, 2, 3, 1) > 0

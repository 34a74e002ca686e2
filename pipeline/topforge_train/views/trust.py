"""How far each pixel's mask is believed: less near its border, and where it contradicts the other views.

A weight w in [0, 1] replaces the rendered pixel by target + w (rendered - target): with w = 0 it costs nothing and
teaches nothing, with w = 1 nothing changes. Inside the object all pixels keep their colour; in the doubtful band along
a mask's border, what shows there may be the background, and the border itself is where another view decides better.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Tuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from topforge_train.views.consensus import Consensus
from topforge_train.views.data import ImageSet

LEAST = 0.1
"""Weight at a mask's border itself: masks of many views are still right in the mean."""
BAND = 2.0
"""Half the width of the doubtful band over the mean distance between masks and the hull's silhouettes."""
OUTLIER = 3.0
"""A view is in doubt as a whole if so many times the median of the views contradicts the hull."""
MARGIN = 2
"""Bands: contradictions this close to a mask's border are the band's affair."""
CONTRADICTED = 0.02
"""Weight of contradicting pixels of views in doubt."""


def tolerance_of(consensus: Consensus, images: ImageSet) -> float:
    """Half the width of the doubtful band, in heights of the image; 0 where masks fit their hull.

    The mean distance between two closed outlines is about the area between them over their length; the median over
    views leaves bad masks out.
    """
    if not consensus.is_rough:
        return 0.0
    masks = images.pyramid[consensus.level][..., 3] > 0.5
    between = (masks ^ consensus.silhouettes).sum((1, 2))
    length = (masks ^ grown(masks, 1)).sum((1, 2)).clamp(min=1)
    return BAND * float((between / length).median()) / masks.shape[1]


def grown(masks: Tensor, pixels: int) -> Tensor:
    """Bool masks [N, h, w] dilated by a square of side 2 `pixels` + 1."""
    if pixels == 0:
        return masks
    return max_pool2d(masks[:, None].half(), 2 * pixels + 1, 1, pixels)[:, 0] > 0


def border_weights(masks: Tensor, reach: float) -> Tensor:
    """Weights [N, h, w] of bool masks: `LEAST` at the border, rising to 1 at `reach` pixels from it on both sides."""
    steps = max(1, math.ceil(reach))
    weights = torch.zeros(masks.shape, device=masks.device)
    for step in range(1, steps + 1):
        weights += ~(grown(masks, step) & grown(~masks, step))
    return LEAST + (1.0 - LEAST) * weights / steps


def contradictions(consensus: Consensus, masks: Tensor, reach: int) -> Tensor:
    """Where masks of views in doubt contradict the hull, [N, h, w] bool, at the consensus' level.

    A view is in doubt if far more of it contradicts than is usual, so that what most views agree to leave out of the
    hull (a handle's eye, which few see through) is never overruled.
    """
    ours = consensus.silhouettes
    wrong = (masks & ~grown(ours, reach)) | (ours & ~grown(masks, reach))
    share = wrong.sum((1, 2)) / masks.sum((1, 2)).clamp(min=1)
    doubtful = share > OUTLIER * share.median() + 0.02
    return grown(wrong, reach) & doubtful[:, None, None]


def weights_of(consensus: Consensus, images: ImageSet, tolerance: float) -> Tuple[Tensor, ...]:
    """Weights [N, h, w, 1] float16 for each level of the photographs' pyramid; none where `tolerance` is 0.

    Args:
        consensus: The hull that the masks agree on.
        images: The photographs.
        tolerance: Half the width of the band, heights of the image.
    """
    if tolerance <= 0:
        return ()
    coarse = images.pyramid[consensus.level][..., 3] > 0.5
    wrong = contradictions(consensus, coarse, MARGIN * math.ceil(tolerance * coarse.shape[1]))
    fine = images.pyramid[0][..., 3] > 0.5
    weights = border_weights(fine, tolerance * fine.shape[1])[:, None]
    contradicted = interpolate(wrong[:, None].float(), weights.shape[2:]) > 0
    weights = torch.where(contradicted, CONTRADICTED, weights)
    levels = [weights]
    while len(levels) < len(images.pyramid):
        levels.append(avg_pool2d(levels[-1], 2))
    return tuple(level.permute(0, 2, 3, 1).half().contiguous() for level in levels)


def believing(images: ImageSet, consensus: Consensus, tolerance: float) -> ImageSet:
    """The photographs with their weights."""
    return dataclasses.replace(images, trust=weights_of(consensus, images, tolerance))

"""The signed distance that pass 1 starts from where no hull is wanted (`views.consensus` has the hull)."""

from __future__ import annotations

import torch
from torch import Tensor

from topforge_train.geometry.isosurface import SignedDistance


def random_distance(bounds: Tensor, resolution: int, generator: torch.Generator) -> SignedDistance:
    """Nvdiffrec's random cloud: mostly inside, one vertex in ten outside (its U(0, 1) - 0.1, in cells)."""
    cell = float((bounds[1] - bounds[0]).max()) / resolution

    def distance(points: Tensor) -> Tensor:
        return cell * (0.1 - torch.rand(len(points), generator=generator).to(points.device))

    return distance

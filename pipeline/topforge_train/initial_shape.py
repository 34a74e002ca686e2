"""The signed distance that pass 1 starts from."""

from __future__ import annotations

import torch
from torch import Tensor

from topforge_train.data import ImageSet
from topforge_train.geometry.hull import visual_hull_sdf
from topforge_train.geometry.isosurface import SignedDistance

MASK_SIZE = 128
"""Masks are reduced to about this size: the hull's error is then below a cell of the finest grids in use."""


def hull_distance(images: ImageSet) -> SignedDistance:
    """The visual hull of the masks as a distance function, world units, negative inside."""
    level = min(range(len(images.pyramid)), key=lambda k: abs(images.pyramid[k].shape[1] - MASK_SIZE))
    masks = images.pyramid[level][..., 3].float()

    def distance(points: Tensor) -> Tensor:
        poses, fov_y, centre = (values.to(masks) for values in (images.camera_to_world, images.fov_y, images.centre))
        return visual_hull_sdf(poses, fov_y, masks, points, centre=centre)

    return distance


def random_distance(bounds: Tensor, resolution: int, generator: torch.Generator) -> SignedDistance:
    """Nvdiffrec's random cloud: mostly inside, one vertex in ten outside (its U(0, 1) - 0.1, in cells)."""
    cell = float((bounds[1] - bounds[0]).max()) / resolution

    def distance(points: Tensor) -> Tensor:
        return cell * (0.1 - torch.rand(len(points), generator=generator).to(points.device))

    return distance

"""Before training: what the photographs say about themselves, and what follows from it.

How well the masks agree decides the hull that pass 1 starts from and how far pixels are believed; how differently the
views show the same surface decides whether exposures are learnt. What was found is said in a sentence each.
"""

from __future__ import annotations

import dataclasses
from typing import Tuple

import torch
from torch import Tensor

from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.backend.interface import Backend
from topforge_train.views import consensus, exposure, trust
from topforge_train.views.consensus import Consensus
from topforge_train.views.data import ImageSet


@dataclasses.dataclass(frozen=True)
class Learnt:
    """Which corrections are learnt."""

    exposure: bool = False
    poses: bool = False


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What training starts from."""

    images: ImageSet
    """The training photographs, with how far they are believed."""
    hull: Consensus
    log_gain: Tensor
    """[N, 3] float32 on the images' device; 0 where exposures are not learnt."""
    learnt: Learnt
    remarks: Tuple[str, ...]
    """Sentences for people."""


def prepare(backend: Backend, images: ImageSet, options: BuiltinOptions) -> Prepared:
    """Looks at the photographs; takes about two seconds for a hundred views.

    Args:
        backend: Finds what is visible.
        images: The training photographs on the backend's device.
        options: What is asked for.
    """
    bounds = torch.tensor([[-0.5] * 3, [0.5] * 3]) * options.mesh_scale
    hull = consensus.find(backend, images, bounds, options.hull_votes)
    remarks = [hull.sentence()]
    height = images.resolution[0]
    tolerance = trust.tolerance_of(hull, images)
    if options.mask_tolerance is not None:
        tolerance = options.mask_tolerance / height
    if tolerance > 0:
        remarks.append("Masks are believed less within %.1f pixels of their borders." % (tolerance * height))
    log_gain, exposed = exposures(backend, images, hull, options)
    if exposed:
        spread = exposure.spread_of(log_gain)
        remarks.append("Exposures are learnt; they were found to differ by %.2f stops (rms)." % spread)
    rough = hull.is_rough
    learnt = Learnt(
        exposure=exposed, poses=options.pose_refinement == "on" or (options.pose_refinement == "auto" and rough)
    )
    if learnt.poses:
        remarks.append("Camera poses are corrected while training.")
    return Prepared(trust.believing(images, hull, tolerance), hull, log_gain, learnt, tuple(remarks))


def exposures(backend: Backend, images: ImageSet, hull: Consensus, options: BuiltinOptions) -> Tuple[Tensor, bool]:
    """The views' log gains [N, 3] and whether they are learnt."""
    nothing = torch.zeros(len(images), 3, device=backend.device)
    if options.exposure == "off" or len(images) < 2 or not any(images.files):  # drawn ones have no files
        return nothing, False
    if hull.mesh is None or options.camera_space_light:  # nothing that two views show alike
        return nothing, options.exposure == "on"
    found = exposure.calibrate(backend, images, hull.mesh, hull.level)
    if options.exposure == "auto" and not found.vary:
        return nothing, False
    return found.log_gain.to(backend.device), True

"""What a run is trained on and measured with: photographs, or pictures drawn of a reference mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import torch

import topforge_capture
from topforge import wavefront
from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.backend.interface import Backend
from topforge_train.mesh_reference.pool import reference_images
from topforge_train.training.progress import Reporter
from topforge_train.views.data import ImageSet, load_images

REFERENCE_DRAWS = 0x6D657368
"""Sets the random numbers of reference views apart from those of the passes."""


def load(dataset: Path, options: BuiltinOptions, backend: Backend, reporter: Reporter) -> Tuple[ImageSet, ImageSet]:
    """Training and validation views on the backend's device.

    Args:
        dataset: A capture's folder, or a mesh (`.obj`).
        options: Sizes, light, number of reference views.
        backend: Draws the reference.
        reporter: Is told what of a mesh's files has no effect.

    Raises:
        TopForgeError: Something in them cannot be used.
    """
    if wavefront.is_mesh(str(dataset)):
        generator = torch.Generator().manual_seed(REFERENCE_DRAWS + options.seed)
        reporter.stage("prepare", 0.0, "drawing %d views of %s" % (options.reference_views, dataset.name))
        training, validation, remarks = reference_images(dataset, options, backend, generator)
        for remark in remarks:
            reporter.message(remark)
        return training, validation
    training = load_images(dataset, "train", options.cam_near_far, size=options.train_res).to(backend.device)
    return training, held_out(dataset, options, training).to(backend.device)


def held_out(dataset: Path, options: BuiltinOptions, training: ImageSet) -> ImageSet:
    """The views to validate on: "val", else "test", else (as nvdiffrec does for LLFF) the training views."""
    for split in ("val", "test"):
        if split in topforge_capture.splits(dataset):
            return load_images(dataset, split, options.cam_near_far, levels=1, size=options.train_res)
    return training

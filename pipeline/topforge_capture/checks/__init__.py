"""The checks: one function each; here is their order."""

from topforge_capture.checks import cameras, files, images, lenses, masks, space, splits
from topforge_capture.checks.registry import Check, Material, Options, run

CHECKS = (
    files.files,
    files.size,
    files.count,
    masks.masks,
    masks.border,
    masks.premultiplied,
    images.duplicates,
    images.exposure,
    images.sharpness,
    lenses.lens,
    cameras.rotation,
    cameras.convention,
    cameras.aim,
    masks.agreement,
    cameras.same_pose,
    space.box,
    space.up,
    space.coverage,
    splits.splits,
)
"""In the order in which they run and are reported."""

__all__ = ["CHECKS", "Check", "Material", "Options", "run"]

"""The visual hull of the masks as a small mesh: what the photographs' outlines alone say of the shape.

Artists check cameras and masks with it, and it bounds the result; nothing is trained on this file.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from topforge import atomic
from topforge_train.export.tree import lines
from topforge_train.geometry import FlexiCubes
from topforge_train.geometry.hull import Cones, hull_from_ranks, ranked_distances
from topforge_train.geometry.isosurface import EmptySurfaceError
from topforge_train.views.data import ImageSet

CELLS = 40
"""Along a side of the training box: a few thousand triangles."""
MASK_HEIGHT = 64
"""Of the masks, pixels: finer ones would show less than a cell and take eight times as long for each doubling."""
COVERED = 0.5
"""Coverage at which a pixel counts as object."""


def write_hull(path: Path, images: ImageSet, side: float, disagreeing: int = 0, growth: float = 0.0) -> bool:
    """Writes the hull as Wavefront OBJ: positions and triangles, counter-clockwise from outside, closed.

    Args:
        path: The file, .obj.
        images: The photographs whose alpha is the mask.
        side: Side of the training box, a cube around the origin, world units.
        disagreeing: How many masks may miss a point without carving it away.
        growth: By how much masks are grown first, in heights of the image.

    Returns:
        False when there is nothing to write: no mask leaves anything out, or they have no shape in common.
    """
    masks = small_masks(images)
    if bool((masks >= COVERED).all()):
        return False
    fov_y, centre = images.fov_y.float(), images.centre.float()
    surface = FlexiCubes(torch.tensor([[-0.5] * 3, [0.5] * 3]) * side, CELLS, device="cpu")
    cones = Cones.of(images.camera_to_world, fov_y, masks, centre)

    def distance(points: Tensor) -> Tensor:
        worst, seen = ranked_distances(cones, points, disagreeing + 1, growth)
        return hull_from_ranks(worst[disagreeing], seen, points)

    surface.initialise(distance)
    try:
        mesh = surface.extract(training=False)
    except EmptySurfaceError:
        return False
    vertices, triangles = mesh.vertices.detach().numpy(), mesh.triangles.numpy() + 1
    atomic.write_text(path, lines("v %.7g %.7g %.7g\n", vertices) + lines("f %d %d %d\n", triangles))
    return True


def small_masks(images: ImageSet) -> Tensor:
    """Coverage [N, h, w] float32 in [0, 1], on the CPU, averaged down to MASK_HEIGHT; never up."""
    levels = [level for level in images.pyramid if level.shape[1] >= MASK_HEIGHT] or [images.pyramid[0]]
    coverage = levels[-1][..., 3].float().cpu()
    _, height, width = coverage.shape
    scale = min(1.0, MASK_HEIGHT / height)
    size = (max(2, round(height * scale)), max(2, round(width * scale)))
    return torch.nn.functional.interpolate(coverage[:, None], size, mode="area")[:, 0]

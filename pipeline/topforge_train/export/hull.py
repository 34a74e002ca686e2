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

CELLS = 40
"""Along a side of the training box: a few thousand triangles."""


def write_hull(path: Path, cones: Cones, side: float, disagreeing: int = 0, growth: float = 0.0) -> bool:
    """Writes the hull as Wavefront OBJ: positions and triangles, counter-clockwise from outside, closed.

    Args:
        path: The file, .obj.
        cones: What the photographs' masks leave of space.
        side: Side of the training box, a cube around the origin, world units.
        disagreeing: How many masks may miss a point without carving it away.
        growth: By how much masks are grown first, in heights of the image.

    Returns:
        False when there is nothing to write: no mask leaves anything out, or they have no shape in common.
    """
    if bool((cones.distances < 0).all()):
        return False
    surface = FlexiCubes(torch.tensor([[-0.5] * 3, [0.5] * 3]) * side, CELLS, device=str(cones.distances.device))

    def distance(points: Tensor) -> Tensor:
        worst, seen = ranked_distances(cones, points, disagreeing + 1, growth)
        return hull_from_ranks(worst[disagreeing], seen, points)

    surface.initialise(distance)
    try:
        mesh = surface.extract(training=False)
    except EmptySurfaceError:
        return False
    vertices, triangles = mesh.vertices.numpy(force=True), mesh.triangles.numpy(force=True) + 1
    atomic.write_text(path, lines("v %.7g %.7g %.7g\n", vertices) + lines("f %d %d %d\n", triangles))
    return True

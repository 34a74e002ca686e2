"""Fewer triangles: edges collapse in the order of the quadric error (Garland and Heckbert 1997, section 3)."""

from __future__ import annotations

import fast_simplification
import torch

from topforge.errors import FailureClass, TopForgeError

from .cleanup import compact
from .mesh import Mesh, is_watertight, volume

HURRY = (4, 5, 7)
"""fast_simplification's "aggressiveness": lower keeps the shape better, and may stop before the target."""
LOST_VOLUME = 0.1
"""A change of the enclosed volume by more than this share means that the shape is gone."""


class BudgetError(TopForgeError):
    """A mesh cannot be brought down to so few triangles and stay what it is."""

    failure_class = FailureClass.TRAINER

    def __init__(self, budget: int, left: int) -> None:
        super().__init__(
            'The surface cannot be simplified to "triangle_budget" %d: %d triangles are left, or it tears.'
            % (budget, left),
            "Raise triangle_budget, or set it to 0 for all triangles.",
        )


def decimated(mesh: Mesh, budget: int) -> Mesh:
    """The mesh with at most `budget` triangles, on the same device; the same mesh if it has no more.

    Raises:
        BudgetError: It would tear, shrink away, or stay larger.
    """
    if len(mesh.triangles) <= budget:
        return mesh
    lower, upper = mesh.vertices.amin(0), mesh.vertices.amax(0)
    size = float((upper - lower).max())  # the collapse's thresholds are absolute: it works on a unit cube
    points = ((mesh.vertices.detach() - lower) / size).cpu().numpy()
    left = len(mesh.triangles)
    for hurry in HURRY:
        vertices, triangles = fast_simplification.simplify(
            points, mesh.triangles.cpu().numpy(), target_count=budget, agg=hurry
        )
        found = compact(Mesh(torch.from_numpy(vertices).float(), torch.from_numpy(triangles).int()))
        left = len(found.triangles)
        moved = Mesh(found.vertices.to(mesh.vertices) * size + lower, found.triangles.to(mesh.triangles.device))
        if left <= budget and is_same_solid(moved, mesh):
            return moved
    raise BudgetError(budget, left)


def is_same_solid(one: Mesh, other: Mesh) -> bool:
    """Whether the first is closed and encloses about the volume of the second."""
    if not len(one.triangles) or not is_watertight(one.triangles):
        return False
    return abs(float(volume(one) / volume(other.detach())) - 1.0) < LOST_VOLUME

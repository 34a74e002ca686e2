"""What the trainer needs from a shape whose topology is still free.

The signed distance is **negative inside**, as for every distance in this package. Inside a module it is kept in units
of a grid cell, so that learning rates and the sign term mean the same at every resolution and scale.
"""

from __future__ import annotations

import dataclasses
from typing import Callable, Dict, Iterator, Optional, Protocol

import torch
from torch import Tensor

from topforge.errors import FailureClass, TopForgeError
from topforge_train.backend.padding import EXACT, Lengths, Room

from .mesh import Mesh

SignedDistance = Callable[[Tensor], Tensor]
"""World positions [N, 3] -> signed distance [N] in world units, negative inside."""

OUTSIDE_MARGIN = 0.1
"""Least signed distance, in cells, that extraction gives to vertices on the box, so that the surface is closed."""


class EmptySurfaceError(TopForgeError):
    """The signed distance is positive everywhere: there is no surface to extract."""

    failure_class = FailureClass.TRAINER

    def __init__(self, vertex_count: int) -> None:
        super().__init__(
            "The shape has no surface: 0 of %d grid vertices are inside." % vertex_count,
            "Check the masks and the cameras with `topforge check`; if they are right, lower the geometry's learning "
            "rate or raise the grid's resolution.",
        )


@dataclasses.dataclass(frozen=True)
class IsosurfaceMesh(Mesh):
    """An extracted mesh and what its regularisers need.

    Attributes:
        edge_distance: [Q, 2] signed distances in cells at the ends of the grid edges that the surface crosses.
        edge_count: [1] int, how many of these rows count; None = all.
        triangle_count: [1] int, how many triangles are not padding; None = all. Padding has one vertex three times.
        lengths: Of all lists that a `Room` may limit.
    """

    edge_distance: Tensor
    edge_count: Optional[Tensor]
    triangle_count: Optional[Tensor]
    lengths: Lengths

    def mean(self, values: Tensor) -> Tensor:
        """Mean of values [F, ...] that are 0 for triangles without extent, over those that are not padding."""
        if self.triangle_count is None:
            return values.mean()
        return values.sum() / (self.triangle_count.clamp(min=1) * values[0].numel())[0]


class Isosurface(Protocol):
    """A learnable shape; a torch module, so that state_dict, parameters and to(device) are torch's own.

    Parameters are named: `sdf` [N] (cells, negative inside), `deform` [N, 3] and, for FlexiCubes, `weights` [C, 21].
    """

    sdf: torch.nn.Parameter
    deform: torch.nn.Parameter

    @property
    def bounds(self) -> Tensor:
        """Lower and upper corner [2, 3] of the box that holds the shape, world units, float32, on the CPU."""

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The learnable tensors."""

    def initialise(self, signed_distance: SignedDistance) -> None:
        """Sets the shape from a distance function; deformation and weights go back to neutral."""

    def signed_distance(self, points: Tensor) -> Tensor:
        """Signed distance [M], world units, at world points [M, 3].

        `other.initialise(this.signed_distance)` moves a shape to another grid.
        """

    def extract(self, training: bool, room: Room = EXACT) -> IsosurfaceMesh:
        """The surface, closed and manifold, facing outward.

        Args:
            training: Whether every parameter must receive gradients; FlexiCubes then cuts quads into four triangles.
            room: With an entry for each of the mesh's `lengths`, all lists have that length and a GPU is not waited
                for. Vertices and triangles then include padding, which is nowhere to be seen. Where a list is longer
                than its room, the mesh has holes.

        Raises:
            EmptySurfaceError: the distance is positive everywhere; with a `room`, a length is 0 instead.
        """

    def regulariser(self, mesh: IsosurfaceMesh) -> Dict[str, Tensor]:
        """Named scalar penalties of a mesh extracted for training, unweighted."""


def inside_flags(sdf: Tensor) -> Tensor:
    """Which vertices are inside: uint8, 1 where the distance is below zero.

    Raises:
        EmptySurfaceError: none is.
    """
    inside = (sdf < 0).to(torch.uint8)
    if not bool(inside.any()):
        raise EmptySurfaceError(inside.numel())
    return inside


def closed(sdf: Tensor, border: Tensor) -> Tensor:
    """The distance with the vertices on the box held outside."""
    return torch.where(border, sdf.clamp_min(OUTSIDE_MARGIN), sdf)

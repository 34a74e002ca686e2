"""Regular grids over a box: where their vertices are, and reading a field between them."""

from __future__ import annotations

import dataclasses
import math
from typing import Tuple

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Grid:
    """Cubic cells that cover a box. Vertices are numbered with x slowest and z fastest.

    Attributes:
        cells: Number of cells along x, y, z.
        lower: Lower corner in world units.
        cell: Side of a cell in world units.
    """

    cells: Tuple[int, int, int]
    lower: Tuple[float, float, float]
    cell: float

    @classmethod
    def over(cls, bounds: Tensor, resolution: int) -> Grid:
        """A grid with `resolution` cells on the longest side of bounds [2, 3]; shorter sides are rounded up."""
        low, high = (row.tolist() for row in bounds.detach().double().cpu())
        sides = [b - a for a, b in zip(low, high)]
        cell = max(sides) / resolution
        counts = [max(2, math.ceil(side / cell - 1e-6)) for side in sides]
        lower = [0.5 * (a + b - n * cell) for a, b, n in zip(low, high, counts)]
        return cls((counts[0], counts[1], counts[2]), (lower[0], lower[1], lower[2]), cell)

    @property
    def shape(self) -> Tuple[int, int, int]:
        """Vertices along x, y, z."""
        return (self.cells[0] + 1, self.cells[1] + 1, self.cells[2] + 1)

    @property
    def bounds(self) -> Tensor:
        """Lower and upper corner [2, 3], world units."""
        lower = torch.tensor(self.lower)
        return torch.stack((lower, lower + self.cell * torch.tensor(self.cells)))

    def vertices(self, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
        """World positions [N, 3] of the grid's vertices."""
        axes = [
            start + self.cell * torch.arange(count, device=device, dtype=dtype)
            for start, count in zip(self.lower, self.shape)
        ]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)

    def border(self, device: torch.device) -> Tensor:
        """Which vertices lie on the box: [N] bool."""
        mask = torch.ones(self.shape, dtype=torch.bool, device=device)
        mask[1:-1, 1:-1, 1:-1] = False
        return mask.reshape(-1)

    def sample(self, values: Tensor, points: Tensor) -> Tensor:
        """Trilinear interpolation of values [N, C] at world points [M, 3], clamped to the box: [M, C]."""
        last = torch.tensor(self.cells, device=points.device, dtype=points.dtype)
        start = torch.tensor(self.lower, device=points.device, dtype=points.dtype)
        unit = ((points - start) / self.cell / last * 2 - 1).flip(-1)
        volume = values.reshape(*self.shape, -1).permute(3, 0, 1, 2)[None]
        found = torch.nn.functional.grid_sample(
            volume, unit.reshape(1, -1, 1, 1, 3), padding_mode="border", align_corners=True
        )
        return found.reshape(values.shape[-1], -1).t()

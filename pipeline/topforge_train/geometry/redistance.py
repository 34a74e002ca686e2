"""Making a field on a grid smooth, and a true distance again, without moving its zero."""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor

from .grid import Grid
from .isosurface import SignedDistance


def prepared(signed_distance: SignedDistance, bounds: Tensor, resolution: int, smoothing: int = 1) -> SignedDistance:
    """A distance function sampled on a grid, smoothed and made a true distance; read back trilinearly.

    Args:
        signed_distance: Any field with the right sign, such as a visual hull.
        bounds: [2, 3] box to sample.
        resolution: Cells along its longest side.
        smoothing: Rounds of `smooth`; each widens the filter's standard deviation: sqrt(rounds / 2) cells.
    """
    grid = Grid.over(bounds, resolution)
    values = signed_distance(grid.vertices(bounds.device)).reshape(grid.shape) / grid.cell
    values = redistance(smooth(values, smoothing)) * grid.cell
    return lambda points: grid.sample(values.reshape(-1, 1), points)[:, 0]


def smooth(values: Tensor, rounds: int) -> Tensor:
    """Filters a field [nx, ny, nz] with the binomial 1-2-1 along each axis."""
    for _ in range(rounds):
        for axis in range(3):
            below, above = neighbours(values, axis)
            values = (below + 2 * values + above) / 4
    return values


def redistance(values: Tensor, rounds: int = 30) -> Tensor:
    """A field [nx, ny, nz] with the same zero and a slope of one, in cells (Russo and Smereka, JCP 163, 2000).

    Points beside the zero are set to their distance from it, by the field's own slope there; all others follow the
    eikonal equation outward from them, half a cell a round. Beyond that band the old values are kept.
    """
    sign = torch.sign(values)
    crossed = torch.zeros_like(values, dtype=torch.bool)
    slope = torch.zeros_like(values)
    for axis in range(3):
        below, above = neighbours(values, axis)
        crossed |= (below * values < 0) | (above * values < 0)
        central, one_sided = (above - below).abs() / 2, torch.maximum((above - values).abs(), (values - below).abs())
        slope = slope + torch.where(central > 0.1 * one_sided, central, one_sided).square()
    anchor = values / slope.sqrt().clamp_min(1e-6)
    result = torch.where(crossed, anchor, values)
    for _ in range(rounds):
        stepped = result - 0.5 * sign * (upwind_slope(result, sign) - 1)
        result = torch.where(crossed, anchor, torch.where(stepped * sign > 0, stepped, result))
    return result


def upwind_slope(values: Tensor, sign: Tensor) -> Tensor:
    """Length of the gradient from the side the zero is on (Godunov's scheme, first order), per cell."""
    total = torch.zeros_like(values)
    for axis in range(3):
        below, above = neighbours(values, axis)
        rise = torch.maximum(sign * (values - below), sign * (values - above)).clamp_min(0)
        total = total + rise.square()
    return total.sqrt()


def neighbours(values: Tensor, axis: int) -> Tuple[Tensor, Tensor]:
    """The values one step down and up an axis; the border is repeated."""
    size = values.shape[axis]
    below = torch.cat((values.narrow(axis, 0, 1), values.narrow(axis, 0, size - 1)), axis)
    above = torch.cat((values.narrow(axis, 1, size - 1), values.narrow(axis, size - 1, 1)), axis)
    return below, above

"""Exposure and white balance of each photograph, found from what several of them show of the same surface.

Where the light is fixed, a matt surface has one radiance from wherever it is seen. On the hull that the masks agree on,
split into small cells, view i then photographs cell c with the logarithm g_i + a_c. The gains g are the robust least
squares solution (Huber's weights; the cells are eliminated, which leaves a system of N views), with mean zero:
one factor for all views is exchanged freely with the light.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.geometry.mesh import Mesh, triangle_normals
from topforge_train.views.consensus import AT_ONCE
from topforge_train.views.data import ImageSet

CELLS = 24
"""Along the longest side of the shape: cells are some pixels large, so that a hull that is off by one says the same."""
FEWEST_PIXELS = 3
"""Of a view in a cell."""
DARKEST, BRIGHTEST = 0.01, 0.9
"""Linear values between which a photograph is believed: noise below, clipping above."""
GRAZING = 0.4
"""Least cosine between normal and direction to the camera."""
ROUNDS = 12
HUBER = 0.1
"""Residual, in natural logarithm, from which on it counts less: about twice the noise of a cell."""
RIDGE = 0.5
"""Cells' worth of belief that a gain is one: decides for views that share nothing with others."""
STOP = math.log(2.0)
ABOVE_NOISE = 0.5
"""Spread of exposure over what it leaves unexplained: a glossy surface differs from view to view, too. On the sample
0.4 with its fixed exposure, 1.0 with exposures of +-0.5 stops."""
NOTICEABLE = 0.15
"""Spread of exposure, in stops (root mean square), from which on views differ: gloss and a hull that is not the shape
make 0.09 of the sample's fixed exposure."""


@dataclasses.dataclass(frozen=True)
class Exposures:
    """What the photographs say of their exposure."""

    log_gain: Tensor
    """[N, 3] float32, natural logarithm, mean zero over the views, on the CPU."""
    noise: float
    """What gains leave unexplained of a cell's brightness, stops (robust standard deviation): gloss, mostly."""

    @property
    def spread(self) -> float:
        """Root mean square of the views' exposures in stops, the mean of the channels."""
        return spread_of(self.log_gain)

    @property
    def vary(self) -> bool:
        """Whether the views' exposures differ, and not just by what gloss makes of a few cells."""
        return self.spread > max(NOTICEABLE, ABOVE_NOISE * self.noise)


def observations(backend: Backend, images: ImageSet, mesh: Mesh, level: int) -> Tuple[Tensor, Tensor]:
    """Mean log colour [N, C, 3] of each of C cells in N views, and the weight of each [N, C], 0 or 1; on the CPU.

    Args:
        backend: Finds what is visible.
        images: The photographs, on the backend's device.
        mesh: The shape.
        level: Of the photographs' pyramid.
    """
    cell, count = cells_of(mesh)
    normals = torch.nn.functional.normalize(triangle_normals(mesh), dim=-1)
    centres = mesh.vertices[mesh.triangles.long()].mean(1)
    sums = torch.zeros(len(images) * count, 4)  # on the CPU, which adds in order: several GPUs must find the same
    height, width = images.pyramid[level].shape[1:3]
    for index in torch.split(torch.arange(len(images), device=backend.device), AT_ONCE):
        cameras, target = images.cameras[index], images.targets(index, level)
        seen = backend.rasterize(cameras.project(mesh.vertices), mesh.triangles, (height, width)).ids.long()
        view, row, column = torch.nonzero(seen > 0, as_tuple=True)
        triangle = seen[view, row, column] - 1
        towards = torch.nn.functional.normalize(cameras.eye[view] - centres[triangle], dim=-1)
        pixel = target[view, row, column]
        color = pixel[:, :3]
        usable = (pixel[:, 3] > 0.99) & (color > DARKEST).all(-1) & (color < BRIGHTEST).all(-1)
        usable &= (towards * normals[triangle]).sum(-1) > GRAZING
        where = (index[view] * count + cell[triangle])[usable]
        values = torch.cat([color[usable].log(), torch.ones_like(color[usable, :1])], dim=-1)
        sums.index_add_(0, where.cpu(), values.cpu())
    number = sums[:, 3:].clamp(min=1)
    weight = (sums[:, 3] >= FEWEST_PIXELS).float().reshape(len(images), count)
    return (sums[:, :3] / number).reshape(len(images), count, 3), weight


def cells_of(mesh: Mesh) -> Tuple[Tensor, int]:
    """The cell [F] int64 that each triangle belongs to, by place and by the side it faces; and how many there are."""
    centres = mesh.vertices[mesh.triangles.long()].mean(1)
    low = centres.amin(0)
    size = float((centres.amax(0) - low).max()) / CELLS + 1e-9
    place = ((centres - low) / size).long()
    facing = triangle_normals(mesh).abs().argmax(-1)
    key = ((place[:, 0] * (CELLS + 1) + place[:, 1]) * (CELLS + 1) + place[:, 2]) * 3 + facing
    _, cell = torch.unique(key, return_inverse=True)
    return cell, int(cell.max()) + 1


def spread_of(log_gain: Tensor) -> float:
    """Root mean square over the views of log gains [N, 3], the mean of the channels, in stops."""
    return float(log_gain.mean(1).square().mean().sqrt()) / STOP


def solve(values: Tensor, weight: Tensor) -> Tensor:
    """Gains [N] of one channel, natural logarithm, mean zero, from values [N, C] = g_i + a_c with weights [N, C]."""
    robust = weight
    gain = values.new_zeros(len(values))
    for _ in range(ROUNDS):
        total = robust.sum(0).clamp(min=1e-6)
        mean = (robust * values).sum(0) / total
        matrix = torch.diag(robust.sum(1) + RIDGE) - (robust / total) @ robust.t()
        gain = torch.linalg.solve(matrix, (robust * (values - mean)).sum(1))
        gain = gain - gain.mean()
        cell = (robust * (values - gain[:, None])).sum(0) / total
        residual = (values - gain[:, None] - cell).abs()
        robust = weight * (HUBER / residual.clamp(min=HUBER))
    return gain


def calibrate(backend: Backend, images: ImageSet, mesh: Mesh, level: int) -> Exposures:
    """Finds the gains of all views from what they show of a shape that is about right."""
    values, weight = (tensor.double() for tensor in observations(backend, images, mesh, level))
    shared = weight * (weight.sum(0) > 1)
    gains = torch.stack([solve(values[..., channel], shared) for channel in range(3)], dim=1)
    exposed = values.mean(-1) - gains.mean(1)[:, None]
    cell = (shared * exposed).sum(0) / shared.sum(0).clamp(min=1)
    left = (exposed - cell).abs()[shared > 0]
    noise = 1.4826 * float(left.median()) / STOP if len(left) else 0.0
    return Exposures(gains.float(), noise)

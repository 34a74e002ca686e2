"""From the field to textures: where each texel lies on the surface, the field there, and what fills the gaps."""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.rendering.material import VolumeMaterial


@torch.no_grad()
def texel_positions(
    backend: Backend, vertices: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor, size: int
) -> Tuple[Tensor, Tensor]:
    """Flat texel indices [T] (row * size + column) inside the charts and their surface positions [T, 3]."""
    # Row r holds v = (r + 0.5) / size; backends put NDC y = -1 at row 0, so v maps to y without a flip.
    ndc = torch.cat([uv * 2.0 - 1.0, uv.new_zeros(len(uv), 1), uv.new_ones(len(uv), 1)], dim=-1)
    fragments = backend.rasterize(ndc.unsqueeze(0), uv_triangles, (size, size))
    return fragments.pixel, backend.interpolate(vertices, triangles, fragments)


@torch.no_grad()
def bake(
    backend: Backend,
    material: VolumeMaterial,
    vertices: Tensor,
    triangles: Tensor,
    uv: Tensor,
    uv_triangles: Tensor,
    size: int,
) -> Tensor:
    """Nine-channel texels [size, size, 9]: the field's six channels at the texels, and flat normals; charts padded."""
    texel, position = texel_positions(backend, vertices, triangles, uv, uv_triangles, size)
    channels = torch.cat([material(backend, chunk) for chunk in position.split(65536)])
    texels = channels.new_zeros(size * size, 9)
    texels[texel, :6] = channels
    inside = channels.new_zeros(size * size, 1)
    inside[texel] = 1.0
    texels = pad_charts(texels.reshape(size, size, 9), inside.reshape(size, size, 1))
    texels[..., 6:9] = texels.new_tensor([0.0, 0.0, 1.0])
    return texels


def pad_charts(texels: Tensor, inside: Tensor, rings: int = 2) -> Tensor:
    """Fills texels outside the charts from near inside, so that no lookup and no mip level meets an empty texel.

    First `rings` texels around each chart from their neighbours, so that charts meet in the middle of the gap; the
    rest coarse to fine ("push-pull", Gortler et al. 1996).

    Args:
        texels: [H, W, C].
        inside: [H, W, 1], 1 inside a chart.
        rings: Half the gap between charts, in texels.

    Returns:
        [H, W, C]; texels inside are unchanged.
    """
    for _ in range(rings):
        mean, covered = _covered_mean(texels, inside, size=3, stride=1, padding=1)
        texels = torch.where(inside > 0, texels, mean)
        inside = covered
    return _pull_push(texels, inside)


def _pull_push(texels: Tensor, inside: Tensor) -> Tensor:
    if inside.min() > 0 or min(texels.shape[:2]) <= 1:
        return texels
    coarse = _pull_push(*_covered_mean(texels, inside, size=2, stride=2, padding=0))
    up = coarse.repeat_interleave(2, 0).repeat_interleave(2, 1)[: texels.shape[0], : texels.shape[1]]
    return torch.where(inside > 0, texels, up)


def _covered_mean(texels: Tensor, inside: Tensor, size: int, stride: int, padding: int) -> Tuple[Tensor, Tensor]:
    """Means over the covered texels of each window [h, w, C], and whether there are any [h, w, 1]."""
    weighted = torch.cat([texels * inside, inside], dim=-1).permute(2, 0, 1).unsqueeze(0)
    pooled = torch.nn.functional.avg_pool2d(weighted, size, stride, padding, ceil_mode=True)[0].permute(1, 2, 0)
    return pooled[..., :-1] / pooled[..., -1:].clamp(min=1e-8), (pooled[..., -1:] > 0).float()

"""From the field to textures: unwrap the final triangles, evaluate the field at each texel, pad the charts."""

from __future__ import annotations

from typing import Tuple

import torch
import xatlas
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.geometry.mesh import components
from topforge_train.material import VolumeMaterial


def unwrap(vertices: Tensor, triangles: Tensor, texture_size: int, padding: int = 4) -> Tuple[Tensor, Tensor]:
    """Texture coordinates of a mesh; no chart is mirrored, each texture vertex has one MikkTSpace tangent.

    A tangent frame with bitangent = cross(normal, tangent) is then right: nvdiffrec, MaterialX 1.38 and Mitsuba know
    no other. xatlas mirrors a chart when it packs it a quarter turn round; so that is switched off, which costs about
    1 % of the texels.

    Args:
        vertices: [V, 3].
        triangles: [F, 3].
        texture_size: Side of the square texture in texels, for the padding.
        padding: Empty texels between charts, so that bilinear lookups and the first mip levels do not mix charts.
            xatlas overshoots the size that it aims at: expect about three quarters.

    Returns:
        uv [Vt, 2] in [0, 1], v downwards, and uv_triangles [F, 3] int32, in the order of `triangles`.
    """
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices.detach().cpu().numpy(), triangles.detach().cpu().numpy().astype("uint32"))
    pack = xatlas.PackOptions()
    pack.padding = padding
    pack.resolution = texture_size
    pack.rotate_charts = False
    pack.create_image = False
    atlas.generate(pack_options=pack)
    _, indices, uv = atlas[0]
    uv = torch.from_numpy(uv.astype("float32"))
    # xatlas's v grows upwards, as far as orientation goes; ours grows downwards.
    return split_fans(torch.stack([uv[:, 0], 1.0 - uv[:, 1]], dim=-1), torch.from_numpy(indices.astype("int32")))


def split_fans(uv: Tensor, uv_triangles: Tensor) -> Tuple[Tensor, Tensor]:
    """Repeats each texture vertex so that the triangles at it are joined by edges and turn the same way.

    MikkTSpace averages tangents over just such a fan: two fans that touch in a point, or a triangle that lies
    flipped in its chart, have tangents of their own.

    Args:
        uv: [Vt, 2].
        uv_triangles: [F, 3] int32.

    Returns:
        uv [>= Vt used, 2], uv_triangles [F, 3] int32.
    """
    start, corner = uv_triangles.long(), torch.arange(uv_triangles.numel()).reshape(-1, 3)
    end, next_corner = start.roll(-1, dims=1), corner.roll(-1, dims=1)
    turn = (signed_areas(uv, uv_triangles) < 0).long().unsqueeze(-1)
    edge = (torch.minimum(start, end) * len(uv) + torch.maximum(start, end)) * 2 + turn
    edge, order = edge.reshape(-1).sort(stable=True)
    low = torch.where(start < end, corner, next_corner).reshape(-1)[order]
    high = torch.where(start < end, next_corner, corner).reshape(-1)[order]
    shared = edge[1:] == edge[:-1]
    joined = torch.cat([torch.stack([side[1:][shared], side[:-1][shared]], dim=-1) for side in (low, high)])
    fan = components(corner.numel(), torch.cat([joined, joined[:, :1]], dim=-1))
    first_corner, new_triangles = torch.unique(fan, return_inverse=True)
    return uv[start.reshape(-1)[first_corner]], new_triangles.reshape(-1, 3).int()


def signed_areas(uv: Tensor, uv_triangles: Tensor) -> Tensor:
    """Areas [F] of texture triangles; positive where they turn counter-clockwise with v growing downwards."""
    a, b, c = uv[uv_triangles.long()].unbind(1)
    one, two = b - a, c - a
    return 0.5 * (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])


@torch.no_grad()
def texel_positions(
    backend: Backend, vertices: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor, size: int
) -> Tuple[Tensor, Tensor]:
    """Flat texel indices [T] (row * size + column) inside the charts and their surface positions [T, 3]."""
    # Row r holds v = (r + 0.5) / size; backends put NDC y = -1 at row 0, so v maps to y without a flip.
    ndc = torch.cat([uv * 2.0 - 1.0, torch.zeros(len(uv), 1), torch.ones(len(uv), 1)], dim=-1)
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
    texels = torch.zeros(size * size, 9)
    texels[texel, :6] = channels
    inside = torch.zeros(size * size, 1)
    inside[texel] = 1.0
    texels = pad_charts(texels.reshape(size, size, 9), inside.reshape(size, size, 1))
    texels[..., 6:9] = torch.tensor([0.0, 0.0, 1.0])
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

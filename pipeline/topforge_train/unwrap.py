"""From the field to textures: unwrap the final triangles, evaluate the field at each texel, pad the charts."""

from __future__ import annotations

from typing import Tuple

import torch
import xatlas
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.material import VolumeMaterial


def unwrap(vertices: Tensor, triangles: Tensor, texture_size: int, padding: int = 4) -> Tuple[Tensor, Tensor]:
    """Texture coordinates of a mesh.

    Args:
        vertices: [V, 3].
        triangles: [F, 3].
        texture_size: Side of the square texture in texels, for the padding.
        padding: Empty texels between charts, so that bilinear lookups and the first mip levels do not mix charts.

    Returns:
        uv [Vt, 2] in [0, 1] and uv_triangles [F, 3] int32, in the order of `triangles`.
    """
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices.detach().cpu().numpy(), triangles.detach().cpu().numpy().astype("uint32"))
    pack = xatlas.PackOptions()
    pack.padding = padding
    pack.resolution = texture_size
    pack.create_image = False
    atlas.generate(pack_options=pack)
    _, indices, uv = atlas[0]
    return torch.from_numpy(uv.astype("float32")), torch.from_numpy(indices.astype("int32"))


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


def pad_charts(texels: Tensor, inside: Tensor) -> Tensor:
    """Fills texels outside the charts from the nearest inside, coarse to fine ("push-pull", Gortler et al. 1996).

    Args:
        texels: [H, W, C].
        inside: [H, W, 1], 1 inside a chart.

    Returns:
        [H, W, C]; texels inside are unchanged.
    """
    if inside.min() > 0 or min(texels.shape[:2]) <= 1:
        return texels
    weighted = torch.cat([texels * inside, inside], dim=-1).permute(2, 0, 1).unsqueeze(0)
    half = torch.nn.functional.avg_pool2d(weighted, 2, ceil_mode=True)[0].permute(1, 2, 0)
    half_inside = half[..., -1:]
    coarse = pad_charts(half[..., :-1] / half_inside.clamp(min=1e-8), (half_inside > 0).float())
    up = coarse.repeat_interleave(2, 0).repeat_interleave(2, 1)[: texels.shape[0], : texels.shape[1]]
    return torch.where(inside > 0, texels, up)

"""Normal maps of nvdiffrec and nvdiffmodeling, baked anew so that they look the same in every other program.

Their shading normal is T x + (N x T) y + N z, where T is the sum of dP/du over the triangles at a *position*, made
perpendicular to the vertex normal N. So it has no handedness, and is averaged across texture seams. Everyone else's
(MikkTSpace) has both a handedness and one tangent for each side of a seam. In half of xatlas's charts, which are
mirrored, the two have opposite green channels; near seams, other red ones. For each texel the normal in space is found
in the first frame, and expressed in the second.

Handedness itself is not portable: MaterialX 1.38 (Karma) and Mitsuba compute bitangents without it. So mirrored charts
can be turned round, without resampling anything: the textures become twice as wide, a mirror image of themselves beside
them, and mirrored charts move there.
"""

from __future__ import annotations

import dataclasses
from typing import Tuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topforge.errors import TopForgeError
from topforge_train.backend import load
from topforge_train.backend.interface import Backend, Fragments
from topforge_train.export.asset import Asset, Floats
from topforge_train.geometry.unwrap import split_fans
from topforge_train.rendering.baking import pad_charts
from topforge_train.rendering.tangents import orientation, tangents

Flags = NDArray[np.bool_]

EDGE = 8
"""Texels around each chart that are filled from their neighbours one by one; beyond, coarse to fine."""
_LEAST_AREA = 1e-20
_SLACK = 1e-4


class NoRoomError(TopForgeError):
    """Texture coordinates that overlap or leave the unit square: a texel belongs to several places."""

    def __init__(self, problem: str, as_it_is: Asset) -> None:
        super().__init__(
            "The normal map stays in the trainer's own frame, and edges are not padded: %s." % problem,
            "Give the base mesh texture coordinates that lie in the unit square and do not overlap.",
        )
        self.as_it_is = as_it_is
        """The asset with MikkTSpace tangents and its maps unchanged."""


def upstream_tangents(vertices: Tensor, normals: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor) -> Tensor:
    """T at each position [V, 3], unit, perpendicular to its normal; zero where texture triangles have no area."""
    corners, places = vertices[triangles.long()], uv[uv_triangles.long()]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    a, b = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    usable = area.abs() > _LEAST_AREA
    along_u = (one * b[:, 1:] - two * a[:, 1:]) / torch.where(usable, area, 1.0).unsqueeze(-1)
    along_u = torch.where(usable.unsqueeze(-1), along_u, 0.0)
    total = torch.zeros_like(vertices).index_add(0, triangles.reshape(-1).long(), along_u.repeat_interleave(3, 0))
    total = unit(total)
    return unit(total - normals * (total * normals).sum(-1, keepdim=True))


def unit(vectors: Tensor) -> Tensor:
    """At length 1; zero stays zero."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-20)


def separated(asset: Asset) -> Asset:
    """The asset with texture vertices where MikkTSpace has them, and its tangents: the maps stay as they are.

    Corners with the same position and texture coordinates are one vertex, unless the triangles there turn differently
    or touch in that point only.
    """
    pair = np.concatenate(
        [asset.triangles.reshape(-1, 1), asset.uv[asset.uv_triangles.reshape(-1)].view(np.int32).reshape(-1, 2)], axis=1
    )
    _, first, inverse = np.unique(pair, axis=0, return_index=True, return_inverse=True)
    uv = torch.from_numpy(asset.uv[asset.uv_triangles.reshape(-1)[first]])
    uv, uv_triangles = split_fans(uv, torch.from_numpy(inverse.reshape(-1, 3).astype(np.int32)))
    frame = tangents(*shape_of(asset), uv, uv_triangles)
    sign = orientation(uv, uv_triangles).unsqueeze(-1)
    return dataclasses.replace(
        asset, uv=uv.numpy(), uv_triangles=uv_triangles.numpy(), tangents=torch.cat([frame, sign], dim=-1).numpy()
    )


def mirrored(asset: Asset) -> Flags:
    """Which triangles [F] turn against their texture triangles."""
    corners = asset.uv[asset.uv_triangles].astype(np.float64)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    turned: Flags = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] > 0  # v grows downwards
    return turned


def unmirrored(asset: Asset) -> Asset:
    """The asset with mirrored charts turned round in a second half of its textures; as it is where there are none."""
    turned = mirrored(asset)
    if not turned.any():
        return asset
    corners = asset.uv[asset.uv_triangles].copy()
    across = corners[..., 0] * 0.5
    corners[..., 0] = np.where(turned[:, None], 1.0 - across, across)

    def doubled(pixels: Floats) -> Floats:
        return np.concatenate([pixels, pixels[:, ::-1]], axis=1)

    return dataclasses.replace(
        asset,
        uv=corners.reshape(-1, 2),
        uv_triangles=np.arange(corners.shape[0] * 3, dtype=np.int32).reshape(-1, 3),
        base_color=doubled(asset.base_color),
        ks=doubled(asset.ks),
        normal_map=doubled(asset.normal_map),
        opacity=None if asset.opacity is None else doubled(asset.opacity),
    )


def shape_of(asset: Asset) -> Tuple[Tensor, Tensor, Tensor]:
    """Vertices, normals and triangles as tensors."""
    return torch.from_numpy(asset.vertices), torch.from_numpy(asset.normals), torch.from_numpy(asset.triangles)


def portable(asset: Asset, unmirror: bool = True) -> Asset:
    """The asset with MikkTSpace tangents, a normal map for them, and maps without edges.

    Args:
        asset: As upstream wrote it; its `tangents` are not looked at.
        unmirror: Turn mirrored charts round, which makes the textures twice as wide where there are any.

    Raises:
        NoRoomError: Texels belong to several places; holds what can be had all the same.
    """
    backend = load("auto", "cpu")
    if asset.uv.min() < -_SLACK or asset.uv.max() > 1.0 + _SLACK:
        raise NoRoomError("texture coordinates leave the unit square", separated(asset))
    ready = separated(unmirrored(asset) if unmirror else asset)
    fragments = covered(backend, ready, *ready.base_color.shape[:2])
    if overlaps(ready, fragments):
        raise NoRoomError("texture coordinates overlap", separated(asset))
    normal = rebaked(backend, asset, ready, fragments)
    return padded(ready, normal, fragments)


def covered(backend: Backend, asset: Asset, height: int, width: int) -> Fragments:
    """Which triangle lies under each texel's centre."""
    uv = torch.from_numpy(asset.uv)
    clip = torch.cat([uv * 2.0 - 1.0, uv.new_zeros(len(uv), 1), uv.new_ones(len(uv), 1)], dim=-1)
    return backend.rasterize(clip.unsqueeze(0), torch.from_numpy(asset.uv_triangles), (height, width))


def overlaps(asset: Asset, fragments: Fragments) -> bool:
    """Whether the texture triangles have clearly more area than they cover: by more than a twentieth.

    Rounding at the borders of many small charts is less than that.
    """
    corners = asset.uv[asset.uv_triangles].astype(np.float64)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]).sum()
    return bool(area * fragments.height * fragments.width > 1.05 * len(fragments.pixel) + 64)


def rebaked(backend: Backend, asset: Asset, ready: Asset, fragments: Fragments) -> Tensor:
    """Normals [P, 3] of the covered texels in MikkTSpace.

    Args:
        backend: Interpolates.
        asset: As upstream wrote it: its texture coordinates make its frame.
        ready: The same surface with MikkTSpace tangents; its normal map is still in upstream's frame.
        fragments: The covered texels.
    """
    vertices, normals, triangles = shape_of(asset)
    mine = upstream_tangents(
        vertices, normals, triangles, torch.from_numpy(asset.uv), torch.from_numpy(asset.uv_triangles)
    )
    normal = backend.interpolate(normals, triangles, fragments)
    there = torch.from_numpy(ready.normal_map).reshape(-1, 3)[fragments.pixel]
    across, up = unit(backend.interpolate(mine, triangles, fragments)), unit(normal)
    in_space = across * there[:, :1] + unit(torch.linalg.cross(up, across)) * there[:, 1:2] + up * there[:, 2:]
    frame = backend.interpolate(torch.from_numpy(ready.tangents), torch.from_numpy(ready.uv_triangles), fragments)
    tangent = frame[:, :3]
    bitangent = torch.sign(frame[:, 3:]) * torch.linalg.cross(normal, tangent)
    return expressed(in_space, tangent, bitangent, normal)


def expressed(vectors: Tensor, tangent: Tensor, bitangent: Tensor, normal: Tensor) -> Tensor:
    """Unit coordinates [P, 3] of vectors in a frame that need be neither unit nor perpendicular.

    By Cramer's rule. A frame without volume gives the flat normal, as do vectors that point inwards.
    """
    volume = (torch.linalg.cross(tangent, bitangent) * normal).sum(-1, keepdim=True)
    coordinates = torch.cat(
        [
            (torch.linalg.cross(bitangent, normal) * vectors).sum(-1, keepdim=True),
            (torch.linalg.cross(normal, tangent) * vectors).sum(-1, keepdim=True),
            (torch.linalg.cross(tangent, bitangent) * vectors).sum(-1, keepdim=True),
        ],
        dim=-1,
    )
    coordinates = coordinates * torch.where(volume < 0, -1.0, 1.0)
    flat = torch.tensor([0.0, 0.0, 1.0])
    usable = (volume.abs() > 1e-12) & (coordinates[:, 2:] > 0)
    return torch.where(usable, unit(coordinates), flat)


def padded(asset: Asset, normal: Tensor, fragments: Fragments) -> Asset:
    """The asset with the new normals, and every texel outside the charts filled from the nearest inside."""
    size = (fragments.height, fragments.width)
    inside = torch.zeros(size[0] * size[1], 1)
    inside[fragments.pixel] = 1.0
    layers = [asset.base_color, asset.ks, asset.normal_map]
    layers += [] if asset.opacity is None else [asset.opacity]
    texels = torch.from_numpy(np.concatenate(layers, axis=-1)).reshape(-1, sum(layer.shape[-1] for layer in layers))
    texels[fragments.pixel, 6:9] = normal
    filled = pad_charts(texels.reshape(*size, -1), inside.reshape(*size, 1), EDGE)
    opacity = None if asset.opacity is None else filled[..., 9:].numpy()
    return dataclasses.replace(
        asset,
        base_color=filled[..., :3].numpy(),
        ks=filled[..., 3:6].numpy(),
        normal_map=unit(filled[..., 6:9]).numpy(),
        opacity=opacity,
    )

"""Texture coordinates of the final triangles: charts that are not mirrored, and split where MikkTSpace splits them."""

from __future__ import annotations

from typing import List, Tuple

import torch
import xatlas
from torch import Tensor

from topforge_train.geometry.mesh import Mesh, components, triangle_corners

PACKINGS = 3
"""Times the charts are packed: each corrects the size of the one before; after three it is right to a few per cent."""
CHART_GAP = 3
"""Empty texels between charts, at the size of the delivered textures."""
CHART_COST = 1.0
"""Up to which a triangle may join a chart, by xatlas's measure. At its own choice, 2, many a chart grows so ragged that
it cannot be flattened, and is cut into dozens."""
PIECE = 8000
"""Triangles that are cut into charts together: xatlas takes time with the square of a chart's size, and works on
several pieces at once (docs/decisions/0019-charts.md)."""


def unwrap(vertices: Tensor, triangles: Tensor, texture_size: int, padding: int = CHART_GAP) -> Tuple[Tensor, Tensor]:
    """Texture coordinates of a mesh; no chart is mirrored, each texture vertex has one MikkTSpace tangent.

    A tangent frame with bitangent = cross(normal, tangent) is then right: nvdiffrec, MaterialX 1.38 and Mitsuba know
    no other.

    Args:
        vertices: [V, 3].
        triangles: [F, 3].
        texture_size: Side of the square texture in texels, for the padding.
        padding: Empty texels between charts. With `pad_charts`, three keep charts apart down to the third mip level.

    Returns:
        uv [Vt, 2] in [0, 1], v downwards, and uv_triangles [F, 3] int32, in the order of `triangles`.
    """
    mesh = Mesh(vertices.detach().cpu(), triangles.detach().cpu())
    atlas, uv, uv_triangles = cut(mesh, texture_size, padding, CHART_COST, PIECE)
    texels = uv * torch.tensor([atlas.width, atlas.height])
    uv = _pack(_unmirror(texels, uv_triangles), uv_triangles, texture_size, padding)
    return split_fans(torch.stack([uv[:, 0], 1.0 - uv[:, 1]], dim=-1), uv_triangles)  # xatlas's v grows upwards


def cut(mesh: Mesh, texture_size: int, padding: int, cost: float, largest: int) -> Tuple[xatlas.Atlas, Tensor, Tensor]:
    """Cuts a mesh on the CPU into flat charts.

    Args:
        mesh: Its triangles.
        texture_size: As for `unwrap`.
        padding: As for `unwrap`.
        cost: See `CHART_COST`.
        largest: See `PIECE`.

    Returns:
        The atlas, uv [Vt, 2] in it and uv_triangles [F, 3] int32, in the order of the triangles.
    """
    atlas, charts, groups = xatlas.Atlas(), xatlas.ChartOptions(), pieces(mesh, largest)
    for group in groups:
        used, corners = torch.unique(mesh.triangles[group], return_inverse=True)
        atlas.add_mesh(mesh.vertices[used.long()].numpy(), corners.numpy().astype("uint32"))
    charts.max_cost = cost
    atlas.generate(charts, _pack_options(padding, texture_size))
    places: List[Tensor] = []
    uv_triangles, count = torch.empty(len(mesh.triangles), 3, dtype=torch.int32), 0
    for number, group in enumerate(groups):
        _, indices, uv = atlas[number]
        uv_triangles[group] = torch.from_numpy(indices.astype("int32")) + count
        places.append(torch.from_numpy(uv.astype("float32")))
        count += len(uv)
    return atlas, torch.cat(places), uv_triangles


def pieces(mesh: Mesh, largest: int) -> List[Tensor]:
    """Triangles [n] int64, ascending, of pieces of about the same size, at most `largest`, cut across their length."""
    middles = triangle_corners(mesh).mean(1).double()
    found, waiting = [], [torch.arange(len(middles))]
    while waiting:
        group = waiting.pop()
        parts = -(-len(group) // largest)
        if parts <= 1:
            found.append(group)
            continue
        around = middles[group] - middles[group].mean(0)
        length = torch.linalg.eigh(around.T @ around).eigenvectors[:, -1]
        order = (around @ length).argsort(stable=True)
        first = len(group) * (parts // 2) // parts
        waiting += [group[order[:first]].sort().values, group[order[first:]].sort().values]
    return found


def _unmirror(uv: Tensor, uv_triangles: Tensor) -> Tensor:
    """Mirrors the charts of `uv` [Vt, 2] >= 0 that turn against their triangles, into a place of their own.

    xatlas's flattening and its packing a quarter turn round both mirror charts.
    """
    chart = components(len(uv), uv_triangles)
    area = torch.zeros(len(uv)).index_add(0, chart[uv_triangles[:, 0].long()], signed_areas(uv, uv_triangles))
    beyond = 3.0 * uv[:, 0].max()  # a mirror image that touches no other chart: xatlas tells charts by coordinates
    return torch.stack([torch.where(area[chart] < 0, beyond - uv[:, 0], uv[:, 0]), uv[:, 1]], dim=-1)


def _pack(uv: Tensor, uv_triangles: Tensor, texture_size: int, padding: int) -> Tensor:
    """Charts given in texels [Vt, 2] packed into the unit square, `padding` texels apart at `texture_size`."""
    scale = 1.0
    for _ in range(PACKINGS):
        atlas = xatlas.Atlas()
        atlas.add_uv_mesh(uv.numpy(), uv_triangles.numpy().astype("uint32"))
        atlas.generate(pack_options=_pack_options(padding, texels_per_unit=scale))
        side = max(atlas.width, atlas.height)
        scale *= texture_size / side
    _, _, packed = atlas[0]  # in the order that went in
    return torch.from_numpy(packed.astype("float32")) * (torch.tensor([atlas.width, atlas.height]) / side)


def _pack_options(padding: int, resolution: int = 0, texels_per_unit: float = 0.0) -> xatlas.PackOptions:
    options = xatlas.PackOptions()
    options.padding = padding
    options.resolution = resolution
    options.texels_per_unit = texels_per_unit
    options.rotate_charts = False
    options.create_image = False
    return options


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

"""A mesh to begin pass 2 with: nvdiffrec's `base_mesh`. Pass 1 is then left out.

Vertices at one place become one, so that the surface does not tear. The mesh keeps its own texture coordinates where
they can serve, else it is unwrapped. Textures start as its materials say, resampled to the size that is trained, or
even. Its normals may differ from the smooth ones that training shades with: the difference goes into the normal map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Tuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from topforge_capture.obj_reader import ObjMesh, read_obj
from topforge_train.backend.interface import Backend
from topforge_train.backend.warp_texture_level import texture_level
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.geometry.unwrap import split_fans, unwrap
from topforge_train.mesh_reference import painted_mesh
from topforge_train.mesh_reference.painted_mesh import PaintedMesh
from topforge_train.rendering.baking import pad_charts
from topforge_train.rendering.light import EnvironmentLight
from topforge_train.rendering.material import MaterialLimits
from topforge_train.rendering.shading import mapped_normal
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.surface_pass import Start

OUTSIDE = 1e-4
"""How far texture coordinates may lie outside the picture by rounding."""


def start_from_mesh(options: Any, backend: Backend) -> Tuple[Start, Tuple[str, ...]]:
    """What pass 2 begins with when `base_mesh` names a mesh, and remarks on its files.

    Args:
        options: `base_mesh`, `random_textures`, `texture_res`, limits and light.
        backend: Rasterises the texture.

    Raises:
        MeshFileError: One of the mesh's files cannot be used.
    """
    path, size = Path(options.base_mesh), options.texture_res[0]
    mesh = read_obj(path)
    vertices, triangles, kept = welded(mesh)
    uv, uv_triangles = own_coordinates(mesh, kept) or unwrap(vertices, triangles, size)
    surface = tuple(tensor.to(backend.device) for tensor in (vertices, triangles, uv, uv_triangles))
    limits = MaterialLimits(
        torch.tensor([*options.kd_min[:3], *options.ks_min, *options.nrm_min]),
        torch.tensor([*options.kd_max[:3], *options.ks_max, *options.nrm_max]),
    )
    remarks: Tuple[str, ...] = ()
    if options.random_textures:
        texels = even_texels(limits, size).to(backend.device)
    else:
        painted, remarks = painted_mesh.load(path)
        texels = baked(backend, painted.only(torch.from_numpy(kept)).to(backend.device), *surface, size)
        texels = limits.to(backend.device).clamp(texels)
    light = EnvironmentLight.from_options(options).base.detach()
    return Start(*surface, texels, light), remarks


def welded(mesh: ObjMesh) -> Tuple[Tensor, Tensor, np.ndarray]:
    """Vertices [V, 3] in use, each place once, triangles [F, 3] int32, and which of the mesh's these are [F].

    A triangle with two corners at one place has no surface and is left out.
    """
    used = np.ascontiguousarray(mesh.positions[mesh.triangles.reshape(-1)] + np.float32(0.0))  # -0 and 0 are one place
    _, first, same = np.unique(used.view("V12").reshape(-1), return_index=True, return_inverse=True)
    triangles = same.reshape(-1, 3).astype(np.int32)
    kept = np.flatnonzero((triangles != np.roll(triangles, 1, axis=1)).all(axis=1))
    return torch.from_numpy(used[first]), torch.from_numpy(triangles[kept]), kept


def own_coordinates(mesh: ObjMesh, kept: np.ndarray) -> Tuple[Tensor, Tensor] | None:
    """The texture coordinates [Vt, 2], v downwards, of the triangles `kept`, and theirs; None where they cannot serve.

    That is without any, beyond the picture (it would have to repeat), or with several materials, whose charts lie on
    top of each other.
    """
    if not len(mesh.uv) or (mesh.uv_triangles < 0).any() or len(np.unique(mesh.material)) > 1:
        return None
    used = mesh.uv[np.unique(mesh.uv_triangles)]
    if used.min() < -OUTSIDE or used.max() > 1.0 + OUTSIDE or np.ptp(used, axis=0).min() <= 0.0:
        return None
    flipped = torch.from_numpy((mesh.uv * [1, -1] + [0, 1]).astype(np.float32)).clamp(0.0, 1.0)
    return split_fans(flipped, torch.from_numpy(mesh.uv_triangles[kept]))


def even_texels(limits: MaterialLimits, size: int) -> Tensor:
    """The middle of the limits [size, size, 9], but no occlusion and flat normals.

    nvdiffrec begins with noise here, which takes hundreds of iterations to smooth out.
    """
    texels = limits.scale(torch.full((size, size, 9), 0.5))
    texels[..., 3] = limits.minimum[3]
    texels[..., 6:9] = torch.tensor([0.0, 0.0, 1.0])
    return texels


@torch.no_grad()
def baked(
    backend: Backend,
    painted: PaintedMesh,
    vertices: Tensor,
    triangles: Tensor,
    uv: Tensor,
    uv_triangles: Tensor,
    size: int,
) -> Tensor:
    """The materials of a painted mesh as texels [size, size, 9] over other texture coordinates, charts padded.

    Args:
        backend: Operators.
        painted: The mesh with its own materials, texture coordinates and normals; the same triangles in order.
        vertices: [V, 3] as trained.
        triangles: [F, 3] into `vertices`.
        uv: [Vt, 2], v downwards.
        uv_triangles: [F, 3] into `uv`.
        size: Side of the texture.
    """
    shape = painted.shape
    assert shape.uv is not None
    assert shape.uv_triangles is not None
    assert shape.tangents is not None
    place = torch.cat([uv * 2.0 - 1.0, uv.new_zeros(len(uv), 1), uv.new_ones(len(uv), 1)], dim=-1)[None]
    fragments = backend.rasterize(place, uv_triangles, (size, size))
    coordinates = backend.interpolate(shape.uv, shape.uv_triangles, fragments)
    level = texture_level(place, uv_triangles, shape.uv, shape.uv_triangles, fragments, painted.texels)
    channels = painted.channels(backend, fragments.triangle, coordinates, level, painted.texels)
    normal = normalize(backend.interpolate(shape.normals, shape.triangles, fragments), dim=-1)
    frame = backend.interpolate(shape.tangents, shape.uv_triangles, fragments)
    world = mapped_normal(channels[:, 6:9], normal, frame)
    smooth = vertex_normals(Mesh(vertices, triangles))
    own_frame = tangents(vertices, smooth, triangles, uv, uv_triangles)
    own_frame = torch.cat([own_frame, orientation(uv, uv_triangles).unsqueeze(-1)], dim=-1)
    channels[:, 6:9] = in_frame(
        world,
        normalize(backend.interpolate(smooth, triangles, fragments), dim=-1),
        backend.interpolate(own_frame, uv_triangles, fragments),
    )
    texels, inside = channels.new_zeros(size * size, 9), channels.new_zeros(size * size, 1)
    texels[fragments.pixel], inside[fragments.pixel] = channels, 1.0
    return pad_charts(texels.reshape(size, size, 9), inside.reshape(size, size, 1))


def in_frame(world: Tensor, normal: Tensor, frame: Tensor) -> Tensor:
    """World normals [P, 3] in tangent space: the inverse of `mapped_normal` where the frame is nearly orthogonal."""
    tangent = normalize(frame[:, :3] - normal * (frame[:, :3] * normal).sum(-1, keepdim=True), dim=-1)
    bitangent = frame[:, 3:4] * torch.linalg.cross(normal, tangent)
    return torch.stack([(axis * world).sum(-1) for axis in (tangent, bitangent, normal)], dim=-1)

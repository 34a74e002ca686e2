"""A mesh with the materials of its file, as it is drawn: each set of triangles with its own textures, no atlas."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from topforge import wavefront
from topforge.wavefront import MeshFileError
from topforge_capture.obj_reader import ObjMesh, read_obj
from topforge_train.backend.interface import Backend, Fragments
from topforge_train.backend.warp_shading import shaded_image
from topforge_train.backend.warp_texture_level import texture_level
from topforge_train.geometry.unwrap import split_fans
from topforge_train.mesh_reference.painting import PaintedMaterial, paint, plain
from topforge_train.rendering.layers import composite, peel
from topforge_train.rendering.light import PrefilteredLight
from topforge_train.rendering.render import Shape, facing_side, surface_points
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.views.camera import CameraBatch


@dataclasses.dataclass(frozen=True)
class PaintedMesh:
    """Shape and materials; every triangle has one of them."""

    shape: Shape  # texture coordinates and tangents always there; zeros where no material needs any
    part: Tensor  # [F] int64 into materials
    materials: Tuple[PaintedMaterial, ...]
    has_uv: bool
    """Whether every triangle has texture coordinates of its own."""

    def to(self, device: torch.device) -> PaintedMesh:
        """The same on a device."""
        moved = {field.name: getattr(self.shape, field.name).to(device) for field in dataclasses.fields(Shape)}
        materials = tuple(material.to(device) for material in self.materials)
        return dataclasses.replace(self, shape=Shape(**moved), part=self.part.to(device), materials=materials)

    def only(self, triangles: Tensor) -> PaintedMesh:
        """Some of its triangles, given by their indices [n] int64."""
        assert self.shape.uv_triangles is not None
        chosen = {name: getattr(self.shape, name)[triangles] for name in ("triangles", "uv_triangles")}
        return dataclasses.replace(self, shape=dataclasses.replace(self.shape, **chosen), part=self.part[triangles])

    def channels(self, backend: Backend, triangle: Tensor, uv: Tensor, level: Tensor, texels: int) -> Tensor:
        """Material channels [P, 9] at points of triangles [P]; see `PaintedMaterial.channels`."""
        return self._looked_up(PaintedMaterial.channels, 9, backend, triangle, uv, level, texels)

    def opacity(self, backend: Backend, triangle: Tensor, uv: Tensor, level: Tensor, texels: int) -> Tensor:
        """Opacity [P, 1] at points of triangles [P]; see `PaintedMaterial.opacity_at`."""
        return self._looked_up(PaintedMaterial.opacity_at, 1, backend, triangle, uv, level, texels)

    def _looked_up(
        self,
        look: Callable[..., Tensor],
        width: int,
        backend: Backend,
        triangle: Tensor,
        uv: Tensor,
        level: Tensor,
        texels: int,
    ) -> Tensor:
        """What each point's own material says [P, width]."""
        found = uv.new_zeros(len(uv), width)
        part = self.part[triangle.long()]
        inside = torch.where((uv < 0) | (uv > 1), uv - uv.floor(), uv)  # pictures repeat
        for number, material in enumerate(self.materials):
            chosen = (part == number).nonzero()[:, 0]
            if len(chosen):
                found[chosen] = look(material, backend, inside[chosen], level[chosen], texels)
        return found

    @property
    def is_transparent(self) -> bool:
        """Whether anything lets through what lies behind."""
        return any(material.opacity is not None for material in self.materials)

    @property
    def texels(self) -> int:
        """Height times width of its largest picture."""
        return max(each.texels for material in self.materials for each in material.paints())


def load(
    path: Path,
    override: Optional[Path] = None,
    device: torch.device = torch.device("cpu"),  # noqa: B008  # a constant
) -> Tuple[PaintedMesh, Tuple[str, ...]]:
    """Reads a mesh with its materials.

    Args:
        path: The .obj file.
        override: A .mtl file that replaces the mesh's own.
        device: Where the mesh will be drawn: kernels for another one would have to be compiled.

    Returns:
        The mesh, and in sentences what of its files is not honoured.

    Raises:
        MeshFileError: A file is missing or damaged, or pictures meet triangles without texture coordinates.
    """
    mesh = read_obj(path)
    described = {material.name: material for material in wavefront.materials_of(path, override)}
    names = [name for name in _used_names(mesh)]
    painted = [paint(described[name]) if name in described else _fallback(name, described, override) for name in names]
    materials = tuple(material for material, _ in painted)
    part = _parts(mesh, names)
    has_uv = bool((mesh.uv_triangles >= 0).all())
    if not has_uv:
        _refuse_pictures_without_coordinates(path, mesh, part, names, materials)
    found = PaintedMesh(_shape(mesh, device), part, materials, has_uv).to(device)
    return found, tuple(text for _, texts in painted for text in texts)


def _used_names(mesh: ObjMesh) -> List[str]:
    """Names of the materials that triangles have, "" for none, in order of their first use."""
    return [mesh.material_names[index] if index >= 0 else "" for index in np.unique(mesh.material)]


def _parts(mesh: ObjMesh, names: List[str]) -> Tensor:
    """For each triangle [F] int64 the place of its material in `names`."""
    return torch.from_numpy(np.unique(mesh.material, return_inverse=True)[1].reshape(-1).astype(np.int64))


def _fallback(
    name: str, described: Dict[str, wavefront.Material], override: Optional[Path]
) -> Tuple[PaintedMaterial, Tuple[str, ...]]:
    """A replacing file with one material stands for every name; otherwise an unknown name is grey."""
    if override is not None and len(described) == 1:
        return paint(next(iter(described.values())))
    return plain(name)


def _refuse_pictures_without_coordinates(
    path: Path, mesh: ObjMesh, part: Tensor, names: List[str], materials: Tuple[PaintedMaterial, ...]
) -> None:
    for number, material in enumerate(materials):
        bare = int((mesh.uv_triangles[part.numpy() == number] < 0).any(axis=1).sum())
        if bare and material.is_textured:
            problem = 'material "%s" has pictures, but %d of its triangles have no texture coordinates (vt)'
            raise MeshFileError(path, problem % (names[number], bare), "Export the mesh with UVs.")


def _shape(mesh: ObjMesh, device: torch.device) -> Shape:
    """Vertices repeated where their normals differ (hard edges), texture vertices where tangents do."""
    normals, normal_triangles = _normals(mesh)
    pairs = mesh.triangles.astype(np.int64) * len(normals) + normal_triangles
    kept, corners = np.unique(pairs, return_inverse=True)
    vertices = torch.from_numpy(mesh.positions[kept // len(normals)])
    normals = torch.from_numpy(normals[kept % len(normals)])
    triangles = torch.from_numpy(corners.reshape(-1, 3).astype(np.int32))
    uv = torch.from_numpy(np.concatenate([mesh.uv * [1, -1] + [0, 1], [[0, 0]]]).astype(np.float32))
    given = (mesh.uv_triangles >= 0).all(axis=1, keepdims=True)
    uv_triangles = torch.from_numpy(np.where(given, mesh.uv_triangles, len(uv) - 1).astype(np.int32))
    uv, uv_triangles = split_fans(uv, uv_triangles)
    on_device = (tensor.to(device) for tensor in (vertices, normals, triangles, uv, uv_triangles))
    vertices, normals, triangles, uv, uv_triangles = on_device
    frame = tangents(vertices, normals, triangles, uv, uv_triangles)
    frame = torch.cat([frame, orientation(uv, uv_triangles).unsqueeze(-1)], dim=-1)
    return Shape(vertices, triangles, normals, uv, uv_triangles, frame)


def _smooth_normals(mesh: ObjMesh) -> np.ndarray:
    """Area-weighted mean normals [V, 3]. `geometry.mesh` would compile a kernel for the CPU, for this one time."""
    a, b, c = (mesh.positions[mesh.triangles[:, corner]].astype(np.float64) for corner in range(3))
    total = np.zeros((len(mesh.positions), 3))
    np.add.at(total, mesh.triangles.reshape(-1), np.repeat(np.cross(b - a, c - a), 3, axis=0))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)


def _normals(mesh: ObjMesh) -> Tuple[np.ndarray, np.ndarray]:
    """Unit normals [n, 3] without repetitions and their triangles [F, 3]; smooth ones where the file has none."""
    smooth = _smooth_normals(mesh)
    length = np.linalg.norm(mesh.normals, axis=1, keepdims=True)
    written = mesh.normals / np.maximum(length, 1e-20)
    given = mesh.normal_triangles >= 0
    given[given] = length[mesh.normal_triangles[given], 0] > 1e-12
    index = np.where(given, mesh.normal_triangles + len(smooth), mesh.triangles)
    every = np.ascontiguousarray(np.concatenate([smooth, written]).astype(np.float32))
    _, first, same = np.unique(every.view("V12").reshape(-1), return_index=True, return_inverse=True)
    return every[first], same.reshape(-1)[index]


@torch.no_grad()
def draw(
    backend: Backend,
    mesh: PaintedMesh,
    cameras: CameraBatch,
    light: PrefilteredLight,
    resolution: Tuple[int, int],
    supersampling: int,
    layers: int = 1,
) -> Tensor:
    """Pictures [B, H, W, 4]: linear radiance premultiplied by coverage, and coverage.

    Args:
        backend: Operators.
        mesh: On the backend's device, as the light is.
        cameras: B cameras.
        light: Prefiltered.
        resolution: (height, width).
        supersampling: Samples along a pixel's side, averaged with equal weight.
        layers: How deep one looks through what is transparent; 1 = it is drawn opaque.
    """
    clip, triangles = cameras.project(mesh.shape.vertices), mesh.shape.triangles
    size = (resolution[0] * supersampling, resolution[1] * supersampling)
    transparent = layers > 1 and mesh.is_transparent
    found = peel(backend, clip, triangles, size, [None] * (layers if transparent else 1))
    images = [_draw_layer(backend, mesh, cameras, clip, light, fragments, transparent) for fragments in found]
    image = composite(backend, images, clip, triangles, found)
    return avg_pool2d(image.permute(0, 3, 1, 2), supersampling).permute(0, 2, 3, 1)


def _draw_layer(
    backend: Backend,
    mesh: PaintedMesh,
    cameras: CameraBatch,
    clip: Tensor,
    light: PrefilteredLight,
    fragments: Fragments,
    transparent: bool,
) -> Tensor:
    """One layer by itself, its silhouettes hard."""
    channels, frame = _material_at(backend, mesh, clip, fragments, transparent)
    surface, sides = surface_points(backend, mesh.shape, fragments), None
    if transparent:
        sides = facing_side(mesh.shape, fragments, cameras.eye.index_select(0, fragments.view) - surface[:, :3])
    return shaded_image(surface, frame, channels, fragments, cameras.eye, light.levels, sides)[0]


def _material_at(
    backend: Backend, mesh: PaintedMesh, clip: Tensor, fragments: Fragments, transparent: bool
) -> Tuple[Tensor, Tensor]:
    """Material channels [P, 9], or 10 with the opacity, and tangent frames [P, 4] at the covered pixels."""
    shape = mesh.shape
    assert shape.uv is not None
    assert shape.uv_triangles is not None
    assert shape.tangents is not None
    uv = backend.interpolate(shape.uv, shape.uv_triangles, fragments)
    level = texture_level(clip, shape.triangles, shape.uv, shape.uv_triangles, fragments, mesh.texels)
    place = (backend, fragments.triangle, uv, level, mesh.texels)
    channels = mesh.channels(*place)
    if transparent:
        channels = torch.cat([channels, mesh.opacity(*place)], dim=-1)
    return channels, backend.interpolate(shape.tangents, shape.uv_triangles, fragments)

"""From mesh, material and light to images: rasterise, interpolate, shade the covered pixels, soften silhouettes."""

from __future__ import annotations

import dataclasses
from typing import Callable, Optional, Tuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from topforge_train.backend.interface import Backend, Fragments
from topforge_train.backend.warp_texture_level import texture_level
from topforge_train.camera import CameraBatch
from topforge_train.material import TextureMaterial, VolumeMaterial, as_surface
from topforge_train.shading import Light, facing, shade


@dataclasses.dataclass(frozen=True)
class Shape:
    """A mesh ready to draw. Texture coordinates and their triangles are None before the unwrap."""

    vertices: Tensor  # [V, 3]
    triangles: Tensor  # [F, 3] int32
    normals: Tensor  # [V, 3] unit
    uv: Optional[Tensor] = None  # [Vt, 2], v downwards
    uv_triangles: Optional[Tensor] = None  # [F, 3] int32
    tangents: Optional[Tensor] = None  # [Vt, 4]: unit tangent and orientation


@dataclasses.dataclass(frozen=True)
class Points:
    """The visible surface points of a batch of views."""

    position: Tensor  # [P, 3]
    normal: Tensor  # [P, 3] unit, smooth
    view: Tensor  # [P, 3] unit, towards the eye


@dataclasses.dataclass(frozen=True)
class Rendered:
    """One batch of images and what they were made from."""

    image: Tensor  # [B, H, W, 4]: linear radiance premultiplied by coverage, and coverage
    fragments: Fragments
    points: Points
    channels: Tensor  # [P, C]: material at the points, order of `topforge_train.material`
    normal: Tensor  # [P, 3]: shading normals


MaterialLookup = Callable[[Fragments, Points], Tuple[Tensor, Tensor]]
"""Material channels [P, C] and unit shading normals [P, 3] at the visible points."""


def volume_lookup(backend: Backend, material: VolumeMaterial) -> MaterialLookup:
    """Looks the material up by position; shades with the smooth normals."""

    def lookup(_: Fragments, points: Points) -> Tuple[Tensor, Tensor]:
        return material(backend, points.position), points.normal

    return lookup


def texture_lookup(backend: Backend, material: TextureMaterial, shape: Shape, clip: Tensor) -> MaterialLookup:
    """Looks the material up in its textures and bends the normals by the normal map, in MikkTSpace."""
    chain = material.mip_chain()

    def lookup(fragments: Fragments, points: Points) -> Tuple[Tensor, Tensor]:
        assert shape.uv is not None
        assert shape.uv_triangles is not None
        assert shape.tangents is not None
        uv = backend.interpolate(shape.uv, shape.uv_triangles, fragments)
        frame = backend.interpolate(shape.tangents, shape.uv_triangles, fragments)
        mesh = (clip, shape.triangles, shape.uv, shape.uv_triangles)
        level = texture_level(*mesh, fragments, material.texels.shape[0]).clamp(0, len(chain) - 1)
        channels = backend.texture(chain, uv, level)
        return channels, mapped_normal(channels[:, 6:9], points.normal, frame)

    return lookup


def mapped_normal(tangent_space: Tensor, normal: Tensor, frame: Tensor) -> Tensor:
    """World normals [P, 3] from tangent-space normals, OpenGL convention (+y is up in the image).

    Args:
        tangent_space: [P, 3], need not be unit.
        normal: [P, 3] interpolated vertex normals.
        frame: [P, 4] interpolated tangent and orientation.
    """
    tangent = frame[:, :3]
    bitangent = frame[:, 3:4] * torch.linalg.cross(normal, tangent)
    world = tangent_space[:, 0:1] * tangent + tangent_space[:, 1:2] * bitangent + tangent_space[:, 2:3] * normal
    return normalize(world, dim=-1)


def visible_points(backend: Backend, shape: Shape, cameras: CameraBatch, fragments: Fragments) -> Points:
    """Positions, smooth normals and view directions at the covered pixels."""
    attributes = torch.cat([shape.vertices, shape.normals], dim=-1)
    interpolated = backend.interpolate(attributes, shape.triangles, fragments)
    position, normal = interpolated[:, :3], normalize(interpolated[:, 3:], dim=-1)
    eye = cameras.eye.index_select(0, fragments.view)
    return Points(position, normal, normalize(eye - position, dim=-1))


def render(
    backend: Backend,
    cameras: CameraBatch,
    shape: Shape,
    material: VolumeMaterial | TextureMaterial,
    light: Light,
    resolution: Tuple[int, int],
    supersampling: int = 1,
    capacity: Optional[int] = None,
) -> Rendered:
    """Draws B views.

    Args:
        backend: Operators.
        cameras: B cameras.
        shape: What to draw; needs texture coordinates and tangents if `material` is a texture.
        material: Field or texture.
        light: Prefiltered for this step.
        resolution: (height, width) of the images.
        supersampling: Samples along each axis of a pixel, averaged with equal weight.
        capacity: See `Backend.rasterize`.
    """
    height, width = resolution[0] * supersampling, resolution[1] * supersampling
    clip = cameras.project(shape.vertices)
    fragments = backend.rasterize(clip, shape.triangles, (height, width), capacity)
    points = visible_points(backend, shape, cameras, fragments)
    if isinstance(material, TextureMaterial):
        lookup = texture_lookup(backend, material, shape, clip)
    else:
        lookup = volume_lookup(backend, material)
    channels, normal = lookup(fragments, points)
    normal = facing(normal, points.view)
    radiance = shade(as_surface(channels), normal, points.view, light)
    covered = torch.cat([radiance, torch.ones_like(radiance[:, :1])], dim=-1)
    image = fragments.scatter(covered, covered.new_zeros(1, 1, 1, 4))
    image = backend.antialias(image, clip, shape.triangles, fragments)
    if supersampling > 1:
        image = avg_pool2d(image.permute(0, 3, 1, 2), supersampling).permute(0, 2, 3, 1)
    return Rendered(image, fragments, points, channels, normal)

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
from topforge_train.layers import composite, peel
from topforge_train.material import OPACITY, TextureMaterial, VolumeMaterial, as_surface
from topforge_train.padding import EXACT, Lengths, Room
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
    behind: Tuple[Fragments, ...] = ()  # the layers behind `fragments`, which show through

    @property
    def lengths(self) -> Lengths:
        """How many pixels each layer covers, by the names under which `render` looks for room."""
        return {pixels_of(layer.layer): layer.length for layer in (self.fragments, *self.behind)}


def pixels_of(layer: int) -> str:
    """What the list of a layer's covered pixels is called."""
    return "pixels, layer %d" % layer if layer else "pixels"


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
    room: Room = EXACT,
) -> Rendered:
    """Draws B views; of a texture that may be transparent, as many layers as it is looked through.

    Args:
        backend: Operators.
        cameras: B cameras.
        shape: What to draw; needs texture coordinates and tangents if `material` is a texture.
        material: Field or texture.
        light: Prefiltered for this step.
        resolution: (height, width) of the images.
        supersampling: Samples along each axis of a pixel, averaged with equal weight.
        room: Capacities of the lists of covered pixels, see `Backend.rasterize` and `pixels_of`.
    """
    size = (resolution[0] * supersampling, resolution[1] * supersampling)
    clip = cameras.project(shape.vertices)
    if isinstance(material, TextureMaterial):
        lookup, count = texture_lookup(backend, material, shape, clip), material.layers
    else:
        lookup, count = volume_lookup(backend, material), 1
    layers = peel(backend, clip, shape.triangles, size, [room.get(pixels_of(layer)) for layer in range(count)])
    front, *behind = (_draw_layer(backend, cameras, shape, lookup, light, layer) for layer in layers)
    image = composite(backend, [front.image, *(drawn.image for drawn in behind)], clip, shape.triangles, layers)
    if supersampling > 1:
        image = avg_pool2d(image.permute(0, 3, 1, 2), supersampling).permute(0, 2, 3, 1)
    return dataclasses.replace(front, image=image, behind=tuple(layers[1:]))


def _draw_layer(
    backend: Backend, cameras: CameraBatch, shape: Shape, lookup: MaterialLookup, light: Light, fragments: Fragments
) -> Rendered:
    """One layer by itself, its silhouettes hard."""
    points = visible_points(backend, shape, cameras, fragments)
    channels, normal = lookup(fragments, points)
    transparent = channels.shape[1] > OPACITY
    if transparent:
        normal = normal * facing_side(shape, fragments, points.view)
    normal = facing(normal, points.view)
    radiance = shade(as_surface(channels), normal, points.view, light)
    covered = torch.cat([radiance, torch.ones_like(radiance[:, :1])], dim=-1)
    if transparent:
        covered = covered * channels[:, OPACITY:]
    image = fragments.scatter(covered, covered.new_zeros(1, 1, 1, 4))
    return Rendered(image, fragments, points, channels, normal)


@torch.no_grad()
def facing_side(shape: Shape, fragments: Fragments, view: Tensor) -> Tensor:
    """1 where a point's triangle shows its outer side to the viewer, -1 where it shows its inner side: [P, 1]."""
    corners = shape.triangles.index_select(0, fragments.triangle).reshape(-1)
    a, b, c = shape.vertices.index_select(0, corners).reshape(-1, 3, 3).unbind(1)
    outwards = (torch.linalg.cross(b - a, c - a) * view).sum(-1, keepdim=True)
    return torch.where(outwards < 0, -1.0, 1.0)

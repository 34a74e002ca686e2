"""From mesh, material and light to images: rasterise, interpolate, shade the covered pixels, soften silhouettes."""

from __future__ import annotations

import dataclasses
from typing import Callable, Optional, Tuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from topforge_train.backend.interface import Backend, Fragments
from topforge_train.backend.padding import EXACT, Lengths, Room
from topforge_train.backend.warp_shading import shaded_image
from topforge_train.backend.warp_texture_level import texture_level
from topforge_train.rendering.layers import composite, peel
from topforge_train.rendering.light import PrefilteredLight
from topforge_train.rendering.material import OPACITY, TextureMaterial, VolumeMaterial
from topforge_train.views.camera import CameraBatch


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
class Rendered:
    """One batch of images and what they were made from."""

    image: Tensor  # [B, H, W, 4]: linear radiance premultiplied by coverage, and coverage
    fragments: Fragments
    position: Tensor  # [P, 3]: surface points
    channels: Tensor  # [P, C]: material at the points, order of `rendering.material`
    normal: Tensor  # [P, 3]: shading normals, without gradient
    behind: Tuple[Fragments, ...] = ()  # the layers behind `fragments`, which show through

    @property
    def lengths(self) -> Lengths:
        """How many pixels each layer covers, by the names under which `render` looks for room."""
        return {pixels_of(layer.layer): layer.length for layer in (self.fragments, *self.behind)}


def pixels_of(layer: int) -> str:
    """What the list of a layer's covered pixels is called."""
    return "pixels, layer %d" % layer if layer else "pixels"


MaterialLookup = Callable[[Fragments, Tensor], Tuple[Tensor, Optional[Tensor]]]
"""From visible points [P, 3]: material channels [P, C] and, with a normal map, tangents and orientations [P, 4]."""


def volume_lookup(backend: Backend, material: VolumeMaterial) -> MaterialLookup:
    """Looks the material up by position; shades with the smooth normals."""

    def lookup(_: Fragments, position: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
        return material(backend, position), None

    return lookup


def texture_lookup(backend: Backend, material: TextureMaterial, shape: Shape, clip: Tensor) -> MaterialLookup:
    """Looks the material up in its textures, the normal map being in MikkTSpace."""
    chain = material.mip_chain()
    texels = chain[0].shape[0] * chain[0].shape[1]

    def lookup(fragments: Fragments, _: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
        assert shape.uv is not None
        assert shape.uv_triangles is not None
        assert shape.tangents is not None
        uv = backend.interpolate(shape.uv, shape.uv_triangles, fragments)
        frame = backend.interpolate(shape.tangents, shape.uv_triangles, fragments)
        mesh = (clip, shape.triangles, shape.uv, shape.uv_triangles)
        level = texture_level(*mesh, fragments, texels).clamp(0, len(chain) - 1)
        return backend.texture(chain, uv, level), frame

    return lookup


def surface_points(backend: Backend, shape: Shape, fragments: Fragments) -> Tensor:
    """Positions and smooth normals, not of unit length, at the covered pixels: [P, 6]."""
    return backend.interpolate(torch.cat([shape.vertices, shape.normals], dim=-1), shape.triangles, fragments)


def render(
    backend: Backend,
    cameras: CameraBatch,
    shape: Shape,
    material: VolumeMaterial | TextureMaterial,
    light: PrefilteredLight,
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
    backend: Backend,
    cameras: CameraBatch,
    shape: Shape,
    lookup: MaterialLookup,
    light: PrefilteredLight,
    fragments: Fragments,
) -> Rendered:
    """One layer by itself, its silhouettes hard."""
    surface = surface_points(backend, shape, fragments)
    position = surface[:, :3]
    channels, frames = lookup(fragments, position)
    sides = None
    if channels.shape[1] > OPACITY:
        sides = facing_side(shape, fragments, cameras.eye.index_select(0, fragments.view) - position)
    if not light.moves_with_camera:
        image, normal = shaded_image(surface, frames, channels, fragments, cameras.eye, light.levels, sides)
        return Rendered(image, fragments, position, channels, normal)
    turn = cameras.rotation.index_select(0, fragments.view)
    surface, frames = in_camera_axes(turn, surface, frames, cameras.eye.index_select(0, fragments.view))
    eyes = torch.zeros_like(cameras.eye)
    image, normal = shaded_image(surface, frames, channels, fragments, eyes, light.levels, sides)
    return Rendered(image, fragments, position, channels, turned(turn.detach().transpose(1, 2), normal))


def in_camera_axes(
    turn: Tensor, surface: Tensor, frames: Optional[Tensor], eyes: Tensor
) -> Tuple[Tensor, Optional[Tensor]]:
    """Surface points [P, 6] and frames [P, 4] as their cameras see them: shading is the same from any axes.

    Args:
        turn: [P, 3, 3] world to camera axes of each point's camera.
        surface: [P, 6] positions and normals in the world.
        frames: [P, 4] tangents in the world and orientations, if there is a normal map.
        eyes: [P, 3] position of each point's camera.
    """
    seen = torch.cat([turned(turn, surface[:, :3] - eyes), turned(turn, surface[:, 3:])], dim=-1)
    return seen, None if frames is None else torch.cat([turned(turn, frames[:, :3]), frames[:, 3:]], dim=-1)


def turned(rotation: Tensor, vectors: Tensor) -> Tensor:
    """Vectors [P, 3], each turned by a rotation [P, 3, 3] of its own."""
    return (rotation * vectors[:, None]).sum(-1)


@torch.no_grad()
def facing_side(shape: Shape, fragments: Fragments, to_eye: Tensor) -> Tensor:
    """1 where a point's triangle shows its outer side to the viewer, -1 where it shows its inner side: [P]."""
    corners = shape.triangles.index_select(0, fragments.triangle).reshape(-1)
    a, b, c = shape.vertices.index_select(0, corners).reshape(-1, 3, 3).unbind(1)
    outwards = (torch.linalg.cross(b - a, c - a) * to_eye).sum(-1)
    return torch.where(outwards < 0, -1.0, 1.0)

"""What is looked at, and how it looks: renderings without gradients, and values as a screen shows them."""

from __future__ import annotations

import dataclasses
from typing import List, Tuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from topforge_train.backend.interface import Backend
from topforge_train.evaluation.metrics import composite_srgb
from topforge_train.rendering.colour import linear_to_srgb
from topforge_train.rendering.light import PrefilteredLight
from topforge_train.rendering.material import TextureMaterial, VolumeMaterial
from topforge_train.rendering.render import Rendered, Shape, render
from topforge_train.views.camera import CameraBatch


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything that can be looked at."""

    shape: Shape
    material: VolumeMaterial | TextureMaterial
    light: PrefilteredLight


def draw(
    backend: Backend, scene: Scene, cameras: CameraBatch, resolution: Tuple[int, int], supersampling: int = 2
) -> Rendered:
    """Draws views without gradients."""
    with torch.no_grad():
        return render(backend, cameras, scene.shape, scene.material, scene.light, resolution, supersampling)


def displayed(premultiplied: Tensor, background: float) -> Tensor:
    """Linear premultiplied images [B, H, W, 4] over a grey background as clamped sRGB [B, H, W, 3]."""
    return composite_srgb(premultiplied[..., :3], premultiplied[..., 3:], background)


def layers(rendered: Rendered, scale: int) -> List[Tensor]:
    """Base colour, occlusion-roughness-metallic and normals of a supersampled rendering, to display [B, H, W, 3]."""
    white = rendered.normal.new_ones(1, 1, 1, 3)
    maps = [
        linear_to_srgb(rendered.channels[:, :3].clamp(0, 1)),
        rendered.channels[:, 3:6].clamp(0, 1),
        rendered.normal * 0.5 + 0.5,
    ]
    pictures = [rendered.fragments.scatter(values, white) for values in maps]
    return [averaged(picture, scale) for picture in pictures]


def averaged(image: Tensor, scale: int) -> Tensor:
    """Means over blocks of scale x scale pixels of [B, H, W, C]."""
    return avg_pool2d(image.permute(0, 3, 1, 2), scale).permute(0, 2, 3, 1)

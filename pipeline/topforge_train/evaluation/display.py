"""The extra pictures that nvdiffrec's `display` asks for: the light, parts of the material, the object relit."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from topforge.trainers import display_layers
from topforge_capture import radiance
from topforge_train.backend.interface import Backend
from topforge_train.rendering import cubemap
from topforge_train.rendering.colour import linear_to_srgb
from topforge_train.rendering.light import EnvironmentLight, PrefilteredLight
from topforge_train.rendering.material import as_surface
from topforge_train.rendering.render import Rendered
from topforge_train.rendering.scene import Scene, averaged, displayed, draw, layers
from topforge_train.views.camera import CameraBatch

RELIGHT_SIDE = 128
"""Side of a face of a light that relights: the finest there is."""


def tiles(
    backend: Backend,
    scene: Scene,
    cameras: CameraBatch,
    rendered: Rendered,
    resolution: Tuple[int, int],
    background: float,
    display: Optional[List[Dict[str, Any]]],
) -> Dict[str, Tensor]:
    """The pictures asked for, by their names, in their order, in display values [B, H, W, 3].

    Args:
        backend: Operators.
        scene: What is looked at.
        cameras: B views.
        rendered: The views as drawn, supersampled by a whole factor.
        resolution: (height, width); the light's picture is as high, and twice as wide as high.
        background: Grey behind the object, linear.
        display: nvdiffrec's key, valid.
    """
    found: Dict[str, Tensor] = {}
    if not display:
        return found
    scale = rendered.fragments.height // resolution[0]
    maps = dict(zip(("kd", "ks", "normal"), layers(rendered, scale)))
    for name, entry in zip(display_layers.names(display), [each for each in display if any(each.values())]):
        if "relight" in entry:
            lit = Scene(scene.shape, scene.material, light_of(entry["relight"], backend.device))
            image = draw(backend, lit, cameras, resolution, scale).image
            found[name] = displayed(image, background)
        elif "latlong" in entry:
            found[name] = light_image(scene, resolution[0]).expand(len(cameras.eye), -1, -1, -1)
        elif name == "diffuse":
            found[name] = diffuse(scene, rendered, scale, background)
        elif name == "tangent":
            found[name] = tangent(backend, scene, rendered, scale)
        else:
            found[name] = maps[name]
    return found


@functools.lru_cache(maxsize=4)
def light_of(path: str, device: torch.device) -> PrefilteredLight:
    """A latitude-longitude picture as light; prepared once in a run."""
    base = cubemap.from_latlong(torch.from_numpy(radiance.read(Path(path))), RELIGHT_SIDE)
    with torch.no_grad():
        return EnvironmentLight(base, trainable=False).to(device).prefilter()


def light_image(scene: Scene, height: int) -> Tensor:
    """The light as it is, clipped at white: [1, height, 2 height, 3] display values."""
    with torch.no_grad():
        radiance_image = cubemap.to_latlong(scene.light.levels[0], height, 2 * height)
    return linear_to_srgb(radiance_image.clamp(0, 1))[None]


def diffuse(scene: Scene, rendered: Rendered, scale: int, background: float) -> Tensor:
    """The object as if it were matte: base colour under the light, no highlights and no metal."""
    surface = as_surface(rendered.channels)
    with torch.no_grad():
        radiance_out = surface.base_color * scene.light.diffuse(rendered.normal) * (1.0 - surface.occlusion)
    covered = torch.cat([radiance_out, torch.ones_like(radiance_out[:, :1])], dim=-1)
    image = rendered.fragments.scatter(covered, covered.new_zeros(1, 1, 1, 4))
    return displayed(averaged(image, scale), background)


def tangent(backend: Backend, scene: Scene, rendered: Rendered, scale: int) -> Tensor:
    """Tangents as colours; white everywhere in pass 1, which has none."""
    white = rendered.normal.new_ones(1, 1, 1, 3)
    values = torch.ones_like(rendered.normal)
    if scene.shape.tangents is not None and scene.shape.uv_triangles is not None:
        with torch.no_grad():
            found = backend.interpolate(scene.shape.tangents, scene.shape.uv_triangles, rendered.fragments)
        values = normalize(found[:, :3], dim=-1) * 0.5 + 0.5
    return averaged(rendered.fragments.scatter(values, white), scale)

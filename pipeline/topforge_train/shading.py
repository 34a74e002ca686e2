"""Split-sum shading of a metallic-roughness surface under an environment light.

arXiv 2111.12503 section 3.3 and Karis, "Real Shading in Unreal Engine 4", 2013: specular = prefiltered light looked up
at (reflection, roughness) times (F0 * scale + bias) from the BRDF table; diffuse = cosine-convolved light.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import torch
from torch import Tensor

from topforge_train.brdf import environment_brdf

DIELECTRIC_REFLECTANCE = 0.04
"""F0 of a non-metal with index of refraction 1.5, as glTF and UsdPreviewSurface define it."""


@dataclasses.dataclass(frozen=True)
class Surface:
    """Material at P points, all linear."""

    base_color: Tensor  # [P, 3] in [0, 1]
    occlusion: Tensor  # [P, 1]; 0 = fully lit (nvdiffrec's ks.R, the opposite of glTF's)
    roughness: Tensor  # [P, 1] perceptual, alpha = roughness ** 2
    metallic: Tensor  # [P, 1]


class Light(Protocol):
    """Light already prefiltered for this step."""

    def diffuse(self, normal: Tensor) -> Tensor:
        """Irradiance / pi at unit normals [P, 3]: [P, 3]."""

    def specular(self, direction: Tensor, roughness: Tensor) -> Tensor:
        """Prefiltered radiance [P, 3] at directions [P, 3] and roughness [P]."""


def facing(normal: Tensor, view: Tensor, minimum: float = 0.05) -> Tensor:
    """Bends unit normals [P, 3] that look away from the viewer until N.V is `minimum`, or more for those far away.

    Interpolated and mapped normals can face backwards near silhouettes, where the BRDF is undefined; bending keeps
    the gradient alive, while clamping N.V would kill it.
    """
    cosine = (normal * view).sum(-1, keepdim=True)
    bent = normal + view * (minimum - cosine).clamp(min=0.0)
    return torch.nn.functional.normalize(bent, dim=-1)


def shade(surface: Surface, normal: Tensor, view: Tensor, light: Light) -> Tensor:
    """Outgoing linear radiance [P, 3].

    Args:
        surface: Material at the points.
        normal: [P, 3] unit shading normals, facing the viewer.
        view: [P, 3] unit vectors from the points to the eye.
        light: Prefiltered environment.
    """
    cosine = (normal * view).sum(-1, keepdim=True).clamp(1e-4, 1.0)
    reflection = 2.0 * cosine * normal - view
    diffuse_color = surface.base_color * (1.0 - surface.metallic)
    reflectance = DIELECTRIC_REFLECTANCE * (1.0 - surface.metallic) + surface.base_color * surface.metallic
    scale_bias = environment_brdf(cosine[:, 0], surface.roughness[:, 0])  # [P, 2]
    specular_color = reflectance * scale_bias[:, :1] + scale_bias[:, 1:]
    # What the surface reflects as a mirror cannot enter and come back as diffuse light: without this factor a white
    # surface returns up to 1.2 times what it gets (nvdiffrec's formula), and glTF and USD renderers disagree with us.
    radiance = diffuse_color * (1.0 - specular_color) * light.diffuse(normal)
    radiance = radiance + specular_color * light.specular(reflection, surface.roughness[:, 0])
    return radiance * (1.0 - surface.occlusion)

"""Split-sum shading of a metallic-roughness surface under an environment light.

arXiv 2111.12503 section 3.3 and Karis, "Real Shading in Unreal Engine 4", 2013: specular = prefiltered light looked up
at (reflection, roughness) times (F0 * scale + bias) from the BRDF table; diffuse = cosine-convolved light.

Plain torch, any float type, written for reading. What training calls is `backend.warp_shading`, the same as kernels.
"""

from __future__ import annotations

import dataclasses
from typing import Optional, Protocol, Tuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from topforge_train.backend.interface import Fragments
from topforge_train.rendering.brdf import environment_brdf

DIELECTRIC_REFLECTANCE = 0.04
"""F0 of a non-metal with index of refraction 1.5, as glTF and UsdPreviewSurface define it."""
LEAST_FACING = 0.05
"""N.V up to which normals are bent."""
LEAST_COSINE = 1e-4
"""N.V below which the BRDF is not evaluated."""


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


def facing(normal: Tensor, view: Tensor, minimum: float = LEAST_FACING) -> Tensor:
    """Bends unit normals [P, 3] that look away from the viewer until N.V is `minimum`, or more for those far away.

    Interpolated and mapped normals can face backwards near silhouettes, where the BRDF is undefined; bending keeps
    the gradient alive, while clamping N.V would kill it.
    """
    cosine = (normal * view).sum(-1, keepdim=True)
    bent = normal + view * (minimum - cosine).clamp(min=0.0)
    return normalize(bent, dim=-1)


def shade(surface: Surface, normal: Tensor, view: Tensor, light: Light) -> Tensor:
    """Outgoing linear radiance [P, 3].

    Args:
        surface: Material at the points.
        normal: [P, 3] unit shading normals, facing the viewer.
        view: [P, 3] unit vectors from the points to the eye.
        light: Prefiltered environment.
    """
    cosine = (normal * view).sum(-1, keepdim=True).clamp(LEAST_COSINE, 1.0)
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


def shaded_image(
    surface: Tensor,
    frames: Optional[Tensor],
    channels: Tensor,
    fragments: Fragments,
    eyes: Tensor,
    light: Light,
    sides: Optional[Tensor] = None,
) -> Tuple[Tensor, Tensor]:
    """The twin of `backend.warp_shading.shaded_image`, for any light."""
    position, normal = surface[:, :3], normalize(surface[:, 3:], dim=-1)
    view = normalize(eyes.index_select(0, fragments.view) - position, dim=-1)
    if frames is not None:
        normal = mapped_normal(channels[:, 6:9], normal, frames)
    normal = facing(normal if sides is None else normal * sides[:, None], view)
    material = Surface(channels[:, 0:3], channels[:, 3:4], channels[:, 4:5], channels[:, 5:6])
    radiance = shade(material, normal, view, light)
    opacity = channels[:, 9:] if channels.shape[1] > 9 else torch.ones_like(radiance[:, :1])
    covered = torch.cat([radiance, torch.ones_like(radiance[:, :1])], dim=-1) * opacity
    return fragments.scatter(covered, covered.new_zeros(1, 1, 1, 4)), normal

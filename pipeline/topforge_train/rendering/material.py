"""Materials: a field in space while the shape still changes, textures once it has its final triangles.

Channel order of nine: base colour (3), occlusion, roughness, metallic ("ks"), tangent-space normal (3). A material that
may be transparent has a tenth, opacity.
"""

from __future__ import annotations

import dataclasses
from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import Backend, HashGridSpec
from topforge_train.backend.warp_limits import limit_
from topforge_train.rendering.shading import Surface


@dataclasses.dataclass(frozen=True)
class MaterialLimits:
    """Allowed range of each channel; the bounds are reachable."""

    minimum: Tensor  # [C]
    maximum: Tensor  # [C]

    def to(self, device: torch.device) -> MaterialLimits:
        """The same on a device."""
        return MaterialLimits(self.minimum.to(device), self.maximum.to(device))

    def scale(self, unit: Tensor) -> Tensor:
        """Maps [..., C] from [0, 1] into the range."""
        return self.minimum + unit * (self.maximum - self.minimum)

    def clamp(self, values: Tensor) -> Tensor:
        """Values [..., C] forced into the range."""
        return torch.minimum(torch.maximum(values, self.minimum), self.maximum)


OPACITY = 9
"""Channel of the opacity: how much of what lies behind is hidden."""
INITIAL_OPACITY = 0.95
"""Hardly transparent, so that the shape of pass 1 stays what it is; but what lies behind is seen, and so learns."""


def as_surface(channels: Tensor) -> Surface:
    """Names the first six channels of [P, >= 6]."""
    return Surface(channels[:, 0:3], channels[:, 3:4], channels[:, 4:5], channels[:, 5:6])


def with_opacity(texels: Tensor) -> Tensor:
    """Nine-channel texels [H, W, 9] with a tenth channel, `INITIAL_OPACITY`; those that have one as they are."""
    if texels.shape[-1] > OPACITY:
        return texels
    return torch.cat([texels, torch.full_like(texels[..., :1], INITIAL_OPACITY)], dim=-1)


class VolumeMaterial(torch.nn.Module):
    """Material as a function of position: hash grid and a small network.

    Encoding of arXiv 2201.05989; its use for materials while topology changes: arXiv 2111.12503 section 3.2
    ("volumetric texturing").
    """

    def __init__(self, spec: HashGridSpec, limits: MaterialLimits, box_side: float, generator: torch.Generator):
        """A new field.

        Args:
            spec: Geometry of the hash grid.
            limits: Range of the six channels.
            box_side: Side of the cube around the origin that the field covers, world units.
            generator: Source of the initial values.
        """
        super().__init__()
        self.spec = spec
        self.limits = limits
        self.box_side = box_side
        uniform = torch.rand(spec.levels, 2**spec.log2_table, spec.features, generator=generator)
        self.table = torch.nn.Parameter((uniform - 0.5) * 2e-4)
        width = 32
        sizes = [spec.levels * spec.features, width, width, 6]
        self.weights = torch.nn.ParameterList(
            torch.nn.Parameter((torch.rand(b, a, generator=generator) * 2 - 1) * (6.0 / a) ** 0.5)
            for a, b in zip(sizes[:-1], sizes[1:])
        )
        # Starts mid-grey, hardly occluded, fairly glossy and dielectric: highlights have a gradient from step one.
        self.bias = torch.nn.Parameter(torch.logit(torch.tensor([0.5, 0.5, 0.5, 0.02, 0.4, 0.05])))

    def forward(self, backend: Backend, positions: Tensor) -> Tensor:
        """The six channels at world positions [P, 3], within their limits."""
        unit = (positions / self.box_side + 0.5).clamp(0.0, 1.0)
        hidden = backend.hash_grid(self.table, unit, self.spec)
        for weight in self.weights[:-1]:
            hidden = torch.relu(hidden @ weight.t())
        return self.limits.scale(torch.sigmoid(hidden @ self.weights[-1].t() + self.bias))


class TextureMaterial(torch.nn.Module):
    """Material in one texture of nine or ten channels [H, W, C]; row 0 holds v = 0."""

    def __init__(self, texels: Tensor, limits: MaterialLimits, layers: int = 1):
        """Starts from baked texels; `limits` ranges over their channels.

        What may be transparent, and so has a tenth channel, is looked through `layers` deep.
        """
        super().__init__()
        self.layers = layers
        self.texels = torch.nn.Parameter(texels.clone())
        self.limits = limits

    def mip_chain(self) -> List[Tensor]:
        """The pyramid [h, w, C] by 2 x 2 averages, finest first, down to 4 texels; built once for each step."""
        levels = [self.texels]
        while min(levels[-1].shape[:2]) > 4:
            levels.append(halved(levels[-1]))
        return levels

    @torch.no_grad()
    def clamp_(self) -> None:
        """Brings the texels back into their limits after an optimiser step."""
        limit_(self.texels, self.limits.minimum, self.limits.maximum)


class _Halved(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, image: Tensor) -> Tensor:
        height, width, channels = image.shape
        rows = image.reshape(height // 2, 2, width * channels)
        pairs = (rows[:, 0] + rows[:, 1]).reshape(height // 2, width // 2, 2, channels)
        return (pairs[:, :, 0] + pairs[:, :, 1]) * 0.25

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        height, width, channels = gradient.shape
        blocks = (gradient * 0.25)[:, None, :, None].expand(-1, 2, -1, 2, -1)
        return blocks.reshape(2 * height, 2 * width, channels)


def halved(image: Tensor) -> Tensor:
    """2 x 2 averages of [H, W, C] with even sides. Rows first, then columns: eight times faster than avg_pool2d."""
    return _Halved.apply(image)


def opacity_map(texels: Tensor) -> Optional[Tensor]:
    """The opacity [H, W, 1] of texels that have one."""
    return texels[..., OPACITY:] if texels.shape[-1] > OPACITY else None


def split_maps(texels: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Base colour, occlusion-roughness-metallic and unit normal maps of texels [H, W, >= 9]."""
    return texels[..., 0:3], texels[..., 3:6], torch.nn.functional.normalize(texels[..., 6:9], dim=-1)

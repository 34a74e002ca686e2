"""The environment light: a trainable cube map, prefiltered for split-sum shading, and the priors on it.

arXiv 2111.12503, section 3.3; Karis, "Real Shading in Unreal Engine 4", 2013.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_capture import radiance
from topforge_train.backend.warp_prefilter import filtered
from topforge_train.backend.warp_sampling import texture_cube
from topforge_train.rendering import cubemap
from topforge_train.rendering.prefilter import MINIMUM_ROUGHNESS, level_shapes, make_tables, tables

INITIAL_RADIANCE = 0.5
DARKEST, BRIGHTEST = 1e-3, 1e6
"""Radiance that a light can learn. The sun, resolved, is about 50,000 times as bright as the sky."""

LIGHT_RATE = 5.0
"""Step size of the light's logarithm for one of the material: a sun is ten doublings away from the grey start."""

LOG_FLOOR = 1e-2
"""Added before the logarithm of `log_variation`: below it, differences do not count."""


@dataclasses.dataclass(frozen=True)
class PrefilteredLight:
    """A light ready for lookups, differentiable down to the cube map it was made from."""

    levels: List[Tensor]  # [6, n, n, 3], rising roughness; the last one, alpha = 1, is the cosine-weighted mean
    moves_with_camera: bool = False
    """Its axes are the camera's (right, up, back) instead of the world's: a turntable before a fixed camera."""

    def diffuse(self, normal: Tensor) -> Tensor:
        """Irradiance over pi at normals [P, 3] of any length: [P, 3].

        With alpha = 1 GGX's D is constant and the specular weight D (N.L) is the cosine: the last level serves both.
        """
        return texture_cube(self.levels[-1:], normal, normal.new_zeros(len(normal)))

    def specular(self, direction: Tensor, roughness: Tensor) -> Tensor:
        """Prefiltered radiance [P, 3] at directions [P, 3] of any length and perceptual roughness [P]."""
        return texture_cube(self.levels, direction, fractional_level(roughness, len(self.levels)))


def fractional_level(roughness: Tensor, count: int) -> Tensor:
    """Level of a perceptual roughness: 0.08..0.5 spans all but the last, 0.5..1 the last (nvdiffrec's mapping).

    Its slope is positive everywhere between 0.08 and 1, so roughness learns there.
    """
    fine = (roughness.clamp(MINIMUM_ROUGHNESS, 0.5) - MINIMUM_ROUGHNESS) * ((count - 2) / (0.5 - MINIMUM_ROUGHNESS))
    return fine + (roughness.clamp(0.5, 1.0) - 0.5) * 2.0


def prefiltered(base: Tensor, levels: int = 6, again: bool = True) -> PrefilteredLight:
    """The levels of a light of radiance `base` [6, n, n, 3] float32, n a power of two from 16, differentiable in it.

    What they are made with is kept for lights of the same size if that is to be done `again`.
    """
    shapes = level_shapes(base.shape[1], levels)
    whole = [] if shapes[0].side < base.shape[1] else [base]
    made = tuple(shapes[len(whole) :])
    parts = filtered(base.reshape(-1, 3), (tables if again else make_tables)(base.shape[1], made, base.device))
    parts = parts.split([6 * shape.side**2 for shape in made])
    return PrefilteredLight([*whole, *(part.view(6, shape.side, shape.side, 3) for part, shape in zip(parts, made))])


class EnvironmentLight(torch.nn.Module):
    """A distant light as a cube map of linear radiance; to be learnt as its logarithm, or given and kept as it is.

    Adam moves each number by about its step size, whatever its gradient: radiance itself never gets from 0.5 to the
    thousands of a sun, its logarithm does in a hundred steps (docs/decisions/0011-light.md).
    """

    def __init__(self, base: Tensor, trainable: bool = True, moves_with_camera: bool = False):
        """Keeps a copy of `base` [6, n, n, 3] float32 linear radiance, not negative, n as `probe_res` allows.

        A trainable light is brought between DARKEST and BRIGHTEST; a given one stays exact.
        """
        super().__init__()
        self.moves_with_camera = moves_with_camera
        self.logarithm: Optional[torch.nn.Parameter] = None
        if trainable:
            self.logarithm = torch.nn.Parameter(base.detach().clamp(DARKEST, BRIGHTEST).log())
        else:
            self.register_buffer("given", base.detach().clone())
        self._levels: Tuple[Any, List[Tensor]] = (None, [])

    @classmethod
    def grey(cls, side: int) -> EnvironmentLight:
        """The usual start: 0.5 everywhere."""
        return cls(torch.full((6, side, side, 3), INITIAL_RADIANCE))

    @classmethod
    def from_options(cls, options: Any, base: Optional[Tensor] = None) -> EnvironmentLight:
        """What the options ask for: `base`, with which pass 2 begins, or a grey light to be learnt, or `envmap`.

        As in nvdiffrec, pass 2 learns a light that came with a `base_mesh` whatever `learn_light` says.
        """
        moving = options.camera_space_light
        if base is not None:
            learnt = options.learn_light or options.base_mesh is not None
            return cls(base, learnt and not options.lock_light, moving)
        if not options.learn_light and options.envmap:
            image = torch.from_numpy(radiance.read(Path(options.envmap))) * options.env_scale
            return cls(cubemap.from_latlong(image, cubemap.fitting_side(image.shape[0])), False, moving)
        grey = torch.full((6, options.probe_res, options.probe_res, 3), INITIAL_RADIANCE)
        return cls(grey, options.learn_light, moving)

    @property
    def base(self) -> Tensor:
        """Linear radiance [6, n, n, 3], differentiable if it is learnt."""
        if self.logarithm is None:
            return self.given
        return self.logarithm.exp()

    def prefilter(self) -> PrefilteredLight:
        """The levels of this step's light; of a given one they are made once."""
        if self.logarithm is not None:
            levels = prefiltered(self.base).levels
        else:
            levels = self._given_levels()
        return PrefilteredLight(levels, self.moves_with_camera)

    def _given_levels(self) -> List[Tensor]:
        made_from = (self.given.device, self.given._version)
        if self._levels[0] != made_from:
            self._levels = (made_from, prefiltered(self.given, again=False).levels)
        return self._levels[1]

    @torch.no_grad()
    def clamp_(self) -> None:
        """After an optimiser's step: back between DARKEST and BRIGHTEST."""
        if self.logarithm is not None:
            self.logarithm.clamp_(math.log(DARKEST), math.log(BRIGHTEST))


def neutrality(base: Tensor) -> Tensor:
    """How far each texel is from grey, |c - mean(c)|, like `base`; the mean is nvdiffrec's white-light prior."""
    return (base - base.mean(dim=-1, keepdim=True)).abs()


def log_variation(base: Tensor) -> Tensor:
    """Mean absolute difference of log radiance between neighbouring texels, across faces too: a scalar.

    In the log domain a sun costs as little as a lamp, so the prior calms noise without dimming small lights.
    """
    pairs = cubemap.neighbours(base.shape[1], base.device)
    logarithm = torch.log(base.reshape(-1, base.shape[-1]) + LOG_FLOOR)
    return (logarithm.index_select(0, pairs[:, 0]) - logarithm.index_select(0, pairs[:, 1])).abs().mean()

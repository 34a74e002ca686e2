"""The environment BRDF of the split-sum approximation: how much of a white environment a GGX surface reflects.

Karis, "Real Shading in Unreal Engine 4", 2013: under light of radiance 1, reflected = F0 * scale + bias with

    scale = integral of f (1 - Fc) N.L,   bias = integral of f Fc N.L,   Fc = (1 - V.H)^5 (Schlick)

where f is GGX without its Fresnel term: D and Smith's separable G as in Walter et al. 2007, equations 33 and 34
(Mitsuba's and most path tracers' choice; Karis uses an approximation of G). Both depend on N.V and roughness only, so
they are tabulated once.
"""

from __future__ import annotations

import functools
import math
from typing import Tuple

import torch
from torch import Tensor

from topforge_train.backend import parallel

TABLE_SIZE = 64
"""Nodes along each axis, ends included. Interpolation error against the integral: see `environment_brdf`."""

STRETCH = 0.02
"""Nodes in N.V lie evenly in sqrt(N.V + STRETCH): dense near grazing, where the integrals bend."""

SMALLEST_COSINE = 1e-3
SMALLEST_ROUGHNESS = 0.03
"""Below, the lobe is a mirror to more digits than the table holds; the table's first row stands for 0 too."""


def environment_brdf(cosine: Tensor, roughness: Tensor) -> Tensor:
    """Scale and bias of F0, bilinear in a table; differentiable in both arguments.

    Args:
        cosine: [P] N.V in [0, 1].
        roughness: [P] perceptual, alpha = roughness ** 2, in [0, 1].

    Returns:
        [P, 2] (scale, bias). Against the integral: at most 3e-3, 3e-4 in the mean.
    """
    place = torch.stack([_stretched(cosine), roughness], dim=-1) * 2.0 - 1.0
    values = torch.nn.functional.grid_sample(
        table_on(cosine.device, cosine.dtype)[None],
        place[None, None],
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )
    return values[0, :, 0].T


@functools.lru_cache(maxsize=4)
def table_on(device: torch.device, dtype: torch.dtype) -> Tensor:
    """`table` where the points are; made there, and once."""
    return table(device).to(dtype)


def _stretched(cosine: Tensor) -> Tensor:
    """Table coordinate in [0, 1] of N.V, with a finite slope at 0."""
    return ((cosine + STRETCH).sqrt() - math.sqrt(STRETCH)) / (math.sqrt(1.0 + STRETCH) - math.sqrt(STRETCH))


@functools.lru_cache(maxsize=4)
@parallel.one_torch_thread()
def table(device: torch.device = torch.device("cpu")) -> Tensor:  # noqa: B008  # a constant
    """[2, roughness, N.V] float32: scale and bias at the nodes."""
    node = torch.linspace(0.0, 1.0, TABLE_SIZE, dtype=torch.float64, device=device)
    low, high = math.sqrt(STRETCH), math.sqrt(1.0 + STRETCH)
    cosine = (node * (high - low) + low) ** 2 - STRETCH
    rows = [torch.stack(integrate(cosine, value)) for value in node.tolist()]
    return torch.stack(rows, dim=1).float()


def integrate(cosine: Tensor, roughness: float, samples: int = 48) -> Tuple[Tensor, Tensor]:
    """Scale and bias by quadrature over half vectors drawn in proportion to D (N.H): [N] each.

    Walter et al. 2007, equations 35 and 41: with H so distributed the integrand is G V.H / (N.H N.V). Midpoint rule in
    `samples` x `samples` points: radius (the fraction of D below it) by azimuth (half a turn, by symmetry).

    Args:
        cosine: [N] float64, N.V.
        roughness: Perceptual, in [0, 1].
        samples: Points along each of the two axes.
    """
    alpha = max(roughness, SMALLEST_ROUGHNESS) ** 2
    cosine = cosine.clamp(SMALLEST_COSINE, 1.0)[:, None, None]
    middle = (torch.arange(samples, dtype=torch.float64, device=cosine.device) + 0.5) / samples
    above = (1.0 - middle) ** 2  # the integrand ends like 1 / sqrt(above): squaring makes it smooth
    normal_half = (above / (1.0 + (alpha * alpha - 1.0) * (1.0 - above))).sqrt()[:, None]
    tangent_half = (1.0 - normal_half**2).sqrt() * torch.cos(math.pi * middle)
    view_half = (1.0 - cosine**2).sqrt() * tangent_half + cosine * normal_half
    normal_light = 2.0 * view_half * normal_half - cosine
    shadowing = _smith(cosine, alpha) * _smith(normal_light.clamp(min=1e-6), alpha)
    weight = shadowing * view_half / (normal_half * cosine) * (normal_light > 0.0) * (2.0 * (1.0 - middle[:, None]))
    fresnel = (1.0 - view_half.clamp(0.0, 1.0)) ** 5
    return (weight * (1.0 - fresnel)).mean((1, 2)), (weight * fresnel).mean((1, 2))


def _smith(cosine: Tensor, alpha: float) -> Tensor:
    """Shadowing of one direction (Walter et al. 2007, equation 34)."""
    squared = cosine * cosine
    return 2.0 * cosine / (cosine + (alpha * alpha * (1.0 - squared) + squared).sqrt())

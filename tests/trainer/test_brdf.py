"""The environment BRDF table against the integral it stands for."""

from __future__ import annotations

import math

import pytest
import torch

from topforge_train.rendering import brdf
from topforge_train.rendering.light import EnvironmentLight


def over_the_hemisphere(cosine, roughness, size=1200):
    """Scale and bias by the definition: f (N.L) summed over light directions, no importance sampling."""
    alpha_squared = roughness**4
    middle = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    light_cosine, azimuth = torch.meshgrid(middle, middle * math.pi, indexing="ij")
    sine = (1 - light_cosine**2).sqrt()
    light = torch.stack([sine * torch.cos(azimuth), sine * torch.sin(azimuth), light_cosine], dim=-1)
    view = torch.tensor([math.sqrt(1 - cosine**2), 0.0, cosine], dtype=torch.float64)
    half = torch.nn.functional.normalize(light + view, dim=-1)
    density = alpha_squared / (math.pi * (half[..., 2] ** 2 * (alpha_squared - 1) + 1) ** 2)

    def smith(c):
        return 2 / (1 + (1 + alpha_squared * (1 - c * c) / (c * c)).sqrt())

    shadowing = smith(light_cosine) * smith(torch.tensor(cosine, dtype=torch.float64))
    reflected = density * shadowing / (4 * light_cosine * cosine) * light_cosine * (2 * math.pi)
    fresnel = (1 - half @ view) ** 5
    return float((reflected * (1 - fresnel)).mean()), float((reflected * fresnel).mean())


def test_table_equals_the_integral_over_light_directions():
    generator = torch.Generator().manual_seed(0)
    for cosine, roughness in torch.rand(12, 2, generator=generator).tolist():
        cosine, roughness = 0.05 + 0.95 * cosine, 0.3 + 0.7 * roughness
        found = brdf.environment_brdf(torch.tensor([cosine]), torch.tensor([roughness]))[0].tolist()
        assert found == pytest.approx(over_the_hemisphere(cosine, roughness), abs=4e-3)


def test_table_equals_a_fine_quadrature_everywhere():
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(60, 2, generator=generator)
    found = brdf.environment_brdf(points[:, 0], points[:, 1])
    exact = [torch.stack(brdf.integrate(c[None].double(), float(r), 400))[:, 0] for c, r in points]
    error = (found - torch.stack(exact)).abs()
    assert error.max() < 3e-3
    assert error.mean() < 4e-4


def test_smooth_metal_reflects_all_and_nothing_reflects_more_than_it_gets():
    cosine = torch.linspace(0.0, 1.0, 101)
    for roughness in torch.linspace(0.0, 1.0, 21):
        scale, bias = brdf.environment_brdf(cosine, roughness.expand(101)).unbind(-1)
        assert (scale >= -1e-6).all()
        assert (bias >= -1e-6).all()
        assert (scale + bias).max() <= 1.0 + 1e-3
    mirror = brdf.environment_brdf(cosine[5:], torch.zeros(96)).sum(-1)
    assert (mirror > 0.995).all()


def test_furnace_white_dielectric_stays_below_one():
    """White light, white base: what is not reflected (F0 = 0.04) may be scattered, never more than came in."""
    light = EnvironmentLight(torch.ones(6, 16, 16, 3)).prefilter()
    normal = torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(2)), dim=-1)
    cosine, roughness = torch.rand(2, 500, generator=torch.Generator().manual_seed(3))
    scale, bias = brdf.environment_brdf(cosine, roughness).unbind(-1)
    reflectance = (0.04 * scale + bias)[:, None]
    out = (1 - reflectance) * light.diffuse(normal) + reflectance * light.specular(normal, roughness)
    assert (reflectance < 1).all()
    assert out.max() <= 1 + 1e-4


def test_both_gradients_agree_with_finite_differences():
    node = (torch.arange(3, 60, 4) + 0.5) / (brdf.TABLE_SIZE - 1)  # between nodes: a step stays in its cell
    low, high = math.sqrt(brdf.STRETCH), math.sqrt(1 + brdf.STRETCH)
    cosine, roughness = torch.meshgrid((node * (high - low) + low) ** 2 - brdf.STRETCH, node, indexing="ij")
    cosine, roughness = cosine.reshape(-1), roughness.reshape(-1)
    for channel in range(2):
        a, b = cosine.clone().requires_grad_(), roughness.clone().requires_grad_()
        brdf.environment_brdf(a, b)[:, channel].sum().backward()
        for grad, da, db in ((a.grad, 1e-3, 0.0), (b.grad, 0.0, 1e-3)):
            up = brdf.environment_brdf(cosine + da, roughness + db)[:, channel]
            down = brdf.environment_brdf(cosine - da, roughness - db)[:, channel]
            torch.testing.assert_close(grad, (up - down) / 2e-3, atol=5e-3, rtol=1e-2)

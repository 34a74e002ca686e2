"""Split-sum shading against a scalar evaluation of its formulas, and the bending of normals that face away."""

import numpy as np
import torch
from torch.nn.functional import normalize

from topforge_train.rendering.brdf import table
from topforge_train.rendering.shading import Surface, facing, shade


class LinearLight:
    """A light whose lookups are simple formulas, so that a test can evaluate them without any map."""

    def diffuse(self, normal):
        return 0.6 + 0.3 * normal + 0.1 * normal[:, [1, 2, 0]] ** 2

    def specular(self, direction, roughness):
        return 1.0 + (1.0 - 0.5 * roughness[:, None]) * direction + roughness[:, None] * direction[:, [2, 0, 1]]


class DarkDiffuse(LinearLight):
    """Only mirrors see it."""

    def diffuse(self, normal):
        return torch.zeros_like(normal)


class Furnace:
    """Radiance 1 from everywhere."""

    def diffuse(self, normal):
        return torch.ones_like(normal)

    def specular(self, direction, roughness):
        return torch.ones_like(direction)


def random_points(count, seed, dtype=torch.float32):
    """Materials, facing unit normals and unit views."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(count, 6, generator=generator, dtype=dtype)
    normal = normalize(torch.randn(count, 3, generator=generator, dtype=dtype), dim=-1)
    view = normalize(torch.randn(count, 3, generator=generator, dtype=dtype), dim=-1)
    view = torch.where((normal * view).sum(-1, keepdim=True) < 0, -view, view)
    return values, normal, view


def surface_of(values):
    return Surface(values[:, 0:3], values[:, 3:4], values[:, 4:5], values[:, 5:6])


def table_lookup(cosine, roughness):
    """Bilinear, by hand, in the published table: rows are roughness, columns N.V evenly in sqrt(N.V + 0.02)."""
    nodes = table().double().numpy()
    last = nodes.shape[1] - 1
    x = (np.sqrt(cosine + 0.02) - np.sqrt(0.02)) / (np.sqrt(1.02) - np.sqrt(0.02)) * last
    y = roughness * last
    left, top = min(int(x), last - 1), min(int(y), last - 1)
    a, b = x - left, y - top
    upper = (1 - a) * nodes[:, top, left] + a * nodes[:, top, left + 1]
    lower = (1 - a) * nodes[:, top + 1, left] + a * nodes[:, top + 1, left + 1]
    return (1 - b) * upper + b * lower


def shade_one(values, normal, view):
    """One point, one channel at a time: Karis 2013 under the metallic-roughness model of glTF (appendix B)."""
    base, (occlusion, roughness, metallic) = values[:3], values[3:]
    cosine = float(np.dot(normal, view))
    reflection = 2 * cosine * normal - view
    scale, bias = table_lookup(cosine, roughness)
    result = []
    for channel in range(3):
        irradiance = 0.6 + 0.3 * normal[channel] + 0.1 * normal[(channel + 1) % 3] ** 2
        mirrored = 1 + (1 - 0.5 * roughness) * reflection[channel] + roughness * reflection[(channel + 2) % 3]
        reflectance = (1 - metallic) * 0.04 + metallic * base[channel]
        specular = reflectance * scale + bias
        outgoing = (1 - metallic) * base[channel] * (1 - specular) * irradiance + specular * mirrored
        result.append((1 - occlusion) * outgoing)
    return result


def test_against_the_scalar_evaluation():
    values, normal, view = random_points(64, 1)
    ours = shade(surface_of(values), normal, view, LinearLight()).numpy()
    expected = [shade_one(*(t[k].double().numpy() for t in (values, normal, view))) for k in range(64)]
    np.testing.assert_allclose(ours, expected, atol=2e-5)


def test_gradients_against_finite_differences():
    values, normal, view = random_points(6, 2, torch.float64)
    inputs = [tensor.requires_grad_() for tensor in (values, normal, view)]
    shaded = lambda v, n, w: shade(surface_of(v), n, w, LinearLight())  # noqa: E731
    assert torch.autograd.gradcheck(shaded, inputs, eps=1e-7, atol=1e-4)


def test_a_metal_has_no_diffuse_part_and_a_non_metal_no_coloured_highlight():
    values, normal, view = random_points(32, 3)
    values[:, 3] = 0.0
    dark = DarkDiffuse()
    metal = torch.cat([values[:, :5], torch.ones(32, 1)], dim=1)
    assert torch.equal(
        shade(surface_of(metal), normal, view, LinearLight()), shade(surface_of(metal), normal, view, dark)
    )
    plastic = torch.cat([values[:, :5], torch.zeros(32, 1)], dim=1)
    black = torch.cat([torch.zeros(32, 3), plastic[:, 3:]], dim=1)
    assert torch.equal(shade(surface_of(plastic), normal, view, dark), shade(surface_of(black), normal, view, dark))


def test_full_occlusion_is_black():
    values, normal, view = random_points(8, 4)
    values[:, 3] = 1.0
    assert shade(surface_of(values), normal, view, LinearLight()).abs().max() == 0.0


def test_no_surface_returns_more_than_it_gets():
    """The furnace test: under light of radiance 1 everywhere, white plastic returns 1 and nothing returns more."""
    values, normal, view = random_points(500, 6)
    values[:, 3] = 0.0
    assert shade(surface_of(values), normal, view, Furnace()).max() <= 1.0 + 1e-5
    values[:, :3], values[:, 5] = 1.0, 0.0
    white = shade(surface_of(values), normal, view, Furnace())
    assert torch.allclose(white, torch.ones(500, 3), atol=1e-5)


def test_normals_that_face_the_viewer_are_left_alone():
    _, normal, view = random_points(100, 4)
    towards = (normal * view).sum(-1) > 0.05
    assert torch.allclose(facing(normal, view)[towards], normal[towards], atol=1e-6)


def test_normals_that_face_away_are_bent_towards_the_viewer():
    """In the plane of normal and view, at least to N.V = minimum (the little less is the length's second order)."""
    _, normal, view = random_points(400, 5)
    away = -normal  # N.V <= 0
    bent = facing(away, view, minimum=0.05)
    assert torch.allclose(bent.norm(dim=-1), torch.ones(400), atol=1e-5)
    assert (bent * view).sum(-1).min() >= 0.05 * 0.998
    plane = normalize(torch.linalg.cross(away, view), dim=-1)
    assert (bent * plane).sum(-1).abs().max() < 1e-4


def test_bending_keeps_the_gradient_of_the_normal():
    """A normal that faces away still learns: the reason for bending instead of clamping."""
    away = torch.tensor([[0.6, 0.0, -0.8]], dtype=torch.float64, requires_grad=True)
    view = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(facing, (away, view), eps=1e-7, atol=1e-6)
    facing(away, view)[0, 2].backward()
    assert away.grad.abs().max() > 0.1

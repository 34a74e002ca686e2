"""Materials: the mip chain, the limits, and the field in space."""

import copy
import types

import pytest
import torch

from topforge_train.backend import load, reference_sampling
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.warp_limits import limit_
from topforge_train.backend.warp_runtime import TensorMismatchError
from topforge_train.rendering.material import (
    MaterialLimits,
    TextureMaterial,
    VolumeMaterial,
    as_surface,
    halved,
    split_maps,
)
from topforge_train.rendering.render import Shape, texture_lookup

WIDE = MaterialLimits(torch.full((9,), -10.0), torch.full((9,), 10.0))


def random(*shape, seed=0, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_halved_is_the_mean_of_four():
    image = random(6, 10, 9)
    ours = halved(image)
    assert ours.shape == (3, 5, 9)
    for row in range(3):
        for column in range(5):
            mean = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean((0, 1))
            assert torch.allclose(ours[row, column], mean, atol=1e-6)


def test_halved_gives_each_texel_a_quarter_of_the_gradient():
    image = random(4, 6, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(halved, (image,))
    halved(image).sum().backward()
    assert torch.equal(image.grad, torch.full_like(image, 0.25))


@pytest.mark.parametrize(("size", "sides"), [(4, [4]), (16, [16, 8, 4]), (64, [64, 32, 16, 8, 4])])
def test_mip_chain_ends_at_four_texels_and_keeps_the_mean(size, sides):
    material = TextureMaterial(random(size, size, 9), WIDE)
    chain = material.mip_chain()
    assert [tuple(level.shape) for level in chain] == [(side, side, 9) for side in sides]
    assert chain[0] is material.texels
    for level in chain:
        assert torch.allclose(level.mean((0, 1)), material.texels.mean((0, 1)), atol=1e-5)


def test_the_texture_is_a_copy_and_goes_back_into_its_limits():
    texels = random(4, 4, 9) * 4 - 2
    limits = MaterialLimits(torch.linspace(-1.0, 0.0, 9), torch.linspace(0.25, 1.0, 9))
    before, material = texels.clone(), TextureMaterial(texels, limits)
    material.clamp_()
    assert torch.equal(texels, before)
    assert (material.texels >= limits.minimum).all()
    assert (material.texels <= limits.maximum).all()
    inside = (before >= limits.minimum) & (before <= limits.maximum)
    assert torch.equal(material.texels[inside], before[inside])
    assert material.texels.requires_grad


def test_limits_scale_the_unit_interval():
    limits = MaterialLimits(torch.tensor([0.0, 0.25]), torch.tensor([1.0, 0.75]))
    unit = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]])
    assert limits.scale(unit).tolist() == [
        [0, 0.25],
        [1, 0.75],
        [0.5, 0.5],
    ]


def test_channels_have_their_names():
    channels = torch.arange(9.0)[None]
    surface = as_surface(channels)
    assert [t.tolist() for t in (surface.base_color, surface.occlusion, surface.roughness, surface.metallic)] == [
        [[0, 1, 2]], [[3]], [[4]], [[5]],
    ]  # fmt: skip
    base_color, ks, normal = split_maps(channels[None])
    assert base_color[0, 0].tolist() == [0, 1, 2]
    assert ks[0, 0].tolist() == [3, 4, 5]
    assert torch.allclose(normal[0, 0], torch.tensor([6.0, 7.0, 8.0]) / 149**0.5)


@pytest.fixture(scope="module")
def field():
    """A small field with narrow limits, its table large enough to matter."""
    limits = MaterialLimits(torch.tensor([0.1, 0.2, 0.3, 0.0, 0.08, 0.0]), torch.tensor([0.6, 0.7, 0.8, 0.0, 1.0, 0.5]))
    material = VolumeMaterial(HashGridSpec(2, 2, 8, 4, 8), limits, 3.0, torch.Generator().manual_seed(3))
    with torch.no_grad():
        material.table.mul_(1e4)
    return material


def test_the_field_stays_in_its_limits_everywhere(field):
    """Also outside of its box, where it continues as at the box's side."""
    backend = load()
    with torch.no_grad():
        channels = field(backend, random(500, 3, seed=1) * 8 - 4)
        side, beyond = field(backend, torch.tensor([[1.5, 0.2, -0.3], [9.0, 0.2, -0.3]]))
    assert (channels >= field.limits.minimum - 1e-6).all()
    assert (channels <= field.limits.maximum + 1e-6).all()
    assert channels.std(0)[:3].min() > 0.01  # it does vary
    assert channels[:, 3].abs().max() == 0.0  # equal limits switch a channel off
    assert torch.allclose(side, beyond, atol=1e-6)


def test_a_new_field_starts_as_documented():
    """Mid-grey, hardly occluded, fairly glossy, dielectric."""
    limits = MaterialLimits(torch.zeros(6), torch.ones(6))
    material = VolumeMaterial(HashGridSpec(2, 2, 8, 4, 8), limits, 3.0, torch.Generator().manual_seed(3))
    with torch.no_grad():
        channels = material(load(), random(50, 3) * 2 - 1)
    assert torch.allclose(channels, torch.tensor([0.5, 0.5, 0.5, 0.02, 0.4, 0.05]).expand(50, 6), atol=0.01)


def test_gradients_of_the_field_against_finite_differences(field):
    """The network in float64 over the hash grid's plain twin; then the real operators against that."""
    twin, positions = copy.deepcopy(field).double(), random(16, 3, seed=2, dtype=torch.float64) * 2.6 - 1.3
    twin.limits = MaterialLimits(twin.limits.minimum.double(), twin.limits.maximum.double())
    reference = types.SimpleNamespace(hash_grid=reference_sampling.hash_grid)
    weights = random(16, 6, seed=4) - 0.5

    def value(*parameters):
        named = dict(zip([name for name, _ in twin.named_parameters()], parameters))
        return torch.func.functional_call(twin, named, (reference, positions))

    assert torch.autograd.gradcheck(value, tuple(twin.parameters()), eps=1e-6, atol=1e-5, fast_mode=True)
    (value(*twin.parameters()) * weights).sum().backward()
    (field(load(), positions.float()) * weights).sum().backward()
    for ours, theirs in zip(field.parameters(), twin.parameters()):
        assert theirs.grad.abs().max() > 0
        assert torch.allclose(ours.grad.double(), theirs.grad, atol=1e-4)


def test_values_are_brought_into_limits_in_place():
    generator = torch.Generator().manual_seed(2)
    values = torch.rand(33, 17, 3, generator=generator) * 3 - 1
    values[0, 0, 0] = float("nan")
    low, high = torch.tensor([0.0, -0.5, 0.2]), torch.tensor([1.0, 0.5, 0.2])
    wanted = torch.minimum(torch.maximum(values, low), high)
    limit_(values, low, high)
    assert torch.equal(values.nan_to_num(9.0), wanted.nan_to_num(9.0))
    with pytest.raises(TensorMismatchError, match="contiguous"):
        limit_(values.transpose(0, 1), low, high)


def test_a_texture_twice_as_wide_at_half_the_coordinates_looks_the_same():
    """As upstream's assets come once their mirrored charts are turned round: several texels fall into a pixel."""
    backend, texels = load("warp", "cpu"), random(64, 64, 9)
    corners = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    triangles, uv = torch.tensor([[0, 1, 2], [0, 2, 3]]).int(), (corners[:, :2] + 1) / 2
    clip = torch.cat([corners, torch.ones(4, 1)], dim=-1)[None]
    fragments = backend.rasterize(clip, triangles, (20, 20))
    seen = []
    for texture, places in ((texels, uv), (torch.cat([texels, texels], 1), uv * torch.tensor([0.5, 1.0]))):
        shape = Shape(corners, triangles, corners, places, triangles, torch.zeros(4, 4))
        seen.append(texture_lookup(backend, TextureMaterial(texture, WIDE), shape, clip)(fragments, corners)[0])
    pixels = fragments.pixel.remainder(20) < 17  # at its right edge the wider one blends into the other half
    assert (seen[0] - seen[1])[pixels].abs().max() < 1e-5

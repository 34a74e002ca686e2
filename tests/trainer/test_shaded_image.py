"""The kernels that shade an image against their twin in plain torch, in value and in every gradient."""

import dataclasses

import pytest
import torch

from topforge_train.backend import parallel, reference_sampling
from topforge_train.backend.interface import Fragments
from topforge_train.backend.warp_runtime import TensorMismatchError
from topforge_train.backend.warp_shading import shaded_image
from topforge_train.rendering.light import PrefilteredLight, fractional_level
from topforge_train.rendering.shading import shaded_image as twin

VIEWS, HEIGHT, WIDTH = 3, 24, 31
SIDES = (32, 16, 16, 8, 16)


class ExactLight:
    """`PrefilteredLight` with the twin of its lookups, which takes any float type."""

    def __init__(self, levels):
        self.levels = levels

    def diffuse(self, normal):
        return reference_sampling.texture_cube(self.levels[-1:], normal, normal.new_zeros(len(normal)))

    def specular(self, direction, roughness):
        level = fractional_level(roughness, len(self.levels))
        return reference_sampling.texture_cube(self.levels, direction, level)


def points(count=300, channels=9, seed=1):
    """Fragments at random pixels, and inputs: surface, frames, channels, eyes, levels of a light.

    A third of the normals faces away; roughness reaches both sides of each bend of its mapping.
    """
    random = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return torch.rand(*shape, generator=random)

    pixel = torch.randperm(VIEWS * HEIGHT * WIDTH, generator=random)[:count].sort().values
    fragments = Fragments(
        VIEWS, HEIGHT, WIDTH, torch.zeros(VIEWS, HEIGHT, WIDTH).int(), pixel, pixel.int(), uniform(count, 2), pixel
    )
    eyes = torch.nn.functional.normalize(uniform(VIEWS, 3) - 0.5, dim=1) * 3
    position = uniform(count, 3) - 0.5
    normal = (uniform(count, 3) - 0.5) + 0.5 * torch.nn.functional.normalize(eyes[fragments.view] - position, dim=1)
    frames = torch.cat([uniform(count, 3) - 0.5, torch.where(uniform(count, 1) < 0.5, -1.0, 1.0)], dim=1)
    material = uniform(count, channels)
    material[:, 4] = material[:, 4] * 1.1 - 0.02
    material[:, 6:9] = material[:, 6:9] - torch.tensor([0.5, 0.5, 0.0])
    levels = [uniform(6, side, side, 3) ** 3 for side in SIDES]
    return fragments, (torch.cat([position, normal], dim=1), frames, material, eyes, *levels)


def value_and_slopes(kind, fragments, inputs, mapped, sides=None, seed=5):
    """The image, and the gradients of its sum under random weights in everything."""
    inputs = [tensor.clone().requires_grad_() for tensor in inputs]
    surface, frames, channels, eyes, *levels = inputs
    light = levels if kind is shaded_image else ExactLight(levels)
    image, normals = kind(surface, frames if mapped else None, channels, fragments, eyes, light, sides)
    weights = torch.rand(image.shape, generator=torch.Generator().manual_seed(seed)) - 0.5
    wanted = [surface, *([frames] if mapped else []), channels, eyes, *levels]
    slopes = torch.autograd.grad(image, wanted, weights.to(image))
    return [tensor.detach().double() for tensor in (image, normals, *slopes)]


def assert_close(ours, expected):
    assert len(ours) == len(expected)
    for index, (found, wanted) in enumerate(zip(ours, expected)):
        assert wanted.abs().max() > 0
        assert torch.isfinite(found).all()
        error = float((found - wanted).norm() / wanted.norm())
        assert error < 2e-5, "output %d differs by %g" % (index, error)


@pytest.mark.parametrize(("mapped", "channels"), [(False, 6), (True, 9), (True, 10)])
def test_value_and_slopes_are_the_twins(mapped, channels):
    """The tenth channel is an opacity, and with it inner sides are seen."""
    fragments, inputs = points(channels=max(channels, 9))
    inputs = (*inputs[:2], inputs[2][:, :channels], *inputs[3:])
    sides = torch.where(torch.arange(len(fragments.pixel)) % 3 == 0, -1.0, 1.0) if channels == 10 else None
    ours = value_and_slopes(shaded_image, fragments, inputs, mapped, sides)
    exact = [tensor.double() for tensor in inputs]
    assert_close(ours, value_and_slopes(twin, fragments, exact, mapped, sides if sides is None else sides.double()))


class LinearLight:
    """A light without texels: the twin's lookups have tests of their own."""

    def diffuse(self, normal):
        return 0.6 + 0.3 * normal + 0.1 * normal[:, [1, 2, 0]] ** 2

    def specular(self, direction, roughness):
        return 1.0 + (1.0 - 0.5 * roughness[:, None]) * direction


def test_the_twin_has_true_gradients():
    fragments, inputs = points(12, seed=2)
    surface, frames, channels, eyes = (tensor.double() for tensor in inputs[:4])
    arguments = [tensor.requires_grad_() for tensor in (surface, frames, channels)]
    assert torch.autograd.gradcheck(
        lambda s, f, c: twin(s, f, c, fragments, eyes, LinearLight())[0], arguments, eps=1e-7, atol=1e-4, fast_mode=True
    )


def test_the_exact_light_is_the_light():
    """The twin stands for what `light` gives `shade`."""
    fragments, inputs = points()
    surface, _, channels, eyes, *levels = inputs
    ours = shaded_image(surface, None, channels, fragments, eyes, levels)[0]
    assert torch.allclose(ours, twin(surface, None, channels, fragments, eyes, PrefilteredLight(levels))[0], atol=1e-5)


@pytest.mark.parametrize("mapped", [False, True])
def test_padding_has_no_effect(mapped):
    fragments, inputs = points(300)
    extra = 200
    garbage = torch.full((extra,), VIEWS * HEIGHT * WIDTH)
    padded = dataclasses.replace(
        fragments, pixel=torch.cat([fragments.pixel, garbage]), count=torch.tensor([300], dtype=torch.int32)
    )
    longer = [torch.cat([tensor, torch.full((extra, tensor.shape[1]), 1e30)]) for tensor in inputs[:3]]
    plain = value_and_slopes(shaded_image, fragments, inputs, mapped)
    found = value_and_slopes(shaded_image, padded, (*longer, *inputs[3:]), mapped)
    for wanted, given in zip(plain, found):
        rows = slice(0, len(wanted)) if len(given) == 500 else slice(None)
        to_eyes = wanted.shape == (VIEWS, 3)  # sums, of another length
        assert torch.allclose(given[rows], wanted, atol=1e-4) if to_eyes else torch.equal(given[rows], wanted)
        if len(given) == 500:
            assert (given[300:] == 0).all()


def test_points_without_a_direction_are_finite():
    """Zero normals, tangents and normal maps; a point in the eye; a normal that looks exactly away."""
    fragments, inputs = points(300)
    surface, frames, channels, eyes, *levels = (tensor.clone() for tensor in inputs)
    surface[:20, 3:] = 0.0
    surface[20:40, :3] = eyes[fragments.view[20:40]]
    frames[40:60] = 0.0
    channels[60:80, 6:9] = 0.0
    surface[80:100, 3:] = surface[80:100, :3] - eyes[fragments.view[80:100]]
    for tensor in value_and_slopes(shaded_image, fragments, (surface, frames, channels, eyes, *levels), True):
        assert torch.isfinite(tensor).all()
        assert tensor.abs().max() < 1e6


def test_any_number_of_threads_gives_the_same_bits():
    fragments, inputs = points(2000)
    found = []
    for threads in (1, 3):
        parallel.set_threads(threads)
        try:
            found.append(value_and_slopes(shaded_image, fragments, inputs, True))
        finally:
            parallel.set_threads(0)
    assert all(torch.equal(one, other) for one, other in zip(*found))


def test_nothing_gives_an_empty_image():
    fragments, inputs = points(0)
    image, normals = shaded_image(inputs[0], None, inputs[2], fragments, inputs[3], inputs[4:])
    assert image.shape == (VIEWS, HEIGHT, WIDTH, 4)
    assert image.abs().max() == 0
    assert normals.shape == (0, 3)


def test_wrong_arguments_are_refused():
    fragments, inputs = points()
    surface, frames, channels, eyes, *levels = inputs
    with pytest.raises(TensorMismatchError, match="channels"):
        shaded_image(surface, frames, channels[:, :6], fragments, eyes, levels)
    with pytest.raises(TensorMismatchError, match="eyes"):
        shaded_image(surface, None, channels, fragments, eyes[:1], levels)
    with pytest.raises(TensorMismatchError, match="levels"):
        shaded_image(surface, None, channels, fragments, eyes, [levels[0][..., :2]])

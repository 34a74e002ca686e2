"""Image losses against their formulas, one pixel at a time, and their slopes."""

import math

import numpy as np
import pytest
import torch

from topforge import schema
from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.training import loss


def srgb(x):
    return 12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055


def tone(x):
    return srgb(math.log(1 + min(max(x, 0.0), 65535.0)))


FORMULAS = {
    "logl1": lambda a, b: abs(tone(a) - tone(b)),
    "logl2": lambda a, b: (tone(a) - tone(b)) ** 2,
    "mse": lambda a, b: (a - b) ** 2,
    "smape": lambda a, b: abs(a - b) / (a + b + 0.01),
    "relmse": lambda a, b: (a - b) ** 2 / (a * a + b * b + 0.1),
}
VALUES = (0.0, 1e-4, 0.003, 0.02, 0.5, 1.0, 7.0, 900.0)
"""Black, both sides of the sRGB curve's bend, white, a lamp."""


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_against_the_formula(name):
    pairs = [(a, b) for a in VALUES for b in VALUES]
    image, target = torch.tensor(pairs, dtype=torch.float64).unbind(-1)
    expected = [FORMULAS[name](a, b) for a, b in pairs]
    np.testing.assert_allclose(loss.IMAGE_LOSSES[name](image, target), expected, rtol=1e-6, atol=1e-9)


def test_every_choice_of_the_option_has_its_loss():
    (option,) = (field for field in schema.leaves(BuiltinOptions) if field.name == "loss")
    assert set(option.limits.choices) == set(loss.IMAGE_LOSSES) == set(FORMULAS)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_gradients_against_finite_differences(name):
    generator = torch.Generator().manual_seed(4)
    image = (3 * torch.rand(40, generator=generator, dtype=torch.float64) + 0.01).requires_grad_()
    target = 3 * torch.rand(40, generator=generator, dtype=torch.float64) + 0.01
    assert torch.autograd.gradcheck(lambda x: loss.IMAGE_LOSSES[name](x, target), (image,), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_black_and_blinding_pixels_have_finite_gradients(name):
    image = torch.tensor([0.0, 0.0, 65504.0, 1e-8], requires_grad=True)
    loss.IMAGE_LOSSES[name](image, torch.tensor([0.0, 1.0, 0.0, 0.5])).sum().backward()
    assert torch.isfinite(image.grad).all()


def test_a_constant_highlight_error_counts_less_in_the_log_domain():
    """What logl1 is for: an error of a tenth on a lamp does not drown the same relative error on a wall."""
    lamp = loss.log_l1(torch.tensor(110.0), torch.tensor(100.0)) / loss.log_l1(torch.tensor(0.55), torch.tensor(0.5))
    assert lamp < 3
    assert loss.mean_square(torch.tensor(110.0), torch.tensor(100.0)) > 1e4 * (0.05**2)


def test_relative_differences_prefer_no_brightness():
    colors = torch.rand(50, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    brightness = torch.tensor([1.0, 0.5, 0.2], dtype=torch.float64, requires_grad=True)
    terms = [
        loss.relative(loss.smoothness(b * colors, b * colors.roll(1, 0)).mean(), (b * colors).mean())
        for b in brightness
    ]
    assert terms[0].item() > 0.1
    assert torch.allclose(terms[0], torch.stack(terms))
    sum(terms).backward()
    assert brightness.grad.abs().max() < 1e-12


def test_relative_differences_are_plain_ones_at_the_usual_colour_and_finite_in_the_dark():
    difference, usual = torch.tensor(0.03), torch.tensor(loss.USUAL_COLOR)
    assert float(loss.relative(difference, usual)) == pytest.approx(0.03)
    black = torch.zeros((), requires_grad=True)
    loss.relative(0.5 * black, black).backward()
    assert torch.isfinite(black.grad)


def test_coverage_and_smoothness():
    assert loss.coverage(torch.tensor([0.2, 1.0]), torch.tensor([0.5, 1.0])).tolist() == pytest.approx([0.3, 0.0])
    here, there = torch.tensor([[0.0, 0.5, 1.0]]), torch.tensor([[0.3, 0.5, 0.4]])
    assert loss.smoothness(here, there).tolist() == pytest.approx([0.3])

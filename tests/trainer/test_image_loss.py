"""The image term's kernel against its twin in plain torch and against finite differences."""

import pytest
import torch

from topforge_train.backend.warp_image_loss import NAMES, image_term
from topforge_train.backend.warp_runtime import TensorMismatchError
from topforge_train.training import loss


def images(views=3, height=37, width=29, seed=1):
    """Premultiplied images and photographs: much of both empty, partial coverage, black, and a lamp; a background."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(2):
        alpha = (3 * torch.rand(views, height, width, 1, generator=generator) - 1).clamp(0, 1)
        color = alpha * torch.rand(views, height, width, 3, generator=generator) ** 3
        color[:, ::7] *= 50.0
        color[:, :, ::5] = 0.0
        made.append(torch.cat([color, alpha], dim=-1))
    made[0][:, :9] = made[1][:, :9] = 0.0
    made[0][:, 9:12] = made[1][:, 9:12]  # equal, not empty
    return (*made, torch.rand(views, 1, 1, 3, generator=generator))


def value_and_slope(function, name, image, target, background, weight=3.0):
    image = image.clone().requires_grad_()
    term = function(name, image, target, background, weight)
    (2.5 * term).backward()
    return term.detach().double(), image.grad.double()


def test_the_names_are_the_losses():
    assert set(NAMES) == set(loss.IMAGE_LOSSES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("whole", ["views", "pixels", "one"])
def test_against_the_twin(name, whole):
    image, target, background = images()
    if whole == "pixels":
        background = torch.rand(*image.shape[:3], 3, generator=torch.Generator().manual_seed(2))
    if whole == "one":
        background = background[:1]
    ours = value_and_slope(image_term, name, image, target, background)
    twin = value_and_slope(loss.image_term, name, image.double(), target.double(), background.double())
    assert float((ours[0] - twin[0]).abs()) < 1e-6 * float(twin[0])
    equal = (image == target).all(-1)
    assert int(equal.sum()) > 500
    assert (ours[1][equal] == 0).all()
    # Where the composites differ by rounding only, the sign of their difference is nobody's.
    close = (ours[1] - twin[1]).abs() <= 2e-5 * twin[1].abs().max() + 1e-5 * twin[1].abs()
    assert close.double().mean() > 0.999


@pytest.mark.parametrize("name", NAMES)
def test_against_finite_differences(name):
    """Of the kernel itself, along a random direction; single precision allows three digits."""
    image, target, background = images(1, 8, 8, seed=3)
    image, target = image * 0.4 + 0.05, target * 0.4 + 0.3
    direction = torch.rand(image.shape, generator=torch.Generator().manual_seed(4)) - 0.5
    _, slope = value_and_slope(image_term, name, image, target, background)
    step = 3e-3
    ahead, behind = (image_term(name, image + s * step * direction, target, background, 3.0) for s in (1, -1))
    expected = 2.5 * float(ahead - behind) / (2 * step)
    assert float((slope * direction).sum()) == pytest.approx(expected, rel=3e-3, abs=3e-4)


@pytest.mark.parametrize("name", NAMES)
def test_extremes_are_finite_and_no_number_is_not_hidden(name):
    image, target, background = images(1, 8, 8)
    image[0, 0] = torch.tensor([65504.0, 1e6, 0.0, 1.0])
    image[0, 1] = torch.tensor([-1e-3, 1e-9, 0.0031, 1.0])
    value, slope = value_and_slope(image_term, name, image, target, background)
    assert torch.isfinite(value)
    assert torch.isfinite(slope).all()
    image[0, 5, 5, 1] = float("nan")
    assert torch.isnan(image_term(name, image, target, background, 3.0))


def test_it_is_the_same_for_any_number_of_threads():
    from topforge_train.backend import parallel

    image, target, background = images(2, 120, 120)
    found = []
    for threads in (1, 3):
        parallel.set_threads(threads)
        try:
            found.append(value_and_slope(image_term, "logl1", image, target, background))
        finally:
            parallel.set_threads(0)
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_backgrounds_that_do_not_fit_are_refused():
    image, target, background = images(2, 8, 8)
    with pytest.raises(TensorMismatchError, match="background"):
        image_term("mse", image, target, background.expand(2, 8, 1, 3).transpose(1, 2).contiguous(), 1.0)
    with pytest.raises(TensorMismatchError, match="target"):
        image_term("mse", image, target[:1], background, 1.0)

"""PSNR by its definition, SSIM against a loop over windows, and what both are measured on."""

import math

import numpy as np
import pytest
import torch

from topforge_train.evaluation.metrics import composite_srgb, psnr, ssim


def pair(height=17, width=23, count=2, noise=0.15, seed=1):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    image = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear").permute(0, 2, 3, 1)
    other = (image + noise * torch.randn(image.shape, generator=generator)).clamp(0, 1)
    return image.contiguous(), other


def naive_ssim(image, target):
    """Wang et al. 2004, equation 13, one window and one channel at a time, float64."""
    radius, sigma = 5, 1.5
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    scores = []
    for y in range(radius, image.shape[0] - radius):
        for x in range(radius, image.shape[1] - radius):
            for channel in range(3):
                window = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1, channel]
                a, b = image[window].astype(float), target[window].astype(float)
                mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
                variance_a, variance_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
                covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
                luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                scores.append(luminance * (2 * covariance + 9e-4) / (variance_a + variance_b + 9e-4))
    return np.mean(scores)


def test_psnr_is_its_definition_for_each_image():
    image, other = pair()
    for ours, a, b in zip(psnr(image, other).tolist(), image.numpy(), other.numpy()):
        assert ours == pytest.approx(10 * math.log10(1.0 / np.mean((a.astype(float) - b) ** 2)), abs=1e-4)
    assert psnr(torch.zeros(4, 4, 3), torch.full((4, 4, 3), 0.1)).item() == pytest.approx(20.0, abs=1e-4)


def test_psnr_of_equal_images_is_large_and_finite():
    """A published metric must be finite; 120 dB is beyond what 8 bits or float32 can tell apart."""
    image, _ = pair()
    assert psnr(image, image).tolist() == pytest.approx([120.0, 120.0])


def test_psnr_of_what_is_not_a_number_is_not_a_number():
    """`min` would turn it into the best score there is."""
    image, _ = pair(count=1)
    assert math.isnan(psnr(image * math.nan, image).item())
    assert math.isnan(ssim(image * math.nan, image).item())


def test_ssim_against_the_loop_over_windows():
    image, other = pair()
    expected = [naive_ssim(a, b) for a, b in zip(image.numpy(), other.numpy())]
    np.testing.assert_allclose(ssim(image, other), expected, atol=2e-5)
    assert ssim(image, image).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


def test_ssim_stays_right_on_bright_flat_images():
    """Variance as a difference of large numbers must not turn rounding into structure."""
    flat = torch.full((1, 32, 32, 3), 0.999)
    assert ssim(flat, flat.clone()).item() == pytest.approx(1.0, abs=1e-4)
    expected = naive_ssim(flat[0].numpy(), (flat[0] - 0.5).numpy())
    assert ssim(flat, flat - 0.5).item() == pytest.approx(expected, abs=1e-3)


def test_compositing_is_linear_and_encoded_last():
    """Half coverage of black over white is sRGB(0.5), not 0.5; light above 1 is clamped before encoding."""
    half = composite_srgb(torch.zeros(1, 3), torch.tensor([[0.5]]), 1.0)
    assert half[0, 0].item() == pytest.approx(1.055 * 0.5 ** (1 / 2.4) - 0.055, abs=1e-6)
    assert composite_srgb(torch.full((1, 3), 7.0), torch.ones(1, 1), 1.0).max().item() == pytest.approx(1.0)
    over_black = composite_srgb(torch.full((1, 3), 0.2), torch.ones(1, 1), 0.0)
    assert over_black[0, 0].item() == pytest.approx(0.484529, abs=1e-5)

"""Image quality on clamped sRGB, as every published table of the field computes it."""

from __future__ import annotations

import torch
from torch import Tensor

from topforge_train.rendering.colour import linear_to_srgb

SUPERSAMPLING = 4
"""Samples along a pixel's side when measuring: photographs average over the area of a pixel, so a rendering must."""


def composite_srgb(premultiplied: Tensor, alpha: Tensor, background: float) -> Tensor:
    """Linear premultiplied colour [..., 3] over a grey background (linear, 0..1), clamped and sRGB-encoded."""
    return linear_to_srgb((premultiplied + (1.0 - alpha) * background).clamp(0.0, 1.0))


def psnr(image: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of images [..., H, W, 3] in [0, 1], for each leading index."""
    return -10.0 * torch.log10(((image - target) ** 2).mean(dim=(-3, -2, -1)).clamp(min=1e-12))


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Structural similarity [N] of images [N, H, W, 3] in [0, 1]: 11 x 11 Gaussian window, sigma 1.5.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, eq. 13, with
    K1 = 0.01, K2 = 0.03 and no padding at the borders.
    """
    offsets = torch.arange(11, dtype=image.dtype, device=image.device) - 5
    window = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = window / window.sum()

    def blur(x: Tensor) -> Tensor:
        stacked = x.permute(0, 3, 1, 2).reshape(-1, 1, x.shape[1], x.shape[2])
        with torch.backends.cudnn.flags(enabled=False):  # its TF32 has three digits, and variances are differences
            rows = torch.nn.functional.conv2d(stacked, window.view(1, 1, -1, 1))
            return torch.nn.functional.conv2d(rows, window.view(1, 1, 1, -1))

    mean_a, mean_b = blur(image), blur(target)
    variance_a = blur(image * image) - mean_a**2
    variance_b = blur(target * target) - mean_b**2
    covariance = blur(image * target) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    score = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    )
    return score.reshape(image.shape[0], -1).mean(dim=1)

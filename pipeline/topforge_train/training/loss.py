"""Image losses and material regularisers. All return unreduced values; weights and means are applied in one place.

The image losses are those of nvdiffrec's options (arXiv 2111.12503, section 4; formulas restated in words in the
project's trainer reference), on linear radiance >= 0.
"""

from __future__ import annotations

from typing import Callable, Dict

import torch
from torch import Tensor

from topforge_train.rendering.colour import linear_to_srgb


def _log_tonemap(linear: Tensor) -> Tensor:
    return linear_to_srgb(torch.log1p(torch.clamp(linear, 0.0, 65535.0)))


def log_l1(image: Tensor, target: Tensor) -> Tensor:
    """Absolute difference after the tone curve sRGB(ln(1 + x)); shape of the inputs."""
    return (_log_tonemap(image) - _log_tonemap(target)).abs()


def log_l2(image: Tensor, target: Tensor) -> Tensor:
    """Squared difference after the tone curve sRGB(ln(1 + x))."""
    return (_log_tonemap(image) - _log_tonemap(target)) ** 2


def mean_square(image: Tensor, target: Tensor) -> Tensor:
    """Squared difference of linear values."""
    return (image - target) ** 2


def symmetric_relative(image: Tensor, target: Tensor) -> Tensor:
    """SMAPE: |a - b| / (a + b + 0.01)."""
    return (image - target).abs() / (image.abs() + target.abs() + 0.01)


def relative_square(image: Tensor, target: Tensor) -> Tensor:
    """(a - b)^2 / (a^2 + b^2 + 0.1)."""
    return (image - target) ** 2 / (image**2 + target**2 + 0.1)


IMAGE_LOSSES: Dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "logl1": log_l1,
    "logl2": log_l2,
    "mse": mean_square,
    "smape": symmetric_relative,
    "relmse": relative_square,
}
"""By the name nvdiffrec's `loss` option uses."""


def coverage(alpha: Tensor, target: Tensor) -> Tensor:
    """Absolute difference of coverage in [0, 1]; the term that sees silhouettes."""
    return (alpha - target).abs()


def image_term(name: str, image: Tensor, target: Tensor, background: Tensor, coverage_weight: float) -> Tensor:
    """The twin of `backend.warp_image_loss.image_term`, which training calls: any float type, written for reading."""
    color = IMAGE_LOSSES[name](
        image[..., :3] + (1.0 - image[..., 3:]) * background, target[..., :3] + (1.0 - target[..., 3:]) * background
    )
    return color.mean() + coverage_weight * coverage(image[..., 3], target[..., 3]).mean()


USUAL_COLOR, DARKEST_COLOR = 0.25, 0.01
"""Mean base colour at which `relative` changes nothing; and the least it divides by, for what is black."""


def relative(difference: Tensor, mean: Tensor) -> Tensor:
    """A mean difference [] of base colours, measured by their own mean [].

    The same for a bright surface in a dim light as for a dark one in a bright light, which photographs hardly tell
    apart: the plain difference would be least where everything is dark (docs/decisions/0017-brightness.md).
    """
    return difference * (USUAL_COLOR / mean.clamp(min=DARKEST_COLOR))


def smoothness(values: Tensor, neighbours: Tensor) -> Tensor:
    """Mean absolute difference over channels between a material [P, C] and itself a small random step away: [P]."""
    return (values - neighbours).abs().mean(dim=-1)

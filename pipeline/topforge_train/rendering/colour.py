"""Transfer functions. Everything inside the trainer is linear radiance unless a name says sRGB."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_to_srgb(linear: Tensor) -> Tensor:
    """IEC 61966-2-1 encoding of linear values >= 0, any shape; values above 1 stay above 1."""
    safe = torch.clamp(linear, min=0.0031308)  # keeps the power's gradient finite where the line is taken
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * safe ** (1.0 / 2.4) - 0.055)


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Inverse of `linear_to_srgb`."""
    safe = torch.clamp(encoded, min=0.04045)
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((safe + 0.055) / 1.055) ** 2.4)

"""LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", 2018), where it is.

The metric is a network with trained weights, in the package `lpips`, on top of one of torchvision's. Neither is asked
for and nothing is downloaded: it is measured where both packages can be imported and the network's weights lie in
torch's cache already.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

import torch
from torch import Tensor

NETWORKS = (("vgg", "VGG16_Weights"), ("alex", "AlexNet_Weights"))
"""In order of preference; published tables of radiance fields have VGG's."""

Measure = Callable[[Tensor, Tensor], float]
"""Distance of two pictures [1, H, W, 3] in [0, 1], display values."""


def find(device: torch.device) -> Tuple[Optional[Measure], str]:
    """The metric, None where it cannot be had, and what it is or why it is missing."""
    for package in ("lpips", "torchvision"):
        if importlib.util.find_spec(package) is None:
            return None, "not measured: this environment has no Python package %s" % package
    models = importlib.import_module("torchvision.models")
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    missing = []
    for network, weights in NETWORKS:
        file = cache / str(getattr(models, weights).DEFAULT.url).rsplit("/", 1)[-1]
        if file.is_file():
            model = importlib.import_module("lpips").LPIPS(net=network, verbose=False).to(device).eval()
            return _measure(model), "lpips, %s" % network
        missing.append(file.name)
    return None, "not measured: torch's cache has neither %s" % " nor ".join(missing)


def _measure(model: Any) -> Measure:
    def measure(image: Tensor, target: Tensor) -> float:
        with torch.no_grad():
            pair = (picture.permute(0, 3, 1, 2) * 2.0 - 1.0 for picture in (image, target))
            return float(model(*pair))

    return measure

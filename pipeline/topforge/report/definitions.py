"""What the numbers mean: each metric's title, unit, direction and definition."""

from __future__ import annotations

import dataclasses
from typing import Dict, Optional

from topforge.durations import duration
from topforge.report import wording


@dataclasses.dataclass(frozen=True)
class Metric:
    """How to tell one metric to people."""

    title: str
    unit: str
    definition: str
    decimals: Optional[int] = None
    """None = as few as it takes."""
    better: int = 0
    """1 = more is better, -1 = less is better, 0 = neither."""

    def shown(self, value: float) -> str:
        """The value without its unit; times in words."""
        if self.unit == "s":
            return duration(value)
        return wording.number(value) if self.decimals is None else "%.*f" % (self.decimals, value)

    def with_unit(self, value: float) -> str:
        """The value with its unit."""
        plain = self.unit in ("", "s")
        return self.shown(value) if plain else "%s\u2009%s" % (self.shown(value), self.unit)


_PSNR = """Peak signal-to-noise ratio of held-out views, -10 log10 of the mean squared error of clamped sRGB values in
0 to 1 over all pixels, background included; the mean over the views. 30 dB is a root mean square error of 3 %."""
_SSIM = """Structural similarity of held-out views on the same sRGB values: 11 x 11 Gaussian window, sigma 1.5,
K1 = 0.01, K2 = 0.03 (Wang et al. 2004); the mean over the views. 1 = equal."""
_PEAK = "The most main memory the trainer's process held at any time (resident set)."
_BOX = "Side of a cube around the origin that the object fits into, with a margin: a value for mesh_scale."
_LOSS = "What the trainer minimises against the photographs, on the batch of one iteration; not comparable with PSNR."

METRICS: Dict[str, Metric] = {
    "psnr": Metric("PSNR", "dB", _PSNR, decimals=2, better=1),
    "ssim": Metric("SSIM", "", _SSIM, decimals=3, better=1),
    "mse": Metric("MSE", "", "Mean squared error of clamped sRGB values in 0 to 1.", better=-1),
    "triangles": Metric("Triangles", "", "Triangles of the delivered mesh."),
    "vertices": Metric("Vertices", "", "Vertices of the delivered mesh, before seams split them."),
    "seconds": Metric("Trainer time", "s", "The trainer's own clock: training, export and measuring.", better=-1),
    "peak_memory_mib": Metric("Peak memory", "MiB", _PEAK, decimals=0, better=-1),
    "loss": Metric("Loss", "", _LOSS, better=-1),
    "regulariser": Metric(
        "Regularisers", "", "The sum of the weighted terms that keep the result plausible.", better=-1
    ),
    "rate": Metric("Learning rate", "", "Step size of the material's optimiser."),
    "errors": Metric("Errors", "", "Findings that make training pointless.", better=-1),
    "warnings": Metric("Warnings", "", "Findings that will cost quality.", better=-1),
    "train_views": Metric("Training views", "", "Photographs that are trained on."),
    "val_views": Metric("Validation views", "", "Photographs held out for the running PSNR."),
    "test_views": Metric("Test views", "", "Photographs held out for the final measure."),
    "recommended_mesh_scale": Metric("Recommended box", "world units", _BOX),
    "runs": Metric("Runs", "", "Runs that the page is about."),
}


def metric(name: str) -> Metric:
    """The metric called `name`; one we know nothing of keeps its name as title."""
    return METRICS.get(name) or Metric(name.replace("_", " ").capitalize(), "", "As the trainer reported it.")

"""Our trainer, measuring as nvdiffrec does: one sample a pixel, every validation view at each preview.

`python measuring_trainer.py --config ...` takes the trainer's own arguments. Training is the same; the pictures that it
is compared with and those it is measured by have one sample a pixel instead of 16, and so its PSNR means what
nvdiffrec's means. It takes longer, so the clock belongs to a run without it.
"""

import sys

from topforge_train import __main__ as trainer
from topforge_train.evaluation import metrics, preview

SAMPLES = 1
"""Along a pixel's side."""


def main() -> int:
    """Replaces what decides the samples, then trains."""
    draw = preview.draw

    def draw_as_nvdiffrec(backend, scene, cameras, resolution, supersampling=SAMPLES):  # type: ignore[no-untyped-def]
        return draw(backend, scene, cameras, resolution, SAMPLES)

    preview.draw = draw_as_nvdiffrec
    metrics.SUPERSAMPLING = SAMPLES
    return trainer.main()


if __name__ == "__main__":
    sys.exit(main())

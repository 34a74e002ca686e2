"""What the numbers of a complete result tell about it."""

from __future__ import annotations

import shlex
from typing import Mapping, Optional, Tuple

from topforge import wavefront
from topforge.items import Item

POOR_PSNR = 20.0
"""dB. The sample ends at 35 and rough photographs at 25 to 27 (docs/benchmarks.md), with masks that are off at 22 where
nothing is done about it. Cameras of nowhere gave 11."""
ENOUGH_STEPS = 200
"""Iterations from which on PSNR tells about the capture: rough photographs are at 25 dB after 100 of TopForge's, and
upstream's trainers begin more slowly."""


def remarks(item: Item, metrics: Mapping[str, float], steps: Optional[int]) -> Tuple[str, ...]:
    """What to look at where views came out badly; no remark where photographs have no part in it, or it was a try.

    Args:
        item: What was run.
        metrics: Final values.
        steps: The last iteration that the trainer told; None = it told none.
    """
    psnr = metrics.get("psnr")
    if psnr is None or psnr >= POOR_PSNR or (steps or 0) < ENOUGH_STEPS:
        return ()
    if item.dataset is None or wavefront.is_mesh(item.dataset):
        return ()
    sentence = (
        "PSNR %.1f dB, under %g, is what wrong cameras, wrong masks or changing exposure look like: look at the masks, "
        "and at the warnings and cameras.png of `topforge check %s --pictures DIR`"
    )
    return (sentence % (psnr, POOR_PSNR, shlex.quote(str(item.dataset))),)

"""How much memory of a GPU a run needs, before it starts: a warning is cheaper than running out after an hour.

What is added up are the bytes that torch holds at most, as sums over what makes them grow. The figures for each were
fitted to five measured peaks (docs/long-runs.md has them); they are good to a few tens of percent, enough to warn.
"""

from __future__ import annotations

from typing import Tuple

import torch

from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.training.session import Session
from topforge_train.views.data import ImageSet

BASE = 100 << 20
"""Bytes whatever the options: light, prefiltered cubes, tables, what the libraries keep."""
FOR_A_CELL = {"dmtet": 160, "flexicubes": 785}
"""For each cell of `dmtet_grid` cubed: distances, offsets and weights, Adam's moments, the copy to go back to."""
FOR_A_PIXEL = 200
"""For each pixel of an iteration's images, whether it is covered or not: images, masks, identities, gradients."""
FOR_A_POINT = 1130
"""For each covered pixel of an iteration: what the backward pass needs, with the slack of its lists."""
FOR_A_TEXEL = 300
"""For each texel: nine channels, their gradient, both moments, the copy to go back to, mip levels, smoothness."""


def covered_share(images: ImageSet) -> float:
    """Mean share of pixels with anything in their mask."""
    return float((images.pyramid[-1][..., 3] > 0).float().mean())


def estimate(options: BuiltinOptions, resolution: Tuple[int, int], covered: float) -> int:
    """Bytes that training needs beside the photographs: the greater of both passes.

    Args:
        options: What is trained, how finely, with how many views.
        resolution: Height and width of the photographs.
        covered: Mean share of covered pixels, 0 to 1.
    """
    pixels = options.batch * resolution[0] * resolution[1] * options.spp**2
    image = pixels * (FOR_A_PIXEL + covered * FOR_A_POINT * options.layers)
    volume = options.dmtet_grid**3 * FOR_A_CELL[options.isosurface]
    surface = options.texture_res[0] * options.texture_res[1] * FOR_A_TEXEL
    return int(BASE + image + max(0 if options.base_mesh else volume, surface))


def warn_if_short(session: Session) -> None:
    """Says so if less memory is free on the GPU than the run will need; it starts all the same."""
    if session.device.type != "cuda":
        return
    needed = estimate(session.options, session.training.resolution, covered_share(session.training))
    free = torch.cuda.mem_get_info(session.device)[0]
    if needed > free:
        session.reporter.message(
            "About %.1f GiB of GPU memory will be needed, %.1f GiB are free. If that is not enough, the views of an "
            "iteration are computed in parts, then texture_res and dmtet_grid are lowered."
            % (needed / 2**30, free / 2**30)
        )

"""The hash grid through tiny-cuda-nn's encoding, on the same table as everywhere else.

tiny-cuda-nn (BSD; its DOCUMENTATION.md, "Grid") keeps one flat list of parameters: level after level, each with as many
entries as its lattice has vertices, rounded up to 8, or as many as its table has, if that is less. Those are the rows
of our [levels, 2^log2, features] that a level uses, in the same order (`warp_hash_grid`, whose cells and hash follow
tiny-cuda-nn's), so that a table trained by one backend can be used by another.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from topforge.errors import FailureClass, TopForgeError
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.warp_hash_grid import lattice

NEARLY_WHOLE = 1e-3
"""tiny-cuda-nn finds a level's scale in float32; nearer to a whole number than this, rounding decides on a cell."""


class HashGridLayoutError(TopForgeError):
    """tiny-cuda-nn lays this grid out in another way than the other backends."""

    failure_class = FailureClass.CONFIG

    def __init__(self, spec: HashGridSpec, why: str) -> None:
        super().__init__(
            "tiny-cuda-nn would lay out the hash grid of %d levels from %d to %d cells differently: %s."
            % (spec.levels, spec.base_resolution, spec.finest_resolution, why),
            "Change hash_finest or hash_levels a little, or set backend to warp.",
        )


@functools.lru_cache(maxsize=4)
def encoding(tinycudann: Any, spec: HashGridSpec, device: torch.device) -> Any:
    """An encoding of the package tinycudann for a spec, in float32; its own parameters are never used.

    Raises:
        HashGridLayoutError: Its table would not have our rows.
    """
    levels = lattice(spec)
    growth = (spec.finest_resolution / spec.base_resolution) ** (1.0 / max(spec.levels - 1, 1))
    if growth != round(growth):
        for index, level in enumerate(levels[1:], start=1):
            if not level.hashed and abs(level.scale - round(level.scale)) < NEARLY_WHOLE:
                raise HashGridLayoutError(spec, "rounding decides whether level %d has another cell" % index)
    config = {
        "otype": "Grid",
        "type": "Hash",
        "n_levels": spec.levels,
        "n_features_per_level": spec.features,
        "log2_hashmap_size": spec.log2_table,
        "base_resolution": spec.base_resolution,
        "per_level_scale": growth,
        "interpolation": "Linear",
    }
    with torch.cuda.device(device):
        made = tinycudann.Encoding(3, config, dtype=torch.float32)
    found, wanted = made.params.numel(), sum(level.entries for level in levels) * spec.features
    if found != wanted:
        raise HashGridLayoutError(spec, "it has %d parameters, where there should be %d" % (found, wanted))
    return made.requires_grad_(False)


def hash_grid(tinycudann: Any, table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
    """Multiresolution hash encoding by the package tinycudann (see `interface.Backend.hash_grid`).

    Raises:
        HashGridLayoutError: tiny-cuda-nn would index the table in another way.
    """
    if not len(points):
        return table.reshape(-1)[:0].reshape(0, spec.levels * spec.features)
    used = [rows[: level.entries].reshape(-1) for rows, level in zip(table, lattice(spec))]
    module = encoding(tinycudann, spec, points.device)
    return torch.func.functional_call(module, {"params": torch.cat(used)}, (points,))

"""How much memory Neuralangelo's options ask for: the size of its hash table, and how settings are lowered."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, List, Mapping, Optional, Tuple

from topforge.trainers.neuralangelo_options import ModelOptions, NeuralangeloOptions

TABLES: Mapping[int, Tuple[int, int]] = {24: (22, 8), 16: (21, 8), 12: (21, 4), 8: (20, 4)}
"""dict_size and dim that fit a card of so many GB, from upstream's README; the largest first."""
_LEAST_RAYS = 64


def table_of(config: ModelOptions) -> Tuple[int, int]:
    """dict_size and dim that count."""
    size, dim = TABLES[config.gpu_memory]
    return (size if config.dict_size is None else config.dict_size), (dim if config.dim is None else config.dim)


def parameters(config: ModelOptions) -> int:
    """Numbers that the hash grid holds; weights, gradients and Adam's two moments take 16 bytes for each.

    A level has an entry for each of its grid's corners, or as many as the table where that is less.
    """
    size, dim = table_of(config)
    steps = max(1, config.levels - 1)
    growth = math.pow(2.0, (config.max_logres - config.min_logres) / steps) * (1 - 1e-12)  # rounds as upstream's does
    sides: List[int] = [
        math.floor(math.pow(growth, level) * (1 << config.min_logres)) + 1 for level in range(config.levels)
    ]
    return dim * sum(min(side * side * side, 1 << size) for side in sides)


def lowered(config: NeuralangeloOptions) -> Optional[Tuple[NeuralangeloOptions, str]]:
    """First what costs little (batch 1, photographs on disk), then smaller hash tables, then fewer rays."""
    if config.train_batch_size > 1 or config.preload:
        first = {"train_batch_size": 1, "preload": False, "num_workers": min(config.num_workers, 2)}
        return _changed(config, first)
    smaller = [table for table in TABLES.values() if table[0] + _log2(table[1]) < _bits(config)]
    if smaller:
        size, dim = smaller[0]
        return _changed(config, {"dict_size": size, "dim": dim})
    if config.rand_rays > _LEAST_RAYS:
        return _changed(config, {"rand_rays": max(_LEAST_RAYS, config.rand_rays // 2)})
    return None


def _log2(number: int) -> float:
    return float(number.bit_length() - 1)


def _bits(config: NeuralangeloOptions) -> float:
    size, dim = table_of(config)
    return size + _log2(dim)


def _changed(config: NeuralangeloOptions, changes: Mapping[str, Any]) -> Tuple[NeuralangeloOptions, str]:
    lower = dataclasses.replace(config, **changes)
    parts = []
    for name in changes:
        old = dict(zip(("dict_size", "dim"), table_of(config))).get(name, getattr(config, name))
        if old != changes[name]:
            parts.append("%s from %s to %s" % (name, json.dumps(old), json.dumps(changes[name])))
    return lower, "lowered to fit into memory: " + ", ".join(parts)

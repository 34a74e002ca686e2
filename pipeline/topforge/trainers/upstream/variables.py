"""Environment variables that the steps of upstream trainers need beyond the environment edit."""

from __future__ import annotations

import os
from typing import Tuple

from topforge import cache
from topforge.items import Item

_ALWAYS = (
    ("PYTHONUNBUFFERED", "1"),  # else progress arrives in blocks of 8 KiB
    ("PYTHONIOENCODING", "utf-8"),
    ("MPLBACKEND", "Agg"),
    ("PET_LOCAL_ADDR", "127.0.0.1"),  # torchrun asks for no name; torch before 2.0 does not know it and does not mind
    ("WORLD_SIZE", "1"),  # one that is left over starts a distributed run; torchrun sets its children's itself
)


def of(item: Item, builds: str) -> Tuple[Tuple[str, str], ...]:
    """The variables of a step; what the item's own environment names is left to it.

    Args:
        item: The step's.
        builds: `Adapter.builds`.

    The mode "kartaverse" sets three variables and no folder of extensions. But nvdiffrec and nvdiffmodeling both call
    their extension `renderutils_plugin`, and in one folder would load each other's.
    """
    variables = dict(_ALWAYS)
    if item.environment.mode == "kartaverse":
        folder = cache.folder(os.environ) / "torch_extensions" / (builds + "-kartaverse")
        variables["TORCH_EXTENSIONS_DIR"] = str(folder)
    own = dict(item.environment.variables)
    return tuple((name, value) for name, value in variables.items() if name not in own)

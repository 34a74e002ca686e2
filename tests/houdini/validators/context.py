"""What files are checked against: Python modules that can be imported, operators that will be installed."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Mapping

from topforge_scene import asset_files
from topforge_scene.asset import Operator
from topforge_scene.errors import SceneError

ROOT = Path(__file__).resolve().parents[3]
HOUDINI_VERSION = "20.5.445"
"""Which Houdini our files say they come from."""


@dataclasses.dataclass(frozen=True)
class Context:
    """The surroundings of a file."""

    python_paths: tuple[Path, ...]
    """Folders from which Houdini's Python imports our modules."""
    operators: Mapping[str, Operator] = dataclasses.field(default_factory=dict, repr=False)
    """Installed assets by `Table/name`."""


@functools.lru_cache(maxsize=None)
def repository() -> Context:
    """TopForge as it stands here: its modules and the assets in `otls/`."""
    operators: dict[str, Operator] = {}
    for folder in sorted((ROOT / "otls").glob("*.hda")):
        try:
            found = asset_files.read(folder).operators
        except SceneError:
            continue  # `validate_library` says why
        operators.update(("%s/%s" % (operator.table, operator.name), operator) for operator in found)
    return Context((ROOT / "python3.11libs", ROOT / "pipeline"), operators)

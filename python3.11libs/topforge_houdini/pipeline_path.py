"""Where the core lies: TopForge's `pipeline` folder, found from this file."""

import importlib.util
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
"""The folder that holds package.json."""


def make_importable() -> None:
    """Appends `pipeline` to the search path of this interpreter, unless `topforge` is installed in it.

    Appended and not put in front, so that nothing of Houdini's is shadowed; this process only, because an environment
    variable would reach every child that a scheduler starts (docs/decisions/0008).
    """
    if importlib.util.find_spec("topforge") is None:
        sys.path.append(str(REPOSITORY / "pipeline"))

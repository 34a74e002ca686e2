"""Starts an upstream program that imports its compiled extension by name, in the trainer's own environment.

    python start.py EXTENSION PROGRAM [ARGUMENT ...]

Torch builds the extension and loads it from its file; the program then imports it by name. That used to find it among
the modules already loaded. With this year's torch (seen with 2.11) it is no longer there, and the program ends with
"No module named". So the folder that torch builds it in is one that Python looks in. Standard library only.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import List, Tuple

VARIABLE = "TORCH_EXTENSIONS_DIR"
"""Where torch builds; TopForge's environment edit always sets it."""


EXTENSION = "renderutils_plugin"
"""What nvdiffrec and nvdiffmodeling both call theirs."""


def arguments(program: Path) -> Tuple[str, ...]:
    """What comes after the interpreter to start a program of either."""
    return (str(Path(__file__).resolve()), EXTENSION, str(program))


def main(words: List[str]) -> None:
    """Runs the program as Python would have, with one more folder to import from."""
    extension, program = words[:2]
    folder = Path(os.environ[VARIABLE]) / extension
    folder.mkdir(parents=True, exist_ok=True)  # Python never again looks in a folder that was not there the first time
    sys.argv = words[1:]
    sys.path[0] = str(Path(program).parent)
    sys.path.append(str(folder))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])

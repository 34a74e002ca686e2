"""Starts a program on the checkpoint that the training before it wrote, whose name nobody knows beforehand.

    python neuralangelo_launch.py FOLDER ITERATION PROGRAM [ARGUMENT ...]

`{checkpoint}` in the arguments becomes the checkpoint of that iteration. This process becomes the program. Standard
library only: it runs in the trainer's environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Sequence

PLACE = "{checkpoint}"


def checkpoint_of(folder: Path, iteration: int) -> Path:
    """The numbered checkpoint of an iteration.

    Raises:
        FileNotFoundError: The training ended without it.
    """
    found = sorted(folder.glob("epoch_*_iteration_%09d_checkpoint.pt" % iteration))
    if not found:
        raise FileNotFoundError("the training ended, but %s holds no checkpoint of iteration %d" % (folder, iteration))
    return found[-1]


def main(arguments: Sequence[str]) -> None:
    """Replaces this process."""
    try:
        checkpoint = checkpoint_of(Path(arguments[0]), int(arguments[1]))
    except FileNotFoundError as error:
        sys.exit("topforge-launch: %s" % error)
    command = [argument.replace(PLACE, str(checkpoint)) for argument in arguments[2:]]
    print("checkpoint: %s" % checkpoint, flush=True)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])

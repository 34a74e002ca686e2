"""What ends a training, in sentences: values that are no numbers, nothing to see, no memory, no disk.

The first two are raised on purpose; `translated` says what an exception means that nobody raised on purpose.
"""

from __future__ import annotations

import errno
import sys
import traceback
from typing import Callable, Dict, Optional

from topforge.errors import FailureClass, TopForgeError
from topforge.trainers import failure_lines

_INPUT = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR)
"""Another attempt would find the same."""
_NO_MEMORY = ("can't allocate memory", "Cannot allocate memory", "out of memory", "Failed to allocate")
"""How torch's CPU allocator, the system, CUDA and Warp say it, each as some RuntimeError.

Their words are enough, so that steps without torch say their failures as well without importing it.
"""


class DivergedError(TopForgeError):
    """A loss or a gradient is no longer a number. The iteration was not applied."""

    failure_class = FailureClass.TRAINER

    def __init__(self, training_pass: int, step: int, terms: Dict[str, float]) -> None:
        self.step = step
        shown = ", ".join("%s=%g" % item for item in terms.items())
        super().__init__(
            "Training diverged in pass %d at iteration %d (%s)." % (training_pass + 1, step, shown),
            "Lower learning_rate (half is a good start), and check masks and mesh_scale with `topforge check`.",
        )


class NothingVisibleError(TopForgeError):
    """The shape covers no pixel of the photographs it is compared with: nothing could be learnt."""

    failure_class = FailureClass.TRAINER

    def __init__(self, training_pass: int, step: int) -> None:
        super().__init__(
            "In pass %d at iteration %d the shape covers no pixel of the photographs." % (training_pass + 1, step),
            "Set mesh_scale to the side of a cube around the origin that holds the object, and check the cameras: "
            "`topforge check` recommends a value and draws them.",
        )


class MemoryFullError(TopForgeError):
    """The machine's or the device's memory is not enough."""

    failure_class = FailureClass.OOM

    def __init__(self, error: BaseException) -> None:
        said = str(error).split("\n")[0] or type(error).__name__
        super().__init__(
            "The trainer ran out of memory: %s." % said.rstrip("."),
            "Lower batch, texture_res or dmtet_grid, or use a machine with more memory.",
        )


class FileAccessError(TopForgeError):
    """A file cannot be read or written: input of ours, or the machine's failure."""

    def __init__(self, error: OSError) -> None:
        self.failure_class = FailureClass.CONFIG if error.errno in _INPUT else FailureClass.INFRA
        super().__init__(
            "The trainer could not read or write a file: %s." % error,
            "Look at the file, its disk and its permissions; running again continues from the last checkpoint.",
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory is not enough, the device's or the machine's."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def translated(error: Exception) -> Optional[TopForgeError]:
    """The failure that an exception stands for; None for one that only its traceback explains."""
    if isinstance(error, TopForgeError):
        return error
    if is_out_of_memory(error):
        return MemoryFullError(error)
    if isinstance(error, OSError) and error.errno is not None:
        return FileAccessError(error)
    return None


def reported(work: Callable[[], None]) -> int:
    """Does the work; what stops it is printed in the lines that the adapter reads.

    Returns:
        The exit code.
    """
    try:
        work()
    except Exception as error:
        failure = translated(error)
        if failure is None:
            raise
        if failure is not error:  # where it happened, for the log
            traceback.print_exc(file=sys.stdout)
        print("\n".join(failure_lines.lines(failure)), flush=True)
        return failure.exit_code
    return 0

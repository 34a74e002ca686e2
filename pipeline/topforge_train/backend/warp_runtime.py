"""Warp as a library inside the trainer: started once and silently, and arguments checked before a kernel sees them."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, Sequence, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge.errors import FailureClass, TopForgeError
from topforge_train.backend.remembered import Remembered


class KernelCacheError(TopForgeError):
    """Warp has nowhere to keep compiled kernels."""

    failure_class = FailureClass.CONFIG

    def __init__(self, folder: str, cause: OSError) -> None:
        super().__init__(
            "The folder for compiled Warp kernels, %s, is not writable (%s)." % (folder, cause.strerror or cause),
            "Set WARP_CACHE_PATH to a folder that is.",
        )


OLDEST_ARCHITECTURE = 75
"""Compute capability times ten of the oldest GPU that the compiler in Warp's wheel writes code for: Turing."""


class UnusableGpuError(TopForgeError):
    """Torch sees a GPU, but Warp cannot run on it."""

    failure_class = FailureClass.CONFIG

    def __init__(self, why: str, needed: str) -> None:
        super().__init__(
            "Warp %s cannot use the GPU: %s." % (wp.__version__, why), "%s, or choose the device 'cpu'." % needed
        )


class TensorMismatchError(TopForgeError):
    """A tensor handed to an operator has the wrong shape, type or device: a defect of the calling code."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, name: str, expected: str, actual: Tensor) -> None:
        found = "%s %s on %s" % (str(actual.dtype).replace("torch.", ""), list(actual.shape), actual.device)
        super().__init__("Operator argument %r must be %s, got %s." % (name, expected, found), "Fix the caller.")


def check(name: str, tensor: Tensor, shape: Sequence[Any], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The tensor, detached and contiguous, if it is what an operator needs.

    Args:
        name: What the caller calls it, for the message.
        tensor: Any tensor.
        shape: One entry for each axis: a length, or a letter where any length will do.
        dtype: Required type; never converted silently.
        device: Required device.

    Raises:
        TensorMismatchError: Naming what was expected and what came.
    """
    fits = tensor.dim() == len(shape) and all(
        isinstance(wanted, str) or wanted == actual for wanted, actual in zip(shape, tensor.shape)
    )
    if not fits or tensor.dtype != dtype or tensor.device.type != device.type:
        axes = ", ".join(str(wanted) for wanted in shape)
        expected = "%s [%s] on %s" % (str(dtype).replace("torch.", ""), axes, device)
        raise TensorMismatchError(name, expected, tensor)
    return tensor.detach().contiguous()


class TriangleIndexError(TopForgeError):
    """A triangle names a vertex that does not exist; a kernel would read foreign memory."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, low: int, high: int, vertices: int) -> None:
        super().__init__(
            "Triangles name vertices %d to %d, but there are %d vertices." % (low, high, vertices), "Fix the caller."
        )


def check_triangles(triangles: Tensor, vertices: int, device: torch.device) -> Tensor:
    """The triangles, contiguous, if they are [F, 3] int32 and name vertices below `vertices`.

    A GPU would have to be waited for to know which they name, so there that is the caller's word; that the trainer
    keeps it is seen on the CPU, where the same calls are made.

    Raises:
        TensorMismatchError: Wrong shape, type or device.
        TriangleIndexError: An index out of range.
    """
    checked = check("triangles", triangles, ("F", 3), torch.int32, device)
    if len(triangles) and not triangles.is_cuda:
        low, high = _index_range(triangles)
        if low < 0 or high >= vertices:
            raise TriangleIndexError(low, high, vertices)
    # The caller's own tensor where possible, so that what is remembered of it is found again.
    return triangles if triangles.is_contiguous() else checked


def _find_index_range(triangles: Tensor) -> Tuple[int, int]:
    low, high = torch.stack(torch.aminmax(triangles)).tolist()
    return low, high


_index_range = Remembered(_find_index_range)


@contextlib.contextmanager
def _silent_native_stderr() -> Iterator[None]:
    """Warp's native library reports a missing GPU driver past Python; on a CPU run that is no news."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("w") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@functools.lru_cache(maxsize=1)
def start() -> None:
    """Initialises Warp without its banner, and makes sure that compiled kernels can be kept.

    Raises:
        KernelCacheError: The cache folder cannot be written.
    """
    wp.config.log_level = wp.LOG_WARNING
    folder = os.environ.get("WARP_CACHE_PATH", "") or str(Path.home() / ".cache")
    try:
        with _silent_native_stderr():
            wp.init()
        folder = str(wp.config.kernel_cache_dir)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise KernelCacheError(folder, error) from error


def check_gpu(device: torch.device) -> None:
    """Makes sure that kernels will run on a CUDA device.

    Raises:
        UnusableGpuError: The driver is older than Warp's CUDA, or the GPU older than its compiler knows.
    """
    start()
    if not wp.is_cuda_available():
        driver = wp.get_cuda_driver_version()
        found = "the driver is for CUDA %d.%d" % driver if driver else "it finds no NVIDIA driver"
        toolkit = wp.get_cuda_toolkit_version()  # of the same major version an older driver will do
        needed = "Install a driver for CUDA %d or newer" % toolkit[0] if toolkit else "Install a Warp built with CUDA"
        raise UnusableGpuError(found, needed)
    major, minor = torch.cuda.get_device_capability(device)
    if 10 * major + minor < OLDEST_ARCHITECTURE:
        found = "its compute capability is %d.%d" % (major, minor)
        raise UnusableGpuError(found, "Use one of %d.%d or newer" % divmod(OLDEST_ARCHITECTURE, 10))

"""Which backend runs: by name, or the best one this machine has."""

from __future__ import annotations

from typing import Callable, Dict

import torch

from topforge.errors import TopForgeError
from topforge_train.backend.interface import Backend


class BackendUnavailableError(TopForgeError):
    """The requested backend does not exist, or cannot run on the requested device."""


class MissingPackagesError(BackendUnavailableError):
    """The backend "nvdiffrast" was asked for, but what it is made of is not there."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            'The backend "nvdiffrast" needs the Python packages nvdiffrast and tinycudann, but one does not load: %s.'
            % str(cause).rstrip("."),
            'Set backend to "warp", which needs nothing more. Or install both into the trainer\'s environment, with '
            "ninja and the CUDA compiler that torch was built with: pip install --no-build-isolation "
            "git+https://github.com/NVlabs/nvdiffrast.git "
            '"git+https://github.com/NVlabs/tiny-cuda-nn/#subdirectory=bindings/torch".',
        )


def _warp(device: str) -> Backend:
    from topforge_train.backend.warp_backend import WarpBackend  # here: importing Warp takes half a second

    return WarpBackend(device)


def _nvdiffrast(device: str) -> Backend:
    if torch.device(device).type != "cuda":
        raise BackendUnavailableError(
            'The backend "nvdiffrast" runs on NVIDIA GPUs only, not on the device %r.' % device,
            'Set backend to "warp", which runs on both.',
        )
    try:
        import nvdiffrast.torch
        import tinycudann
    except (ImportError, OSError) as error:  # tinycudann raises the latter where no build of it fits the GPU
        raise MissingPackagesError(error) from error
    from topforge_train.backend.nvdiffrast_backend import NvdiffrastBackend

    return NvdiffrastBackend(nvdiffrast.torch, tinycudann, device)


BACKENDS: Dict[str, Callable[[str], Backend]] = {"warp": _warp, "nvdiffrast": _nvdiffrast}
"""Constructors by name."""

BEST = "warp"
"""What "auto" takes, by measurement: docs/decisions/0010-gpu-backends.md."""


def load(name: str = "auto", device: str = "cpu") -> Backend:
    """Makes a backend ready to use.

    Args:
        name: "auto" or a key of `BACKENDS`.
        device: As torch spells it, "cpu", "cuda", "cuda:1"; or "auto", the GPU that torch sees, else the CPU.

    Raises:
        BackendUnavailableError: Unknown name, or no such device.
        MissingPackagesError: Packages that the backend is made of are not installed.
        KernelCacheError: Compiled kernels have no writable folder.
        UnusableGpuError: Torch sees a GPU, but the backend cannot use it.
    """
    if name != "auto" and name not in BACKENDS:
        known = ", ".join(["auto", *BACKENDS])
        raise BackendUnavailableError("There is no backend %r." % name, "Choose one of: %s." % known)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailableError(
            "The device %r was asked for, but torch sees no CUDA device." % device,
            'In a job, ask for one: "needs": {"gpus": 1}, or nothing but the CPU is visible. Else choose the device '
            "'cpu', or install a torch build for this machine's driver.",
        )
    return BACKENDS[BEST if name == "auto" else name](device)

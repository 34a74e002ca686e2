"""Which backend runs: by name, or the best one this machine has."""

from __future__ import annotations

from typing import Callable, Dict

import torch

from topforge.errors import TopForgeError
from topforge_train.backend.interface import Backend


class BackendUnavailableError(TopForgeError):
    """The requested backend does not exist, or cannot run on the requested device."""


def _warp(device: str) -> Backend:
    from topforge_train.backend.warp_backend import WarpBackend  # here: importing Warp takes half a second

    return WarpBackend(device)


BACKENDS: Dict[str, Callable[[str], Backend]] = {"warp": _warp}
"""Constructors by name; "auto" takes the first that can run."""


def load(name: str = "auto", device: str = "cpu") -> Backend:
    """Makes a backend ready to use.

    Args:
        name: "auto" or a key of `BACKENDS`.
        device: As torch spells it, "cpu", "cuda", "cuda:1"; or "auto", the GPU that torch sees, else the CPU.

    Raises:
        BackendUnavailableError: Unknown name, or no such device.
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
    return BACKENDS["warp" if name == "auto" else name](device)

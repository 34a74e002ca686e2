"""Exclusive use of GPUs on one machine: a kernel lock for each device, inherited by the trainer.

The lock's descriptor is handed to every process of the attempt, so a lease lives exactly as long as they do, even when
the runner was killed with -9. There are no stale locks; the files' content is information only.

The folder is the same for every user and every way of starting (a desktop's session folder or TMPDIR would not be):
a farm's client and an artist at the desk share the devices of the machine. It must be on a local disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from topforge import platform_posix
from topforge.errors import EXIT_BUSY, TopForgeError
from topforge.items import Needs
from topforge.running import gpus
from topforge.running.gpus import Gpu
from topforge.running.stopping import StopRequest

FOLDER = "TOPFORGE_LEASE_FOLDER"
"""Variable that moves the lock files, for tests."""
_DEFAULT_FOLDER = "/tmp/topforge-leases"
_POLL_SECONDS = 0.5
_INVENTORY_SECONDS = 3.0
"""Age at which free memory is asked for again while waiting: nvidia-smi is slow and wakes the device."""


class BusyError(TopForgeError):
    """Every suitable device is leased, and the caller asked not to wait."""

    def __init__(self, why: str) -> None:
        super().__init__("Nothing is free: %s." % why, "Try again later, or let run-item wait.")

    @property
    def exit_code(self) -> int:
        """EX_TEMPFAIL."""
        return EXIT_BUSY


@dataclasses.dataclass(frozen=True)
class Lease:
    """Devices that are ours until the last holder of a descriptor is gone."""

    gpus: Tuple[Gpu, ...] = ()
    descriptors: Tuple[int, ...] = ()
    files: Tuple[Path, ...] = ()

    @property
    def devices(self) -> Optional[str]:
        """For CUDA_VISIBLE_DEVICES; None for a lease of nothing."""
        return ",".join(gpu.uuid for gpu in self.gpus) if self.gpus else None

    def release(self) -> List[int]:
        """Closes our descriptors.

        Returns:
            Processes that still hold a device of this lease: some descendant escaped. Should be empty.
        """
        for descriptor in self.descriptors:
            os.close(descriptor)
        survivors: List[int] = []
        for file in self.files:
            again = platform_posix.try_lock(file, 0o666)
            if again is None:
                survivors += platform_posix.holders(file)
            else:
                os.close(again)
        return survivors


def acquire(
    needs: Needs,
    variables: Mapping[str, str],
    stop: StopRequest,
    on_wait: Callable[[str], None],
    wait: bool = True,
) -> Optional[Lease]:
    """Leases the devices an item needs, all or none; waits until they are free.

    Args:
        needs: How many, and how much free memory on each.
        variables: The process environment: an outer engine's assignment is obeyed, see `gpus.inventory`.
        stop: Ends the waiting.
        on_wait: Told why it waits, each time it looked.
        wait: False raises instead of waiting.

    Returns:
        The lease, or None if a request to stop came first.

    Raises:
        NoSuitableGpuError: Waiting would never help.
        BusyError: Not free, and not to wait.
        OSError: The lease folder cannot be used.
    """
    if needs.gpus == 0:
        return Lease()
    folder = _folder(variables)
    candidates, looked = gpus.feasible(gpus.inventory(variables), needs), time.monotonic()
    while stop.request is None:
        lease, refusals = _try(candidates, needs, folder)
        if lease is not None:
            return lease
        why = "%s of %d suitable: %s" % (_count(needs.gpus), len(candidates), "; ".join(refusals))
        if not wait:
            raise BusyError(why)
        on_wait(why)
        stop.sleep(_POLL_SECONDS)
        if time.monotonic() - looked > _INVENTORY_SECONDS:
            candidates, looked = gpus.feasible(gpus.inventory(variables), needs), time.monotonic()
    return None


def _count(number: int) -> str:
    return "1 GPU" if number == 1 else "%d GPUs" % number


def _folder(variables: Mapping[str, str]) -> Path:
    folder = Path(variables.get(FOLDER) or _DEFAULT_FOLDER)
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # another user made it in the same moment
            folder.chmod(0o1777)
    return folder


def _try(candidates: Sequence[Gpu], needs: Needs, folder: Path) -> Tuple[Optional[Lease], List[str]]:
    """Locks the first `needs.gpus` candidates that are free; keeps none if they are too few, and says why."""
    taken: List[Tuple[Gpu, int, Path]] = []
    refusals: List[str] = []
    for gpu in candidates:
        file = folder / (gpu.uuid.replace("/", "_") + ".lock")
        descriptor = platform_posix.try_lock(file, 0o666)
        if descriptor is None:
            refusals.append("GPU %d is leased%s" % (gpu.index, _by(file)))
        elif not gpu.fits_now(needs.gpu_memory_mib):
            os.close(descriptor)
            refusals.append("GPU %d has %d MiB free, needs %d" % (gpu.index, gpu.free_mib or 0, needs.gpu_memory_mib))
        else:
            taken.append((gpu, descriptor, file))
        if len(taken) == needs.gpus or len(candidates) - len(refusals) < needs.gpus:
            break  # enough, or never enough: two who need the same pair must not take one each
    if len(taken) < needs.gpus:
        for _, descriptor, _ in taken:
            os.close(descriptor)
        return None, refusals
    for _, descriptor, _ in taken:
        _sign(descriptor)
    return Lease(*(tuple(column) for column in zip(*taken))), refusals


def _sign(descriptor: int) -> None:
    """Leaves a note for people in the lock file."""
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"process": os.getpid(), "since": time.time()}).encode())


def _by(file: Path) -> str:
    try:
        return " by process %d" % json.loads(file.read_text(encoding="utf-8"))["process"]
    except (OSError, ValueError, KeyError, TypeError):  # information only: empty while its holder writes it
        return ""

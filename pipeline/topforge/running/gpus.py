"""Which NVIDIA GPUs there are, and which of them this process may use.

The inventory comes from `nvidia-smi`, whose order (by PCI bus) is not CUDA's default order (fastest first): devices are
therefore passed on by UUID, with `CUDA_DEVICE_ORDER=PCI_BUS_ID`. Tests and machines without a GPU replace it with
`TOPFORGE_FAKE_GPUS='[{"uuid": "GPU-a", "mem": 24564, "free": 20000}, ...]'`; `FakeGpu` is what an entry may say.
"""

from __future__ import annotations

import dataclasses
import subprocess
from typing import List, Mapping, Optional, Sequence, Tuple

from topforge import schema, strict_json
from topforge.errors import TopForgeError
from topforge.items import Needs

FAKE = "TOPFORGE_FAKE_GPUS"
"""Variable with a JSON list of devices that stands in for the machine's."""
_QUERY = ("index", "uuid", "name", "memory.total", "memory.free")
_QUERY_SECONDS = 20.0
_ORDERS = ("CUDA_VISIBLE_DEVICES", "CUE_GPU_CORES")
"""Variables in which an outer engine, or a person, assigns devices; the first that is set wins (Slurm sets it)."""


class NoSuitableGpuError(TopForgeError):
    """No GPU of this machine could ever serve the item."""


class FakeInventoryError(TopForgeError):
    """The stand-in inventory is not a list of devices."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            "%s: %s." % (FAKE, problem.rstrip(".")),
            'Unset it, or give JSON like [{"uuid": "GPU-a", "mem": 24564, "free": 20000}].',
        )


@dataclasses.dataclass(frozen=True)
class FakeGpu:
    """One entry of the stand-in inventory."""

    uuid: str
    name: str = "fake GPU"
    mem: Optional[int] = schema.option(None, unit="MiB", minimum=0)
    """Total; null = unknown."""
    free: Optional[int] = schema.option(None, unit="MiB", minimum=0)
    """null = all of it."""
    compute_cap: str = ""
    """As in "8.6"; empty = the driver does not tell."""
    driver: str = ""
    """As in "550.54.14"."""


@dataclasses.dataclass(frozen=True)
class Gpu:
    """One device."""

    index: int
    """In PCI bus order, as nvidia-smi counts."""
    uuid: str
    name: str
    memory_mib: Optional[int]
    """Total; None when unknown (MIG slices)."""
    free_mib: Optional[int]
    """Free at the time of the inventory."""

    def fits(self, memory_mib: int) -> bool:
        """Whether it could hold that much if nobody else used it."""
        return self.memory_mib is None or self.memory_mib >= memory_mib

    def fits_now(self, memory_mib: int) -> bool:
        """Whether that much is free right now."""
        return self.free_mib is None or self.free_mib >= memory_mib

    @property
    def used_mib(self) -> int:
        """In use by anyone; 0 when unknown."""
        return (self.memory_mib or 0) - (self.free_mib or 0)


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What was found, or why nothing was."""

    gpus: Tuple[Gpu, ...]
    problem: str = ""
    """Why the list is empty or was narrowed; a clause for a message."""


def inventory(variables: Mapping[str, str]) -> Inventory:
    """The devices this process may use, in PCI order: all, or the set an outer engine assigned.

    Args:
        variables: The process environment.

    Raises:
        FakeInventoryError: The stand-in inventory is malformed.
    """
    stand_in = fakes(variables)
    found = _query() if stand_in is None else _faked(stand_in)
    for name in _ORDERS:
        if variables.get(name, "").strip():
            return _narrow(found, name, variables[name])
    return found


def feasible(found: Inventory, needs: Needs) -> Tuple[Gpu, ...]:
    """The devices that could serve `needs` if nobody else used them, best first: least used, then lowest index.

    Raises:
        NoSuitableGpuError: There are fewer than needed.
    """
    fitting = [gpu for gpu in found.gpus if gpu.fits(needs.gpu_memory_mib)]
    if len(fitting) < needs.gpus:
        raise NoSuitableGpuError(
            _refusal(found, needs, len(fitting)), "Use a machine that has them, or lower what it needs."
        )
    return tuple(sorted(fitting, key=lambda gpu: (gpu.used_mib, gpu.index)))


def _refusal(found: Inventory, needs: Needs, fitting: int) -> str:
    wanted = "The item needs %d GPU%s" % (needs.gpus, "" if needs.gpus == 1 else "s")
    note = " (%s)" % found.problem if found.problem else ""
    if not found.gpus:
        return "%s, there is none%s." % (wanted, note)
    if needs.gpu_memory_mib and fitting < len(found.gpus):
        largest = max(gpu.memory_mib or 0 for gpu in found.gpus)
        wanted += " with %s each (needs.gpu_memory_mib)" % gibibytes(needs.gpu_memory_mib)
        if fitting == 0:
            return "%s, the largest has %s%s." % (wanted, gibibytes(largest), note)
    return "%s, there %s %d%s." % (wanted, "is" if fitting == 1 else "are", fitting, note)


def gibibytes(mebibytes: int) -> str:
    """`24564` -> "24.0 GiB"."""
    return "%.1f GiB" % (mebibytes / 1024)


def fakes(variables: Mapping[str, str]) -> Optional[Tuple[FakeGpu, ...]]:
    """The stand-in inventory, None where there is none.

    Raises:
        FakeInventoryError: It is malformed: what is wrong with which entry.
    """
    if not variables.get(FAKE):
        return None
    try:
        entries = strict_json.parse(variables[FAKE], "as JSON")
        if not isinstance(entries, list):
            raise FakeInventoryError("it is not a list")
        return tuple(schema.from_json(FakeGpu, entry, "device %d" % number) for number, entry in enumerate(entries))
    except (strict_json.JsonError, schema.ConfigError) as error:
        raise FakeInventoryError(error.reason) from error


def _faked(stand_in: Sequence[FakeGpu]) -> Inventory:
    return Inventory(
        tuple(
            Gpu(number, fake.uuid, fake.name, fake.mem, fake.mem if fake.free is None else fake.free)
            for number, fake in enumerate(stand_in)
        )
    )


def _query() -> Inventory:
    """Asks nvidia-smi; no driver, no device and a hanging driver are all "none", with the reason."""
    command = ["nvidia-smi", "--query-gpu=" + ",".join(_QUERY), "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_QUERY_SECONDS
        )
    except FileNotFoundError:
        return Inventory((), "nvidia-smi is not installed")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Inventory((), "nvidia-smi: %s" % error)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        return Inventory((), "nvidia-smi: %s" % (text.strip().splitlines() or ["exit %d" % done.returncode])[-1])
    return parse_query(text)


def parse_query(text: str) -> Inventory:
    """Reads nvidia-smi's CSV (fields of `_QUERY`); memory may be "[N/A]"."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.strip()]
    if any(len(row) != len(_QUERY) or not row[0].isdigit() for row in rows):
        return Inventory((), "nvidia-smi answered %r" % text.strip()[:200])
    return Inventory(tuple(Gpu(int(r[0]), r[1], r[2], _number(r[3]), _number(r[4])) for r in rows))


def _number(text: str) -> Optional[int]:
    return int(text) if text.isdigit() else None


def _narrow(found: Inventory, variable: str, value: str) -> Inventory:
    """Keeps what `value` names, in its order: indices, UUIDs or their beginnings, MIG names (not in the inventory)."""
    kept: List[Gpu] = []
    for word in (part.strip() for part in value.split(",")):
        match = _match(found.gpus, word)
        if match is None:
            break  # as CUDA does: an invalid entry hides itself and all after it
        kept.append(match)
    return Inventory(tuple(kept), "%s=%s%s" % (variable, value, "; " + found.problem if found.problem else ""))


def _match(gpus: Sequence[Gpu], word: str) -> Optional[Gpu]:
    for gpu in gpus:
        if word == str(gpu.index) or (word.startswith("GPU-") and gpu.uuid.startswith(word)):
            return gpu
    return Gpu(len(gpus), word, "MIG slice", None, None) if word.startswith("MIG-") else None

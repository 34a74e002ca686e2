"""CUDA on this machine, as files and the driver's own tool tell it: toolkits to compile with, devices to run on."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from topforge.errors import TopForgeError

FAKE_DEVICES = "TOPFORGE_FAKE_GPUS"
"""Variable with a JSON list of devices that stands in for the machine's, for tests:
`[{"uuid": "GPU-a", "mem": 24564, "free": 20000, "compute_cap": "8.6", "driver": "550.54"}, ...]`."""

SYSTEM_TOOLKITS = (Path("/usr/local/cuda"),)
"""Where installers put the toolkit for the whole machine."""

_QUERY = ("index", "uuid", "name", "memory.total", "memory.free", "compute_cap", "driver_version")


class DeviceInventoryInvalidError(TopForgeError):
    """The stand-in inventory cannot be read."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "%s: not a list of devices (%s)." % (FAKE_DEVICES, why),
            'Unset it, or give JSON like [{"uuid": "GPU-a", "mem": 24564, "free": 20000}].',
        )


@dataclasses.dataclass(frozen=True)
class Device:
    """One NVIDIA device as the driver describes it. Unknown numbers are 0, unknown texts empty."""

    index: int
    """In PCI bus order, as nvidia-smi counts."""
    uuid: str
    name: str
    memory_mib: int
    free_mib: int
    compute_capability: str
    """As in "8.6"."""
    driver: str
    """As in "550.54.14"."""

    @property
    def architecture(self) -> str:
        """The compute capability as compilers name it: "86"."""
        return self.compute_capability.replace(".", "")


@dataclasses.dataclass(frozen=True)
class Toolkit:
    """One CUDA toolkit, or the part of one that is installed."""

    home: Path
    nvcc: bool
    header_folder: Optional[Path]
    """Folder that holds cuda_runtime_api.h; conda puts it below targets/."""

    @property
    def complete(self) -> bool:
        """Whether extensions can be compiled with it."""
        return self.nvcc and self.header_folder is not None

    @property
    def version(self) -> Optional[str]:
        """From CUDART_VERSION in the header, as in "12.9"; None without the header."""
        if self.header_folder is None:
            return None
        text = (self.header_folder / "cuda_runtime_api.h").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^#define\s+CUDART_VERSION\s+(\d+)", text, re.MULTILINE)
        return "%d.%d" % divmod(int(found.group(1)) // 10, 100) if found else None


def inspect_toolkit(home: Path) -> Optional[Toolkit]:
    """What of a toolkit is below `home`; None when there is neither a compiler nor the header."""
    nvcc = any((home / "bin" / name).is_file() for name in ("nvcc", "nvcc.exe"))
    folders = [home / "include", home / "Library" / "include", *sorted(home.glob("targets/*/include"))]
    headers = [folder for folder in folders if (folder / "cuda_runtime_api.h").is_file()]
    if not nvcc and not headers:
        return None
    return Toolkit(home, nvcc, headers[0] if headers else None)


def find_toolkit(prefix: Path, parent: Mapping[str, str]) -> Optional[Toolkit]:
    """The toolkit to compile extensions with: the first complete one, else the first that has anything at all.

    Looks in the environment's prefix, then CUDA_HOME and CUDA_PATH of the parent, then /usr/local/cuda, then around
    the `nvcc` on the parent's PATH.
    """
    homes = [prefix] + [Path(parent[name]) for name in ("CUDA_HOME", "CUDA_PATH") if parent.get(name)]
    homes += SYSTEM_TOOLKITS
    nvcc = shutil.which("nvcc", path=parent.get("PATH", ""))
    if nvcc:
        homes.append(Path(nvcc).resolve().parent.parent)
    found = [toolkit for toolkit in map(inspect_toolkit, homes) if toolkit is not None]
    complete = [toolkit for toolkit in found if toolkit.complete]
    return next(iter(complete + found), None)


def query_devices(environment: Mapping[str, str], timeout: float = 10.0) -> Tuple[Device, ...]:
    """Asks the driver (`nvidia-smi`) for its devices; none when there is no driver, or it does not answer.

    Args:
        environment: Decides where nvidia-smi is looked for, and may hold the stand-in inventory.
        timeout: Seconds to wait for an answer; a wedged driver gives none.

    Raises:
        DeviceInventoryInvalidError: The stand-in inventory is malformed.
    """
    fake = environment.get(FAKE_DEVICES)
    if fake is not None:
        return _fake_devices(fake)
    tool = shutil.which("nvidia-smi", path=environment.get("PATH", ""))
    if tool is None:
        return ()
    command = [tool, "--query-gpu=" + ",".join(_QUERY), "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    lines = done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    return tuple(_device(dict(zip(_QUERY, row))) for row in rows if len(row) == len(_QUERY))


def select(devices: Tuple[Device, ...], visible: str) -> Tuple[Device, ...]:
    """Those of `devices` that a CUDA_VISIBLE_DEVICES value names, by index or (shortened) UUID, in its order."""
    names = [name.strip() for name in visible.split(",") if name.strip()]
    return tuple(d for name in names for d in devices if name == str(d.index) or d.uuid.startswith(name))


def _device(row: Dict[str, str]) -> Device:
    capability = row["compute_cap"] if re.match(r"\d+\.\d+$", row["compute_cap"]) else ""
    memory, free = _whole(row["memory.total"]), _whole(row["memory.free"])
    return Device(_whole(row["index"]), row["uuid"], row["name"], memory, free, capability, row["driver_version"])


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0  # nvidia-smi writes "[N/A]" on devices that do not tell


def _fake_devices(text: str) -> Tuple[Device, ...]:
    try:
        return tuple(_fake_device(index, entry) for index, entry in enumerate(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeviceInventoryInvalidError("%s: %s" % (type(error).__name__, error)) from error


def _fake_device(index: int, entry: Mapping[str, Any]) -> Device:
    memory = int(entry.get("mem", 0))
    name, capability = str(entry.get("name", "simulated device")), str(entry.get("compute_cap", ""))
    free, driver = int(entry.get("free", memory)), str(entry.get("driver", ""))
    return Device(int(entry.get("index", index)), str(entry["uuid"]), name, memory, free, capability, driver)

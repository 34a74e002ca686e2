"""CUDA on this machine, as files and the driver's own tool tell it: toolkits to compile with, what devices can do."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from typing import Mapping, Optional, Tuple

from topforge.running import gpus

SYSTEM_TOOLKITS = (Path("/usr/local/cuda"),)
"""Where installers put the toolkit for the whole machine."""


@dataclasses.dataclass(frozen=True)
class Capability:
    """What compilers and CUDA builds have to know of one device; texts are empty where the driver does not tell."""

    index: int
    """In PCI bus order, as nvidia-smi counts."""
    uuid: str
    driver: str
    """Version of the driver, as in "550.54.14"."""
    compute: str
    """Compute capability, as in "8.6"."""

    @property
    def architecture(self) -> str:
        """The compute capability as compilers name it: "86"."""
        return self.compute.replace(".", "")


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
    targets = home / "targets"
    folders = [home / "include", home / "Library" / "include"]
    folders += sorted(target / "include" for target in targets.iterdir()) if targets.is_dir() else []
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


def query_capabilities(environment: Mapping[str, str], timeout: float = 10.0) -> Tuple[Capability, ...]:
    """Asks the driver (`nvidia-smi`); none when there is no driver, or it does not answer.

    `gpus.inventory` says which devices there are and why not. This is a question of its own because drivers before
    R510 refuse a query that names the compute capability, all of it.

    Args:
        environment: Decides where nvidia-smi is looked for, and may hold the stand-in inventory.
        timeout: Seconds to wait for an answer; a wedged driver gives none.

    Raises:
        FakeInventoryError: The stand-in inventory is malformed.
    """
    stand_in = gpus.fakes(environment)
    if stand_in is not None:
        return tuple(Capability(i, fake.uuid, fake.driver, fake.compute_cap) for i, fake in enumerate(stand_in))
    tool = shutil.which("nvidia-smi", path=environment.get("PATH", ""))
    if tool is None:
        return ()
    for fields in ("index,uuid,driver_version,compute_cap", "index,uuid,driver_version"):
        command = [tool, "--query-gpu=" + fields, "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ()
        if done.returncode == 0:
            return parse_capabilities(done.stdout.decode("utf-8", "replace"))
    return ()


def parse_capabilities(text: str) -> Tuple[Capability, ...]:
    """Reads nvidia-smi's CSV: index, uuid, driver version, and the compute capability where the driver knows it."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    return tuple(
        Capability(int(row[0]), row[1], row[2], row[3] if len(row) > 3 and re.match(r"\d+\.\d+$", row[3]) else "")
        for row in rows
        if len(row) >= 3 and row[0].isdigit()
    )


def select(devices: Tuple[Capability, ...], visible: str) -> Tuple[Capability, ...]:
    """Those of `devices` that a CUDA_VISIBLE_DEVICES value names, by index or (shortened) UUID, in its order."""
    names = [name.strip() for name in visible.split(",") if name.strip()]
    return tuple(d for name in names for d in devices if name == str(d.index) or d.uuid.startswith(name))

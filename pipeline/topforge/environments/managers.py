"""Conda, mamba and micromamba: which one this machine has, where it keeps environments, and how it makes one."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, Mapping, Optional, Tuple

from topforge.environments import prefix_discovery
from topforge.errors import TopForgeError

NAMES = ("micromamba", "mamba", "conda")
"""In the order of preference: the first two solve in seconds what takes the third minutes."""
_VARIABLES = ("MAMBA_EXE", "CONDA_EXE")
_ENVIRONMENT_FOLDERS = ("envs directories", "envs_dirs")
"""What mamba and conda call the list in their `info --json`."""

QUIET: Mapping[str, str] = {"CONDA_ALWAYS_YES": "1", "MAMBA_ALWAYS_YES": "1"}
"""Variables for the child: nobody is there to answer. Their flags for it differ between versions, these do not."""


class NoManagerError(TopForgeError):
    """Neither conda nor mamba nor micromamba is on this machine."""

    def __init__(self, wanted: Optional[str] = None) -> None:
        super().__init__(
            "%s was found on this machine." % ("No " + wanted if wanted else "Neither micromamba nor mamba nor conda"),
            "Install micromamba (one file, no administrator), name its path with --with, or add --print to see what "
            "would be done.",
        )


class ManagerSilentError(TopForgeError):
    """The program did not tell where it keeps environments."""

    def __init__(self, executable: str, why: str) -> None:
        super().__init__(
            "`%s info --json` did not tell where environments go: %s." % (executable, why),
            "Name the new environment's folder with --prefix.",
        )


@dataclasses.dataclass(frozen=True)
class Manager:
    """One program that makes conda environments."""

    executable: str
    """What is started: absolute, or a bare name in a plan that is only printed."""

    @property
    def name(self) -> str:
        """One of `NAMES`."""
        return Path(self.executable).name.split(".")[0]

    def create(self, prefix: str, file: str) -> Tuple[str, ...]:
        """The command that makes the environment `prefix` from an environment file."""
        words = ("create",) if self.name == "micromamba" else ("env", "create")
        return (self.executable, *words, "--prefix", prefix, "--file", file)

    def environments(self, variables: Mapping[str, str]) -> Path:
        """The folder in which it makes environments that are given by name.

        Raises:
            ManagerSilentError: It cannot be started, or its answer is none.
        """
        command = [self.executable, "info", "--json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=dict(variables), timeout=60, check=False)
            answer = json.loads(done.stdout)
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            raise ManagerSilentError(self.executable, str(error)) from error
        for key in _ENVIRONMENT_FOLDERS:
            if isinstance(answer, dict) and answer.get(key):
                return Path(answer[key][0])
        raise ManagerSilentError(self.executable, "its answer has none of %s" % ", ".join(_ENVIRONMENT_FOLDERS))


def find(wanted: Optional[str], variables: Mapping[str, str], home: Path) -> Manager:
    """The program to use: the one that is asked for, else the first there is.

    Args:
        wanted: One of `NAMES`, or the path of one; None = any.
        variables: PATH and what the programs set in a shell.
        home: The user's home folder.

    Raises:
        NoManagerError: It is not there.
    """
    if wanted and wanted not in NAMES:
        found = shutil.which(wanted, path=variables.get("PATH"))
        if found and Manager(found).name in NAMES:
            return Manager(str(Path(found).absolute()))
        raise NoManagerError(wanted)
    for name in (wanted,) if wanted else NAMES:
        for candidate in _candidates(name, variables, home):
            if candidate.is_file() and os.access(str(candidate), os.X_OK):
                return Manager(str(candidate.absolute()))
    raise NoManagerError(wanted)


def _candidates(name: str, variables: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Where a program of that name may be: what its shell set-up says, PATH, the usual installations."""
    for variable in _VARIABLES:
        told = Path(variables.get(variable) or os.devnull)
        if told.name.split(".")[0] == name:
            yield told
    found = shutil.which(name, path=variables.get("PATH"))
    if found:
        yield Path(found)
    for root in prefix_discovery.conda_roots(variables, home):
        yield root / "bin" / name

"""What a Python environment (a venv or a conda prefix) is, read from its files alone.

Nothing here starts a process or imports a package: describing a prefix takes milliseconds, and works for an
environment whose Python cannot even start. The one place that knows where Linux and Windows keep things.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from topforge.errors import TopForgeError

_NAME_SEPARATORS = re.compile(r"[-_.]+")
_TORCH_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", re.MULTILINE)
OLDEST_PYTHON = (3, 8)
"""`topforge` itself has to run in a trainer's environment."""


class PrefixMissingError(TopForgeError):
    """There is no folder where the environment should be."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(
            "environment.prefix %s: there is no such folder." % prefix,
            "Create the environment or correct the path; `topforge env` lists the environments of this machine.",
        )


class NotAnEnvironmentError(TopForgeError):
    """The folder is neither a venv nor a conda prefix."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(
            "environment.prefix %s: neither conda-meta/ (conda) nor pyvenv.cfg (venv) is in this folder." % prefix,
            'Give the environment\'s root, the folder that holds "%s".'
            % ("python.exe" if os.name == "nt" else "bin/python"),
        )


class PrefixWithoutPythonError(TopForgeError):
    """The environment has no Python that could be started."""

    def __init__(self, python: Path, why: str) -> None:
        super().__init__(
            "environment.prefix: %s %s." % (python, why),
            "Install Python into that environment, or create it anew "
            "(`conda create -p PREFIX python=3.11` or `python3 -m venv PREFIX`).",
        )


class PythonTooOldError(TopForgeError):
    """The environment's Python is older than TopForge supports."""

    def __init__(self, prefix: Path, version: str) -> None:
        super().__init__(
            "environment.prefix %s: its Python is %s." % (prefix, version),
            "Make an environment with Python %d.%d or newer." % OLDEST_PYTHON,
        )


class ActivationUnreadableError(TopForgeError):
    """One of conda's files of variables is broken."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            "%s: cannot read the variables conda would set (%s)." % (path, why),
            "Repair or delete the file; `conda env config vars list` shows what it should hold.",
        )


@dataclasses.dataclass(frozen=True)
class Prefix:
    """One environment, as its files describe it."""

    path: Path
    kind: str
    """"venv", "conda", or "plain" (an installed Python that is neither; only ever the current one)."""
    python: Path
    """The environment's own interpreter."""
    python_version: Optional[str]
    """"3.11.9", or "3.11" where the files do not say more; None when nothing tells."""
    packages: Mapping[str, str]
    """Installed distributions: lower-case name with `-` for `_` and `.` -> version. A conda name that differs from
    the distribution's (`pytorch`) is there as well."""
    torch_cuda: Optional[str]
    """CUDA version torch was built for ("11.8"); None for a CPU build or without torch."""

    @property
    def windows(self) -> bool:
        """Whether it is laid out as on Windows."""
        return self.python.suffix == ".exe"

    @property
    def path_folders(self) -> Tuple[Path, ...]:
        """Folders that activation puts first into PATH, in that order."""
        if not self.windows:
            return (self.path / "bin",)
        if self.kind != "conda":
            return (self.path / "Scripts",)
        below = ("", "Library/mingw-w64/bin", "Library/usr/bin", "Library/bin", "Scripts", "bin")
        return tuple(self.path / name for name in below)

    @property
    def library_folder(self) -> Optional[Path]:
        """Folder of shared libraries that belongs into the loader's path; None where PATH does it or none is needed."""
        return self.path / "lib" if self.kind == "conda" and not self.windows else None

    @property
    def site_packages(self) -> Optional[Path]:
        """Where its packages are installed; None when the Python version is unknown."""
        return _site_packages(self.path, self.windows, self.python_version)

    @property
    def torch_version(self) -> Optional[str]:
        """Version of torch ("2.7.1", "2.0.1+cu118"), None without torch."""
        return self.packages.get("torch") or self.packages.get("pytorch")


def describe(path: Path) -> Prefix:
    """Describes the environment at `path`.

    Raises:
        TopForgeError: No such folder, not an environment, no usable Python in it, or one that is too old.
    """
    path = path.expanduser().absolute()
    if not path.is_dir():
        raise PrefixMissingError(path)
    kind = kind_of(path)
    if kind == "plain":
        raise NotAnEnvironmentError(path)
    python = _interpreter(path, kind)
    found = _describe(path, kind, python, _python_version(path, kind))
    version = found.python_version
    if version is not None and tuple(int(n) for n in re.findall(r"\d+", version)[:2]) < OLDEST_PYTHON:
        raise PythonTooOldError(path, version)
    return found


def summary(prefix: Prefix, kind: str) -> str:
    """One line about an environment: "conda, Python 3.11.9, torch 2.7.1, CUDA 11.8"."""
    parts = [kind, "Python " + (prefix.python_version or "of unknown version")]
    if prefix.torch_version:
        parts += ["torch " + prefix.torch_version, "CUDA " + prefix.torch_cuda if prefix.torch_cuda else "CPU build"]
    return ", ".join(parts)


def describe_current() -> Prefix:
    """Describes the environment this very process runs in."""
    path = Path(sys.prefix)
    return _describe(path, kind_of(path), Path(sys.executable), "%d.%d.%d" % sys.version_info[:3])


def _describe(path: Path, kind: str, python: Path, version: Optional[str]) -> Prefix:
    conda = _conda_packages(path)
    site = _site_packages(path, python.suffix == ".exe", version)
    packages = {name: number for name, (number, _) in conda.items()}
    packages.update(_distributions(site) if site else {})
    torch_cuda = _torch_cuda(site, packages.get("torch", ""), conda.get("pytorch", ("", ""))[1])
    return Prefix(path, kind, python, version, packages, torch_cuda)


def kind_of(path: Path) -> str:
    """What a folder is by its markers: "venv", "conda", or "plain" for neither."""
    if (path / "pyvenv.cfg").is_file():  # first: a venv made by a conda Python has only this one
        return "venv"
    return "conda" if (path / "conda-meta").is_dir() else "plain"


def _interpreter(path: Path, kind: str) -> Path:
    """The interpreter's path, in either platform's layout, checked to be a file that may be executed."""
    windows = path / "Scripts" / "python.exe" if kind == "venv" else path / "python.exe"
    python = windows if windows.exists() else path / "bin" / "python"
    if not python.exists():
        dangling = python.is_symlink()
        why = "points to a Python that is gone (%s)" % os.readlink(str(python)) if dangling else "is not there"
        raise PrefixWithoutPythonError(python, why)
    if not os.access(str(python), os.X_OK):
        raise PrefixWithoutPythonError(python, "may not be executed by this user")
    return python


def _python_version(path: Path, kind: str) -> Optional[str]:
    if kind == "venv":
        config = (path / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", config, re.MULTILINE)
        if found:
            return found.group(1)
    for record in sorted((path / "conda-meta").glob("python-[0-9]*.json")):
        return record.name.split("-")[1]
    versions = [folder.name[len("python") :] for folder in sorted((path / "lib").glob("python3.*"))]
    return versions[0] if versions else None


def _site_packages(path: Path, windows: bool, version: Optional[str]) -> Optional[Path]:
    if windows:
        return path / "Lib" / "site-packages"
    if version is None:
        return None
    return path / "lib" / ("python" + ".".join(version.split(".")[:2])) / "site-packages"


def _conda_packages(path: Path) -> Dict[str, Tuple[str, str]]:
    """Conda's own records, by file name `name-version-build.json`: name -> (version, build)."""
    found: Dict[str, Tuple[str, str]] = {}
    records = path / "conda-meta"
    for record in records.iterdir() if records.is_dir() else ():
        parts = record.stem.rsplit("-", 2)
        if record.suffix == ".json" and len(parts) == 3:
            found[parts[0].lower()] = (parts[1], parts[2])
    return found


def _distributions(site: Path) -> Dict[str, str]:
    """Installed distributions by folder name: `name-version.dist-info` (wheels) and `.egg-info` (older ones)."""
    found: Dict[str, str] = {}
    folders = [f for f in site.iterdir() if f.suffix in (".egg-info", ".dist-info")] if site.is_dir() else []
    for folder in sorted(folders, key=lambda folder: folder.suffix, reverse=True):  # a wheel's record counts
        name, _, rest = folder.stem.partition("-")
        version = rest.split("-py3")[0]
        if version:
            found[_NAME_SEPARATORS.sub("-", name).lower()] = version
    return found


def _torch_cuda(site: Optional[Path], version: str, conda_build: str) -> Optional[str]:
    """CUDA version of a torch build, from torch/version.py, else the wheel's "+cu118", else conda's build string."""
    source = site / "torch" / "version.py" if site else None
    if source and source.is_file():
        found = _TORCH_CUDA.search(source.read_text(encoding="utf-8"))
        return found.group(1) if found else None
    found = re.search(r"\+cu(\d+)(\d)$", version) or re.search(r"cuda_?(\d+)\.?(\d)", conda_build)
    return "%s.%s" % found.groups() if found else None


def state_variables(prefix: Path) -> Dict[str, Optional[str]]:
    """Variables that conda sets on activation: packages' `etc/conda/env_vars.d/*.json`, then `conda-meta/state`.

    Returns:
        Name -> value, or None for one that conda unsets (`conda env config vars unset`).

    Raises:
        ActivationUnreadableError: One of the files is no JSON object.
    """
    found: Dict[str, Optional[str]] = {}
    for path in sorted((prefix / "etc" / "conda" / "env_vars.d").glob("*.json")):
        found.update(_json_object(path))
    state = prefix / "conda-meta" / "state"
    if state.is_file():
        found.update(_json_object(state).get("env_vars", {}))
    return {name: None if value == "***unset***" else str(value) for name, value in found.items()}


def _json_object(path: Path) -> Dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ActivationUnreadableError(path, str(error)) from error
    if not isinstance(value, dict):
        raise ActivationUnreadableError(path, "not a JSON object")
    return value


def activation_scripts(prefix: Path) -> Tuple[str, ...]:
    """Names of scripts a shell would have run on `conda activate`. They can do anything; TopForge runs none."""
    suffix = ".bat" if os.name == "nt" else ".sh"
    return tuple(sorted(path.name for path in (prefix / "etc" / "conda" / "activate.d").glob("*" + suffix)))

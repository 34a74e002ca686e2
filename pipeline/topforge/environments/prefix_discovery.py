"""Which environments this machine has, found without starting anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

from topforge.environments import prefixes
from topforge.errors import TopForgeError

_ROOT_NAMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda", ".local/share/mamba")
"""Folders below the home folder and /opt where installers put conda, mamba and micromamba."""


class UnknownEnvironmentError(TopForgeError):
    """No environment, or more than one, has the name that was given."""

    def __init__(self, name: str, candidates: Sequence[Path]) -> None:
        listed = ", ".join(map(str, candidates)) or "none was found on this machine"
        super().__init__(
            "environment %r: neither a folder nor the name of exactly one environment." % name,
            "Give the path of its root (%s)." % listed,
        )


def discover(environment: Mapping[str, str], home: Path) -> Tuple[Path, ...]:
    """Finds environments: conda's own list (`~/.conda/environments.txt`), the active ones, and those of each root.

    Args:
        environment: Variables that name the active environment and the installation.
        home: The user's home folder.

    Returns:
        Roots of existing environments (folders with conda-meta or pyvenv.cfg), each once, sorted. Folders that this
        user may not read are left out.
    """
    roots = conda_roots(environment, home)
    candidates = [Path(environment[name]) for name in ("CONDA_PREFIX", "VIRTUAL_ENV") if environment.get(name)]
    candidates += list(roots) + _listed(home / ".conda" / "environments.txt")
    folders = [root / "envs" for root in roots]
    folders += [Path(name) for name in environment.get("CONDA_ENVS_PATH", "").split(os.pathsep) if name]
    for folder in folders:
        candidates += _children(folder)
    return tuple(sorted({path.absolute() for path in candidates if _is_environment(path)}))


def locate(text: str, environment: Mapping[str, str]) -> Path:
    """The environment a person means: a folder, or the name of one that `discover` finds.

    Raises:
        UnknownEnvironmentError: Neither a folder nor a name, or a name that several have.
    """
    path = Path(text).expanduser()
    if path.is_dir() or len(path.parts) > 1:
        return path  # whether it is an environment is for `prefixes.describe` to say
    found = discover(environment, Path.home())
    named = [prefix for prefix in found if prefix.name == text]
    if len(named) != 1:
        raise UnknownEnvironmentError(text, named or found)
    return named[0]


def conda_roots(environment: Mapping[str, str], home: Path) -> Tuple[Path, ...]:
    """Folders that may be the root of a conda, mamba or micromamba installation, whether they exist or not."""
    roots = [Path(environment[name]) for name in ("MAMBA_ROOT_PREFIX", "CONDA_ROOT") if environment.get(name)]
    if environment.get("CONDA_EXE"):
        roots.append(Path(environment["CONDA_EXE"]).parent.parent)  # ROOT/bin/conda, ROOT\Scripts\conda.exe
    roots += [folder / name for folder in (home, Path("/opt")) for name in _ROOT_NAMES] + [Path("/opt/conda")]
    return tuple(dict.fromkeys(roots))


def _listed(listing: Path) -> List[Path]:
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [Path(line.strip()) for line in lines if line.strip()]


def _children(folder: Path) -> List[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # not there, or not ours to read
        return []


def _is_environment(path: Path) -> bool:
    try:
        return prefixes.kind_of(path) != "plain"
    except OSError:
        return False

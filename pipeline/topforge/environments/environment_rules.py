"""What must not reach a trainer from the process that starts it, and what must: the rules, each with its reason.

The parent may be Houdini, a farm's client, or a shell with another environment active. Each leaks variables that make
a foreign Python load the wrong modules or libraries, or make a trainer believe that it is one of many.
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Dict, List, Mapping, Optional, Sequence, Tuple


@dataclasses.dataclass(frozen=True)
class Change:
    """One line of an environment edit."""

    variable: str
    action: str
    """"set", "prepended", "filtered" (entries dropped), "removed", "kept" (worth saying so), "skipped" (not done)."""
    value: str
    """What the child sees; empty where it sees nothing."""
    reason: str
    old: str = ""
    """What the parent had and the child has not: the whole value, or the dropped entries of a list."""


KEPT_PYTHON = ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONFAULTHANDLER", "PYTHONMALLOC")
"""Settings of Python that change neither what is imported nor whether a program ends."""

KEPT: Tuple[Tuple[str, str], ...] = (
    ("PDG_*", "PDG's helper module reports progress through it"),
    ("TOPFORGE_*", "TopForge's own settings (cache folder, device inventory)"),
    ("SLURM_JOB_ID", "names the job in logs, and marks the devices as given by Slurm"),
    ("OCIO", "the studio's colour configuration; it is not Houdini's own"),
)
"""Patterns of variables that stay although they look like their host's, with the reason."""

REMOVED: Tuple[Tuple[str, str], ...] = (
    ("PYTHONHOME", "makes Python load another installation's standard library (Houdini sets it)"),
    ("PYTHONPATH", "puts another Python's modules in front of the environment's own (Houdini sets it)"),
    ("PYTHONSTARTUP", "runs someone's script"),
    ("PYTHON*", "changes how Python starts; TopForge sets those that it means"),
    ("QT_*", "points to Houdini's Qt plugins, which crash another Qt"),
    ("QTDIR", "points to another Qt"),
    ("QML*", "points to another Qt's modules"),
    ("PYSIDE*", "points to another Qt's Python modules"),
    ("WORLD_SIZE", "left over: makes nvdiffrec and Lightning start a distributed run"),
    ("RANK", "left over from a distributed run"),
    ("LOCAL_RANK", "left over from a distributed run: picks a device by itself"),
    ("LOCAL_WORLD_SIZE", "left over from a distributed run"),
    ("NODE_RANK", "left over from a distributed run"),
    ("GROUP_*RANK", "left over from a distributed run"),
    ("ROLE_RANK", "left over from a distributed run"),
    ("MASTER_ADDR", "left over from a distributed run"),
    ("MASTER_PORT", "left over from a distributed run"),
    ("TORCHELASTIC_*", "left over from torchrun"),
    ("SLURM_NTASKS*", "Lightning starts a distributed run of its own when it sees it"),
    ("SLURM_PROCID", "a rank to Lightning; this child is one process"),
    ("SLURM_LOCALID", "a rank to Lightning; this child is one process"),
    ("CONDA_PREFIX*", "belongs to the environment that was active in the parent"),
    ("CONDA_DEFAULT_ENV", "belongs to the environment that was active in the parent"),
    ("CONDA_SHLVL", "counts the parent shell's activations"),
    ("CONDA_PROMPT_MODIFIER", "decorates the parent shell's prompt"),
    ("VIRTUAL_ENV", "belongs to the environment that was active in the parent"),
    ("VIRTUAL_ENV_PROMPT", "decorates the parent shell's prompt"),
)
"""Patterns of variables that are dropped; the first that matches gives the reason."""

PATH_LISTS = tuple(
    ["PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "PXR_PLUGINPATH_NAME", "CPATH", "LIBRARY_PATH"]
)
"""Lists of paths: entries that belong to Houdini or to another environment are dropped, the rest stays."""

SINGLE_PATHS = tuple(
    ["OCIO", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "TCL_LIBRARY", "TK_LIBRARY"]
)
"""Variables that hold one path: dropped when it lies inside Houdini."""

NOT_ENVIRONMENT = ("PWD", "OLDPWD", "_", "CONDA_EXE", "CONDA_PYTHON_EXE", "CONDA_ENVS_PATH", "CONDA_PKGS_DIRS", "HOME")
"""May mention an environment's folder without coming from its activation."""

_HOUDINI_FOLDER = re.compile(r"(^|[/\\])(hfs\d+\.\d+[^/\\]*|Side Effects Software)([/\\]|$)")


def clean(parent: Mapping[str, str], prefix: str) -> Tuple[Dict[str, str], List[Change]]:
    """Applies the rules to a parent environment.

    Args:
        parent: The environment to start from.
        prefix: Root of the child's own environment; what points into it stays.

    Returns:
        The variables that are left, and what was done. Applying it to its own result changes nothing more.
    """
    houdini = [parent[name] for name in ("HFS",) if parent.get(name)]
    others = {parent[name].rstrip("/\\") for name in ("CONDA_PREFIX", "VIRTUAL_ENV") if parent.get(name)} - {prefix}
    variables: Dict[str, str] = {}
    changes: List[Change] = []
    for name in sorted(parent):
        value, change = _judge(name, parent[name], houdini, sorted(others), prefix)
        if value is not None:
            variables[name] = value
        if change is not None:
            changes.append(change)
    return variables, changes


def _judge(
    name: str, value: str, houdini: Sequence[str], others: Sequence[str], prefix: str
) -> Tuple[Optional[str], Optional[Change]]:
    """What becomes of one variable: its value in the child (None = dropped), and the line that says so."""
    reason = None if name in KEPT_PYTHON else _match(name, REMOVED)
    if reason:
        return None, Change(name, "removed", "", reason, value)
    if name in PATH_LISTS:
        return _filter(name, value, houdini, others, prefix)
    if name in SINGLE_PATHS and _inside_houdini(value, houdini):
        return None, Change(name, "removed", "", "points into Houdini's installation", value)
    points_to = [other for other in others if other in value and not inside(value, prefix)]
    if points_to and name not in NOT_ENVIRONMENT and not _match(name, KEPT):
        return None, Change(name, "removed", "", "points into another environment, %s" % points_to[0], value)
    kept = _match(name, KEPT)
    return value, Change(name, "kept", value, kept) if kept else None


def _filter(
    name: str, value: str, houdini: Sequence[str], others: Sequence[str], prefix: str
) -> Tuple[Optional[str], Optional[Change]]:
    """Drops the entries of a path list that belong to Houdini or to another environment."""
    separators = "[ :]" if name == "LD_PRELOAD" else re.escape(os.pathsep)  # ld.so takes both for LD_PRELOAD
    left, reasons, dropped = [], [], []
    for entry in re.split(separators, value):
        if _inside_houdini(entry, houdini):
            reasons.append("Houdini's libraries and programs shadow the environment's")
        elif any(inside(entry, other) for other in others) and not inside(entry, prefix):
            reasons.append("belongs to the environment that was active in the parent")
        else:
            left.append(entry)
            continue
        dropped.append(entry)
    if not dropped:
        return value, None
    value, old, reason = os.pathsep.join(left), os.pathsep.join(dropped), "; ".join(dict.fromkeys(reasons))
    if not any(left):
        return None, Change(name, "removed", "", reason, old)
    return value, Change(name, "filtered", value, reason, old)


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it, by their text."""
    folder = folder.rstrip("/\\")
    return path == folder or path.startswith((folder + "/", folder + "\\"))


def _inside_houdini(path: str, houdini: Sequence[str]) -> bool:
    return any(inside(path, root) for root in houdini) or bool(_HOUDINI_FOLDER.search(path))


def _match(name: str, rules: Sequence[Tuple[str, str]]) -> Optional[str]:
    return next((reason for pattern, reason in rules if _fits(name, pattern)), None)


def _fits(name: str, pattern: str) -> bool:
    """Whether `name` is as `pattern` says, which may hold one `*`.

    `fnmatch` would do, but compiling a regular expression for each pattern costs 3 ms in every new process.
    """
    if "*" not in pattern:
        return name == pattern
    start, _, end = pattern.partition("*")
    return len(name) >= len(start) + len(end) and name.startswith(start) and name.endswith(end)

"""The environment edit: from a venv or conda prefix to the exact environment of a trainer's process, line by line.

It replaces `conda activate`, `conda run` (which holds back output and does not forward signals) and the page's recipe
of setting CUDA_HOME, PYTHONHOME and PYTHONPATH by hand; the last is available as mode "kartaverse".
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from topforge import cache
from topforge.environments import cuda, environment_faces, environment_rules, prefixes
from topforge.environments.environment_rules import Change
from topforge.errors import TopForgeError
from topforge.items import EnvironmentSpec
from topforge.terminal_style import PLAIN, Style

PIPELINE = Path(__file__).resolve().parents[2]
"""The folder that makes `topforge`, `topforge_capture` and `topforge_train` importable."""

INSTALLED = PIPELINE.name in ("site-packages", "dist-packages")
"""Whether TopForge was installed as a package: then that folder holds all other packages too, and must not leak."""

MODES = ("clean", "kartaverse")
OUR_TRAINERS = frozenset(("topforge", "check", "report"))
"""Adapters whose child is `python -m` one of our own packages."""


class UnknownModeError(TopForgeError):
    """`environment.mode` is none of ours."""

    def __init__(self, mode: str) -> None:
        super().__init__("environment.mode: %r is unknown." % mode, "Use one of: %s." % ", ".join(MODES))


class KartaverseNeedsCondaError(TopForgeError):
    """PYTHONHOME cannot point to this environment: Python would not find its standard library."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(
            'environment.mode "kartaverse": %s does not hold Python\'s standard library, so PYTHONHOME cannot '
            "point there." % prefix,
            'Use mode "clean", which works with venv and conda alike, or give a conda prefix.',
        )


@dataclasses.dataclass(frozen=True)
class ResolvedEnvironment:
    """The exact environment of a child process, and how it came about."""

    prefix: Path
    kind: str
    """"venv", "conda", or "current" (the environment of this very process)."""
    python: str
    """The environment's own interpreter, absolute."""
    variables: Mapping[str, str]
    """Everything the child sees; nothing is inherited on top."""
    explanation: Tuple[Change, ...]
    """What differs from the parent, or stays for a reason worth telling."""
    summary: str
    """One line: "conda, Python 3.11.9, torch 2.7.1, CUDA 11.8"."""

    def explain(self, width: int = 100, style: Style = PLAIN) -> str:
        """The edit as a readable table, at most `width` columns where the values allow."""
        head = (("Environment", str(self.prefix)), ("", self.summary), ("Python", self.python))
        return environment_faces.explain(self.explanation, head, width, style)

    def as_exports(self) -> str:
        """POSIX shell lines that turn the parent's environment into this one."""
        return environment_faces.as_exports(self.explanation)

    def as_environment_edit(self) -> List[Dict[str, object]]:
        """Rows for Houdini's Environment Edit TOP; see `environment_faces.as_environment_edit`."""
        return environment_faces.as_environment_edit(self.explanation)

    def as_hqueue(self) -> Dict[str, str]:
        """The `environment` of an HQueue job."""
        return environment_faces.as_hqueue(self.explanation)

    def as_json(self) -> Dict[str, object]:
        """The edit for programs. Not the whole environment: it may hold secrets of the parent."""
        changes = [dataclasses.asdict(change) for change in self.explanation]
        return {"prefix": str(self.prefix), "kind": self.kind, "python": self.python, "changes": changes}


def resolve(
    spec: EnvironmentSpec,
    parent: Mapping[str, str],
    devices: Optional[str] = None,
    trainer: str = "topforge",
    architectures: Optional[Sequence[str]] = None,
    builds: Optional[str] = None,
) -> ResolvedEnvironment:
    """Works out the environment of a child.

    Args:
        spec: Which environment, in which mode, with which variables of the user's on top.
        parent: The environment to start from, usually `os.environ`. Not changed.
        devices: Value for CUDA_VISIBLE_DEVICES: leased devices, "" to hide all, None to leave it as it is.
        trainer: Adapter name.
        architectures: GPU architectures to compile for, such as ("86",); None = ask the driver about `devices`.
        builds: `Adapter.builds`, after which the folder of compiled extensions is named; None = the adapter's name.

    Raises:
        TopForgeError: The prefix is unusable, the mode unknown, or the two do not go together.
    """
    if spec.mode not in MODES:
        raise UnknownModeError(spec.mode)
    prefix = prefixes.describe_current() if spec.prefix is None else prefixes.describe(Path(spec.prefix))
    if architectures is None:
        selected = cuda.select(cuda.query_capabilities(parent), devices) if devices else ()
        architectures = sorted({device.architecture for device in selected if device.architecture})
    edit = _Edit(parent, prefix)
    if spec.mode == "kartaverse":
        _set_as_kartaverse(edit, trainer in OUR_TRAINERS)
    else:
        edit.clean()
        _set_python(edit)
        _set_prefix(edit)
        _set_cuda(edit)
        _set_extensions(edit, builds or trainer, tuple(architectures))
        _set_activation(edit)
    _set_devices(edit, devices)
    for name, value in spec.variables:
        edit.set(name, value, "given in the item's environment; wins over everything")
    kind = "current" if spec.prefix is None else prefix.kind
    explanation = edit.explanation()
    return ResolvedEnvironment(
        prefix.path, kind, str(prefix.python), edit.variables, explanation, prefixes.summary(prefix, kind)
    )


class _Edit:
    """The variables while they are being worked out, with the line that explains each (the last one counts)."""

    def __init__(self, parent: Mapping[str, str], prefix: prefixes.Prefix) -> None:
        self.parent = parent
        self.prefix = prefix
        self.variables = dict(parent)
        self._changes: Dict[str, Change] = {}

    def clean(self) -> None:
        self.variables, changes = environment_rules.clean(self.parent, str(self.prefix.path))
        self._changes = {change.variable: change for change in changes}

    def set(self, name: str, value: str, reason: str, action: str = "set") -> None:
        self.variables[name] = value
        self._changes[name] = Change(name, action, value, reason)

    def remove(self, name: str, reason: str) -> None:
        self._changes[name] = Change(name, "removed", "", reason, self.variables.pop(name, ""))

    def prepend(self, name: str, folders: Sequence[Path], reason: str) -> None:
        first = [str(folder) for folder in folders]
        rest = [entry for entry in self.variables.get(name, "").split(os.pathsep) if entry and entry not in first]
        before = self._changes.get(name)
        old = before.old if before is not None else ""
        if before is not None and old:
            reason = "%s; dropped: %s" % (reason, before.reason)
        self.variables[name] = os.pathsep.join(first + rest)
        self._changes[name] = Change(name, "prepended", self.variables[name], reason, old)

    def skip(self, name: str, reason: str) -> None:
        """Leaves the variable out (it may have come from the parent) and says why."""
        self.variables.pop(name, None)
        self._changes[name] = Change(name, "skipped", "", reason, self.parent.get(name, ""))

    def keep(self, name: str, value: str, reason: str) -> None:
        self._changes[name] = Change(name, "kept", value, reason)

    def explanation(self) -> Tuple[Change, ...]:
        return tuple(sorted(self._changes.values(), key=lambda change: change.variable))


def _set_python(edit: _Edit) -> None:
    if INSTALLED:
        edit.skip(
            "PYTHONPATH", "TopForge runs from %s, which holds other packages too: install it here as well" % PIPELINE
        )
    else:
        reason = "TopForge's own packages and nothing else, for `python -m topforge_train`"
        edit.set("PYTHONPATH", str(PIPELINE), reason)
    edit.set("PYTHONNOUSERSITE", "1", "packages in the user's ~/.local would shadow the environment's")
    edit.set("PYTHONUNBUFFERED", "1", "progress lines arrive when they are written, not in blocks of 8 KiB")
    edit.set("PYTHONIOENCODING", "utf-8", "output is readable whatever the machine's locale")
    edit.set("MPLBACKEND", "Agg", "matplotlib draws to files; a farm machine has no display")


def _set_prefix(edit: _Edit) -> None:
    """What activation would have set: PATH, the loader's path, and the environment's own names."""
    prefix = edit.prefix
    edit.prepend("PATH", prefix.path_folders, "the environment's own programs (ninja, nvcc) come first")
    if prefix.library_folder is not None:
        edit.prepend("LD_LIBRARY_PATH", [prefix.library_folder], "libraries that the environment loads by name")
    if prefix.kind == "conda":
        edit.set("CONDA_PREFIX", str(prefix.path), "as `conda activate` sets it; torch looks for CUDA there")
        edit.set("CONDA_DEFAULT_ENV", prefix.path.name, "as `conda activate` sets it")
    elif prefix.kind == "venv":
        edit.set("VIRTUAL_ENV", str(prefix.path), "as the venv's activate script sets it")


def _set_cuda(edit: _Edit) -> None:
    toolkit = cuda.find_toolkit(edit.prefix.path, edit.parent)
    if toolkit is None:
        reason = "no nvcc and no cuda_runtime_api.h in the environment, CUDA_HOME or /usr/local/cuda"
        edit.skip("CUDA_HOME", reason + ": extensions cannot be compiled here")
        return
    parts = [part for part, there in (("nvcc", toolkit.nvcc), ("cuda_runtime_api.h", toolkit.header_folder)) if there]
    place = "the environment has" if toolkit.home == edit.prefix.path else "not in the environment; found there:"
    edit.set("CUDA_HOME", str(toolkit.home), "%s %s" % (place, " and ".join(parts)))
    header = toolkit.header_folder
    if header is not None and header != toolkit.home / "include":
        edit.prepend("CPATH", [header], "cuda_runtime_api.h is here, where compilers do not look by themselves")
        edit.prepend("LIBRARY_PATH", [header.parent / "lib", header.parent / "lib" / "stubs"], "its link libraries")


def _set_extensions(edit: _Edit, builds: str, architectures: Tuple[str, ...]) -> None:
    """A folder of compiled extensions that no other trainer, commit, Python, torch, CUDA or GPU shares."""
    if architectures:
        edit.set("TCNN_CUDA_ARCHITECTURES", ";".join(architectures), "tinycudann builds for the devices of this item")
    prefix = edit.prefix
    if prefix.torch_version is None:
        edit.skip("TORCH_EXTENSIONS_DIR", "torch is not installed in this environment")
        return
    python = "py" + "".join((prefix.python_version or "").split(".")[:2])
    built_for = "cu" + prefix.torch_cuda.replace(".", "") if prefix.torch_cuda else "cpu"
    target = "sm" + "-".join(architectures) if architectures else "any"
    name = "-".join((builds, python, "torch" + prefix.torch_version.split("+")[0], built_for, target))
    folder = cache.folder(edit.parent) / "torch_extensions" / name
    edit.set(
        "TORCH_EXTENSIONS_DIR",
        str(folder),
        "two trainers, commits, versions or GPUs in one folder overwrite each other",
    )


def _set_activation(edit: _Edit) -> None:
    """Honours conda's declared variables; says which activation scripts were not run."""
    if edit.prefix.kind != "conda":
        return
    for name, value in sorted(prefixes.state_variables(edit.prefix.path).items()):
        if value is None:
            edit.remove(name, "`conda env config vars unset` was used on it")
        else:
            edit.set(name, value, "declared in the environment (`conda env config vars list`)")
    for script in prefixes.activation_scripts(edit.prefix.path):
        reason = "a shell script, not run; if a build misses what it sets, name that in the environment's variables"
        edit.skip("activate.d/" + script, reason)


def _set_devices(edit: _Edit, devices: Optional[str]) -> None:
    if devices is not None:
        edit.set("CUDA_DEVICE_ORDER", "PCI_BUS_ID", "CUDA counts devices as nvidia-smi does")
        reason = "the devices leased for this item" if devices else "no device is leased: all are hidden"
        edit.set("CUDA_VISIBLE_DEVICES", devices, reason)
    elif "CUDA_VISIBLE_DEVICES" in edit.variables:
        value = edit.variables["CUDA_VISIBLE_DEVICES"]
        edit.keep("CUDA_VISIBLE_DEVICES", value, "set outside (by a farm or a person), and nothing is leased")


def _set_as_kartaverse(edit: _Edit, ours: bool) -> None:
    """The page's three variables and nothing else; PYTHONPATH also finds TopForge for a child that is our own."""
    prefix = edit.prefix
    site = prefix.site_packages
    if site is None or not (site.parent / "os.py").is_file():
        raise KartaverseNeedsCondaError(prefix.path)
    page = "as the Kartaverse page sets it"
    edit.set("CUDA_HOME", str(prefix.path), page + ", whether a toolkit is there or not")
    edit.set("PYTHONHOME", str(prefix.path), page + "; every Python that this child starts loads this library too")
    paths = [site, PIPELINE] if ours else [site]
    edit.set(
        "PYTHONPATH", os.pathsep.join(map(str, paths)), page + ("; TopForge's own packages follow" if ours else "")
    )
    dropped = environment_rules.clean(edit.parent, str(prefix.path))[1]
    leaks = [change.variable for change in dropped if change.action in ("removed", "filtered")]
    leaks = [name for name in leaks if name not in ("PYTHONHOME", "PYTHONPATH")]
    if leaks:
        reason = 'this mode lets them through; mode "clean" would not'
        edit.keep("(leaks)", ", ".join(leaks), reason)

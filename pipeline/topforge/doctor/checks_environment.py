"""Checks of the environment: its Python, and what can be imported there, asked of that Python itself."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Optional, Tuple

from topforge.doctor.model import Checks, Outcome, ok, problem, skipped, warning
from topforge.doctor.probe import Module
from topforge.doctor.subject import Subject
from topforge.environments import environment_rules
from topforge.environments.environment import PIPELINE

CHECKS = Checks()

FIRST_TORCH_WITH_NUMPY_2 = (2, 3)
"""Earlier torch builds are compiled against NumPy 1 and cannot hand arrays to NumPy 2."""

_UNUSABLE = "the environment cannot be used"

_IMPORT_ERRORS: Tuple[Tuple[str, str], ...] = (
    (
        r"Unknown compute capability",
        "Install a torch with CUDA and run where a GPU is visible, or set TCNN_CUDA_ARCHITECTURES (86 for RTX 30).",
    ),
    (r"Numpy is not available|compiled using NumPy 1|numpy\.core\.multiarray", '{pip} install "numpy<2"'),
    (r"GLIBCXX|CXXABI", "conda install -p {prefix} -c conda-forge libstdcxx-ng"),
    (r"undefined symbol", "It was built for another torch: {pip} install --force-reinstall --no-cache-dir {package}"),
    (
        r"cannot open shared object",
        "A library it was built with is missing: reinstall {package} for this torch and CUDA.",
    ),
)
"""What an import says -> what to do. `{pip}`, `{prefix}` and `{package}` are filled in."""

_PACKAGES = {
    "nvdiffrast": "git+https://github.com/NVlabs/nvdiffrast",
    "tinycudann": "git+https://github.com/NVlabs/tiny-cuda-nn/#subdirectory=bindings/torch",
    "warp": "warp-lang",
}
"""What to install, where it is not called like the module."""


@CHECKS.add("environment", "Environment")
def _environment(subject: Subject) -> Outcome:
    if subject.failure is not None:
        return problem(subject.failure.reason, subject.failure.fix)
    resolved = subject.environment
    return ok("%s (%s)" % (resolved.prefix, resolved.summary)) if resolved else skipped(_UNUSABLE)


@CHECKS.add("python", "Python")
def _python(subject: Subject) -> Outcome:
    if subject.prefix is None or subject.prefix.python_version is None:
        return skipped(_UNUSABLE)
    version = subject.prefix.python_version
    oldest, newest = subject.target.pythons
    if oldest <= _numbers(version) <= newest:
        return ok(version)
    known = "%s is known to run with %d.%d to %d.%d" % (subject.target.name, *oldest, *newest)
    return warning(
        "%s; %s" % (version, known), "conda create -n topforge-%s python=%d.%d" % (subject.target.name, *newest)
    )


@CHECKS.add("numpy", "NumPy")
def _numpy(subject: Subject) -> Outcome:
    numpy, torch = subject.module("numpy"), subject.module("torch")
    if numpy is None:
        return skipped(_UNUSABLE)
    if numpy.error:
        return _import_failed(subject, numpy)
    version, pinned = str(numpy.version), _pip(subject) + ' install "numpy<2"'
    refused = torch.fact_error("numpy") if torch else ""
    if refused:
        return problem("%s, and torch cannot use it: %s" % (version, refused), pinned)
    torch_version = subject.prefix.torch_version if subject.prefix else None
    if _numbers(version)[:1] == (2,) and torch_version and _numbers(torch_version) < FIRST_TORCH_WITH_NUMPY_2:
        return problem("%s, but torch %s was built for NumPy 1" % (version, torch_version), pinned)
    return ok(version + (", and torch exchanges arrays with it" if torch and torch.fact("numpy") else ""))


@CHECKS.add("torch", "PyTorch")
def _torch(subject: Subject) -> Outcome:
    torch = subject.module("torch")
    if torch is None:
        return skipped(_UNUSABLE)
    if not torch.error and torch.version is None:
        message = "a folder named torch can be imported, but torch is not installed (no torch.__version__)"
        return problem(message, _install(subject, "torch"))
    if torch.error:
        return _import_failed(subject, torch)
    built_for = torch.fact("built_for")
    return ok("%s, built for %s" % (torch.version, "CUDA " + built_for if built_for else "the CPU"))


@CHECKS.add("imageio", "imageio")
def _imageio(subject: Subject) -> Outcome:
    return _importable(subject, "imageio")


@CHECKS.add("xatlas", "xatlas")
def _xatlas(subject: Subject) -> Outcome:
    return _importable(subject, "xatlas")


@CHECKS.add("cpu-backend", "CPU backend")
def _cpu_backend(subject: Subject) -> Outcome:
    outcome, warp = _importable(subject, "warp"), subject.module("warp")
    if warp is None or warp.error:
        return outcome
    if warp.fact("cpu") is not True:
        why = warp.fact_error("cpu") or "its CPU compiler does not load"
        return problem("Warp %s cannot compile for the CPU: %s" % (warp.version, why), _install(subject, "warp", "-U "))
    return ok("Warp %s compiles for the CPU" % warp.version)


@CHECKS.add("nvdiffrast", "nvdiffrast")
def _nvdiffrast(subject: Subject) -> Outcome:
    return _importable(subject, "nvdiffrast")


@CHECKS.add("tinycudann", "tinycudann")
def _tinycudann(subject: Subject) -> Outcome:
    return _importable(subject, "tinycudann")


@CHECKS.add("diffusers", "diffusers")
def _diffusers(subject: Subject) -> Outcome:
    return _importable(subject, "diffusers")


@CHECKS.add("xformers", "xformers")
def _xformers(subject: Subject) -> Outcome:
    return _importable(subject, "xformers")


@CHECKS.add("leftovers", "Leftover variables")
def _leftovers(subject: Subject) -> Outcome:
    harmful = ("PYTHONHOME", "PYTHONPATH", "WORLD_SIZE", "RANK", "LOCAL_RANK", "QT_PLUGIN_PATH", "LD_PRELOAD")
    _, changes = environment_rules.clean(subject.parent, str(subject.prefix.path) if subject.prefix else "")
    left = [c.variable for c in changes if c.variable in harmful and c.action in ("removed", "filtered")]
    if Path(subject.parent.get("PYTHONPATH", "")).absolute() == PIPELINE:  # how TopForge itself was started
        left = [name for name in left if name != "PYTHONPATH"]
    if not left:
        return ok("none that would disturb a trainer")
    message = "%s set here: harmless to TopForge, which cleans up for its children, not to a trainer started by hand"
    return warning(message % ", ".join(left), "unset " + " ".join(left))


def _importable(subject: Subject, name: str) -> Outcome:
    if name not in subject.target.modules:
        return skipped("%s does not import it" % subject.target.name)
    module = subject.module(name)
    if module is None:
        return skipped(_UNUSABLE)
    if module.error:
        return _import_failed(subject, module)
    if module.file is None and module.version is None:
        return problem("an empty folder named %s is imported; the package is missing" % name, _install(subject, name))
    return ok(module.version or "importable")


def _import_failed(subject: Subject, module: Module) -> Outcome:
    """The import's own words, with the fix they call for."""
    if re.search(r"No module named '%s'" % module.name, module.error):
        return problem("not installed", _install(subject, module.name))
    message = "import %s: %s" % (module.name, module.error)
    return problem(
        message, _fix_for(module.error, subject, module.name) or _install(subject, module.name, "--force-reinstall ")
    )


def _fix_for(error: str, subject: Subject, name: str) -> Optional[str]:
    prefix = shlex.quote(str(subject.prefix.path)) if subject.prefix else "PREFIX"
    for pattern, fix in _IMPORT_ERRORS:
        if re.search(pattern, error):
            return fix.format(pip=_pip(subject), prefix=prefix, package=_PACKAGES.get(name, name))
    return None


def _pip(subject: Subject) -> str:
    return shlex.quote(subject.python) + " -m pip"


def _install(subject: Subject, name: str, options: str = "") -> str:
    package = _PACKAGES.get(name, name)
    isolated = "--no-build-isolation " if package.startswith("git+") else ""  # both build against the installed torch
    return "%s install %s%s%s" % (_pip(subject), options, isolated, package)


def _numbers(version: str) -> Tuple[int, ...]:
    """Major and minor of a version: "2.0.1+cu118" -> (2, 0)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])

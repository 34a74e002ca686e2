"""The step after an upstream trainer: from its own files to TopForge's result folder, in TopForge's own environment.

An upstream environment is whatever its trainer needs, often years old. What makes GLB, USD and portable normal maps
(`topforge_train.normalising`) needs this year's packages, so that it runs where the built-in trainer runs, without GPU.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Mapping, Optional, Sequence

from topforge.environments import environment, private_environment
from topforge.environments.environment import PIPELINE
from topforge.errors import FailureClass, TopForgeError
from topforge.items import EnvironmentSpec
from topforge.trainers import failure_lines
from topforge.trainers.base import Diagnosis, Report, Step

STAGE = "normalise"
PACKAGE = "topforge_train.normalising"
_PACKAGES = ("torch", "warp", "numpy", "imageio", "fast_simplification")
_LINE = re.compile(r"^topforge stage=%s progress=([0-9.]+)(?: message=(.*))?$" % STAGE)
_KEPT = " What upstream wrote stays in the run's work folder until the item is run again."


class NoOwnEnvironmentError(TopForgeError):
    """TopForge's own environment is not there, and the running interpreter cannot stand in for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "TopForge's own environment is not there (%s), in which results of upstream trainers become GLB, USD and "
            "portable maps." % folder,
            "Make it with `python3 scripts/make_env.py` in TopForge's folder, or name another in TOPFORGE_ENV.",
        )


def own_environment() -> EnvironmentSpec:
    """TopForge's private environment, else that of this process where it has the packages.

    Raises:
        NoOwnEnvironmentError: Neither.
    """
    folder = private_environment.folder(PIPELINE.parent)
    if private_environment.python_of(folder).is_file():
        return EnvironmentSpec(prefix=str(folder))
    if all(importlib.util.find_spec(name) is not None for name in _PACKAGES):
        return EnvironmentSpec()
    raise NoOwnEnvironmentError(folder)


def step(arguments: Sequence[str], module: str = "nvdiffrec", weight: float = 0.03) -> Step:
    """The step that runs a module of `topforge_train.normalising` in TopForge's own environment, on the CPU.

    Its variables replace every one of the upstream environment's that would matter: where Python looks, and where the
    loader does.

    Args:
        arguments: After `python -m MODULE`.
        module: Named like a trainer; nvdiffmodeling shares that of nvdiffrec.
        weight: Share of the item's time; training has 1.

    Raises:
        NoOwnEnvironmentError: There is no environment to run it in. Raised before anything is trained.
    """
    resolved = environment.resolve(own_environment(), os.environ, "", "topforge", ())
    variables = {**dict.fromkeys(("PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD"), ""), **_different(resolved.variables)}
    variables["PYTHONPATH"] = resolved.variables.get("PYTHONPATH", "")
    command = (resolved.python, "-u", "-m", "%s.%s" % (PACKAGE, module), *arguments)
    return Step(STAGE, command, weight, variables=tuple(variables.items()))


def _different(variables: Mapping[str, str]) -> Mapping[str, str]:
    """Variables that the edit set to something else than this process has, and what decides where code comes from."""
    always = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
    return {name: text for name, text in variables.items() if os.environ.get(name) != text or name in always}


def say(progress: float, message: str) -> None:
    """Prints the line that `parse` reads: for the step itself."""
    print("topforge stage=%s progress=%.2f message=%s" % (STAGE, progress, message), flush=True)


def parse(line: str) -> Optional[Report]:
    """Reads the step's lines: `topforge stage=normalise progress=0.5 message=...`."""
    match = _LINE.match(line.strip())
    if match is None:
        return None
    return Report(progress=min(float(match.group(1)), 1.0), stage=STAGE, message=match.group(2))


def diagnose(tail: Sequence[str]) -> Optional[Diagnosis]:
    """What the step says of its own failure; None = it says nothing.

    Too little memory here is no reason to train again with lower settings: hours of training lie in the work folder,
    and stay there until the item is run again.
    """
    told = failure_lines.diagnosis(tail)
    if told is None:
        return None
    kind = FailureClass.TRAINER if told.failure_class is FailureClass.OOM else told.failure_class
    return Diagnosis(kind, told.reason, told.fix + _KEPT)

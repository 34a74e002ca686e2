"""The steps that make a trainer's environment: shown as shell lines that a person can paste, or run one by one."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from topforge import atomic
from topforge.environments import environment, prefixes
from topforge.environments.managers import QUIET, Manager
from topforge.environments.recipes import BUILT_IN, FOLDER, Recipe
from topforge.errors import FailureClass, TopForgeError
from topforge.items import EnvironmentSpec

VARIABLES_FILE = Path("etc") / "conda" / "env_vars.d" / "topforge.json"
"""Read by conda's activation and by TopForge; a file of its own, so that `conda env config vars` stays the user's."""
REQUIREMENTS_FILE = Path("etc") / "topforge" / "requirements.txt"
SOURCES_FILE = Path("etc") / "topforge" / "sources.txt"
_TOOLS = "x86_64-conda-linux-gnu"
_INSTALL = ("-m", "pip", "install", "--no-input")

Say = Callable[[str], None]


class OccupiedError(TopForgeError):
    """Something else is where the environment should go."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(
            "%s is there already and is no conda environment." % prefix,
            "Choose another folder with --prefix, or move that one away.",
        )


class StepFailedError(TopForgeError):
    """A command of the plan ended badly."""

    failure_class = FailureClass.INFRA

    def __init__(self, title: str, command: Sequence[str], exit_code: int) -> None:
        super().__init__(
            "%s failed: `%s` ended with exit code %d." % (title, " ".join(map(shlex.quote, command)), exit_code),
            "Its own words are above. Put right what they name and run the same command again: what is there is kept.",
        )


@dataclasses.dataclass(frozen=True)
class Command:
    """A program to run."""

    title: str
    arguments: Tuple[str, ...]
    inside: bool = True
    """Whether it runs in the new environment."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file to write."""

    title: str
    path: Path
    text: str


Step = Union[Command, File]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All steps for one environment."""

    recipe: Recipe
    prefix: Path
    steps: Tuple[Step, ...]
    variables: Mapping[str, str]
    """What builds in the environment need, now and whenever a trainer compiles something while it runs."""
    architectures: Tuple[str, ...]
    """GPU architectures to compile for, as in "86"."""


def make(
    recipe: Recipe,
    prefix: Path,
    manager: Manager,
    wheels: Sequence[str],
    checkout: Optional[Path] = None,
    compiler: Optional[str] = None,
    architectures: Tuple[str, ...] = (),
) -> Plan:
    """The steps for `prefix`.

    Args:
        recipe: Whose environment.
        prefix: Where it goes.
        manager: What makes it.
        wheels: Requirements in place of a wheels file; for the built-in trainer.
        checkout: The trainer's own folder, where its recipe needs one.
        compiler: A C compiler other than the environment's own; its C++ compiler is beside it.
        architectures: GPU architectures to compile for.

    Raises:
        CheckoutNeededError: The checkout is needed and not there.
    """
    python = str(prefix / "bin" / "python")
    steps: List[Step] = [Command("Python and tools", manager.create(str(prefix), str(recipe.conda_file)), inside=False)]
    if recipe.name == BUILT_IN:
        return Plan(recipe, prefix, (*steps, Command("Packages", (python, *_INSTALL, *wheels))), {}, ())
    variables = _build_variables(prefix, compiler)
    text = json.dumps(variables, indent=1) + "\n"
    steps.append(File("Variables for compilers", prefix / VARIABLES_FILE, text))
    pinned = str(recipe.wheels_file)
    steps.append(Command("Ready-made packages", (python, *_INSTALL, "-r", pinned)))
    further = recipe.further(checkout)
    sources = [line for line in further if "git+" in line]
    listed = [line for line in further if line not in sources]
    if listed:
        file = prefix / REQUIREMENTS_FILE
        steps.append(File("The checkout's own list, without what is pinned", file, "\n".join(listed) + "\n"))
        install = (python, *_INSTALL, "-c", pinned, "-r", str(file))
        steps.append(Command("Packages of the checkout's list", install))
    build = [python, *_INSTALL, "--no-build-isolation", "-c", pinned, "-r", str(recipe.build_file)]
    if sources:  # they may be built against torch as well
        file = prefix / SOURCES_FILE
        steps.append(File("Sources of the checkout's list", file, "\n".join(sources) + "\n"))
        build += ["-r", str(file)]
    build += [word for folder in recipe.own_packages(checkout) for word in ("-e", str(folder))]
    steps.append(Command("Compiled packages (minutes each)", tuple(build)))
    return Plan(recipe, prefix, tuple(steps), variables, architectures)


def _build_variables(prefix: Path, compiler: Optional[str]) -> Dict[str, str]:
    """Compilers and folders by name: activation scripts would set them, and a work item runs none."""
    own = prefix / "bin"
    c = Path(compiler) if compiler else own / (_TOOLS + "-gcc")
    cxx = c.with_name(c.name.replace("gcc", "g++") if "gcc" in c.name else "c++")
    target = prefix / "targets" / "x86_64-linux"
    libraries = [prefix / "lib", prefix / "lib" / "stubs", target / "lib", target / "lib" / "stubs"]
    return {
        "CUDA_HOME": str(prefix),
        "CC": str(c),
        "CXX": str(cxx),
        "CUDAHOSTCXX": str(cxx),
        "CPATH": os.pathsep.join([str(prefix / "include"), str(target / "include")]),
        "LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
    }


def as_shell(plan: Plan) -> str:
    """The plan as lines for a POSIX shell, complete by themselves: the pinned files are written out, too."""
    files = [file for file in plan.recipe.files if any(str(file) in _words_of(step) for step in plan.steps)]
    lines = ["(", "set -e", "PREFIX=%s" % shlex.quote(str(plan.prefix)), "FILES=$(mktemp -d)", *_exports(plan, QUIET)]
    for file in files:
        text = file.read_text(encoding="utf-8").rstrip("\n")
        lines += ["", "cat > \"$FILES/%s\" <<'END'" % file.name, text, "END"]
    for step in plan.steps:
        lines += ["", "# " + step.title]
        if isinstance(step, File):
            lines += _written(plan, step)
        else:
            lines.append(" ".join(_word(plan, word) for word in step.arguments))
        if not _is_inside(step):
            lines += _exports_for_builds(plan)
    lines += ["", "# Verdict", 'topforge doctor --env "$PREFIX" --for %s' % plan.recipe.name, ")", ""]
    return "\n".join(lines)


def _words_of(step: Step) -> Tuple[str, ...]:
    return step.arguments if isinstance(step, Command) else ()


def _is_inside(step: Step) -> bool:
    return step.inside if isinstance(step, Command) else True


def _word(plan: Plan, text: str) -> str:
    """One word of a command, with the places that differ between machines as variables."""
    for name, folder in (("PREFIX", str(plan.prefix)), ("FILES", str(FOLDER))):
        if text == folder or text.startswith(folder + os.sep) or os.pathsep + folder in text:
            return '"%s"' % text.replace(folder, "$" + name)
    return shlex.quote(text)


def _exports(plan: Plan, variables: Mapping[str, str]) -> List[str]:
    return ["export %s=%s" % (name, _word(plan, value)) for name, value in variables.items()]


def _written(plan: Plan, step: File) -> List[str]:
    """A file of the environment; the shell puts the prefix in."""
    text = re.sub(r"([\\$`])", r"\\\1", step.text.rstrip("\n")).replace(str(plan.prefix), "$PREFIX")
    place = _word(plan, str(step.path))
    return ["mkdir -p %s" % _word(plan, str(step.path.parent)), "cat > %s <<END" % place, text, "END"]


def _exports_for_builds(plan: Plan) -> List[str]:
    """What `environment.resolve` gives to the same commands when TopForge runs them."""
    lines = ["unset PYTHONPATH PYTHONHOME", "export PYTHONNOUSERSITE=1"]
    lines += ['export CONDA_PREFIX="$PREFIX" PATH="$PREFIX/bin:$PATH"']
    return lines + _exports(plan, {**plan.variables, **_architecture_variables(plan.architectures)})


def _architecture_variables(architectures: Sequence[str]) -> Dict[str, str]:
    """For which devices tinycudann and nvdiffrast are compiled: "86" is "8.6" to torch."""
    if not architectures:
        return {}
    dotted = ["%s.%s" % (each[:-1], each[-1]) for each in architectures]
    return {"TCNN_CUDA_ARCHITECTURES": ";".join(architectures), "TORCH_CUDA_ARCH_LIST": ";".join(dotted)}


def carry_out(plan: Plan, parent: Mapping[str, str], say: Say) -> None:
    """Runs all steps; what they print goes where this process prints. An environment that is there is completed.

    Raises:
        OccupiedError: Something else is in the way.
        StepFailedError: A command ended badly.
        TopForgeError: The new environment cannot be used.
    """
    there = plan.prefix.exists() and any(plan.prefix.iterdir())
    if there and prefixes.kind_of(plan.prefix) != "conda":
        raise OccupiedError(plan.prefix)
    for number, step in enumerate(plan.steps, start=1):
        head = "[%d/%d] %s" % (number, len(plan.steps), step.title)
        if isinstance(step, File):
            say(head)
            step.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(step.path, step.text)
        elif there and not step.inside:
            say(head + ": there already")
        else:
            say(head)
            _run(plan, step, parent)


def _run(plan: Plan, step: Command, parent: Mapping[str, str]) -> None:
    variables: Dict[str, str] = {**parent, **QUIET}
    if step.inside:
        spec = EnvironmentSpec(prefix=str(plan.prefix))
        resolved = environment.resolve(spec, parent, None, plan.recipe.name, plan.architectures)
        variables = {**resolved.variables, **_architecture_variables(plan.architectures)}
        variables.pop("PYTHONPATH", None)  # pip must not see TopForge's packages as if they were installed
    options: Dict[str, Any] = {"stdin": subprocess.DEVNULL, "env": variables, "check": False}
    try:
        exit_code = subprocess.run(step.arguments, **options).returncode
    except OSError as error:
        raise StepFailedError("%s (%s)" % (step.title, error), step.arguments, 127) from error
    if exit_code != 0:
        raise StepFailedError(step.title, step.arguments, exit_code)

"""`topforge env create TRAINER`: makes the pinned environment of a trainer, or prints how; the doctor judges it."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from topforge.environments import environment, managers, plan, private_environment, recipes
from topforge.environments.managers import Manager
from topforge.environments.recipes import BUILT_IN, Recipe
from topforge.errors import TopForgeError
from topforge.verbs import doctor

HELP = "Make the pinned environment of a trainer, and judge it; or --print how."
EXTRAS = ("train", "poses")
"""Optional dependencies of TopForge that its own environment holds."""
_LINUX = "linux"
_KNOWN = "75 RTX 20, 80 A100, 86 RTX 30, 89 RTX 40, 90 H100, 120 RTX 50"

Architectures = Callable[[], Tuple[str, ...]]


class ArchitectureError(TopForgeError):
    """It is not known what device to compile for."""

    def __init__(self, problem: str) -> None:
        super().__init__("%s." % problem, "Name the devices with --architectures, for instance 86 (%s)." % _KNOWN)


class LinuxOnlyError(TopForgeError):
    """The pins are for Linux."""

    def __init__(self) -> None:
        super().__init__(
            "The pinned environments are for Linux; this is %s." % sys.platform,
            "Run the same on Linux or in WSL 2; --print shows the commands here, too.",
        )


class NoPinsError(TopForgeError):
    """TopForge runs from an installed package, without the file that holds the pins."""

    def __init__(self) -> None:
        super().__init__(
            "TopForge is installed as a package; the pins of its trainer stand in its checkout's pyproject.toml.",
            "Use `pip install 'topforge[train]'` in the environment that you want, or run this from a checkout.",
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("create", help=argparse.SUPPRESS)  # the first word, which chose this form
    parser.add_argument("recipe", metavar="TRAINER", choices=recipes.RECIPES, help=", ".join(recipes.RECIPES))
    parser.add_argument("--prefix", type=Path, help="its folder (topforge-TRAINER among the manager's environments)")
    parser.add_argument("--with", dest="manager", help="micromamba, mamba, conda, or its path (any that is there)")
    parser.add_argument("--checkout", type=Path, help="the trainer's own folder; Neuralangelo and RichDreamer need it")
    parser.add_argument("--architectures", help="GPUs to compile for, as in 86 or 86,90 (those of this machine)")
    parser.add_argument("--compiler", help="a gcc other than the environment's own, as in /usr/bin/gcc")
    parser.add_argument("--print", dest="only_print", action="store_true", help="print the commands, run none")


def run(arguments: argparse.Namespace, architectures: Architectures) -> int:
    """Makes the environment, or prints the commands; the doctor's exit code.

    Args:
        arguments: As parsed.
        architectures: Asks for those of the devices of this machine.
    """
    recipe = recipes.get(arguments.recipe)
    chosen = arguments.prefix or arguments.manager or arguments.only_print
    if recipe.name == BUILT_IN and not chosen:
        return _make_private()
    if arguments.only_print:
        print(_shown(arguments, recipe, architectures), end="")
        return 0
    if sys.platform != _LINUX:
        raise LinuxOnlyError()
    manager = managers.find(arguments.manager, os.environ, Path.home())
    made = _plan(arguments, recipe, manager, _wanted(arguments, recipe, architectures))
    plan.carry_out(made, os.environ, private_environment.say_at_once)
    return _judge(made.prefix, recipe.name)


def _make_private() -> int:
    """The built-in trainer's default: a venv beside the checkout, from wheels alone."""
    private_environment.ensure(_repository(), EXTRAS)
    return _judge(private_environment.folder(_repository()), BUILT_IN)


def _repository() -> Path:
    if environment.INSTALLED:
        raise NoPinsError()
    return environment.PIPELINE.parent


def _shown(arguments: argparse.Namespace, recipe: Recipe, architectures: Architectures) -> str:
    """The plan as shell lines; what cannot be known here is asked of whoever reads them, never guessed in silence."""
    with_conda = " --with micromamba" if recipe.name == BUILT_IN else ""
    notes = ["# %s, made by hand; `topforge env create %s%s` does the same." % (recipe.name, recipe.name, with_conda)]
    if with_conda:
        notes.append("# Without --with it makes a venv of the same wheels in .topforge/env, and needs no conda.")
    try:
        manager = managers.find(arguments.manager, os.environ, Path.home())
    except managers.NoManagerError as error:
        manager = Manager(arguments.manager or managers.NAMES[0])
        notes.append("# %s This assumes %s on PATH." % (error.reason, manager.name))
    try:
        wanted = _wanted(arguments, recipe, architectures)
    except ArchitectureError:
        if arguments.architectures is not None:  # a mistake, and not a machine without a GPU
            raise
        wanted = ("86",)
        notes.append("# No GPU is visible here: 86 stands for yours (%s)." % _KNOWN)
    if arguments.prefix is None and not Path(manager.executable).is_absolute():
        arguments.prefix = Path.home() / managers.NAMES[0] / "envs" / _name(recipe)
    return "\n".join([*notes, plan.as_shell(_plan(arguments, recipe, manager, wanted))])


def _plan(arguments: argparse.Namespace, recipe: Recipe, manager: Manager, wanted: Tuple[str, ...]) -> plan.Plan:
    prefix = arguments.prefix or manager.environments(os.environ) / _name(recipe)
    wheels: List[str] = []
    for extra in EXTRAS if recipe.name == BUILT_IN else ():
        wheels += private_environment.requirements(_repository(), extra)
    checkout: Optional[Path] = arguments.checkout.expanduser().absolute() if arguments.checkout else None
    prefix = prefix.expanduser().absolute()
    return plan.make(recipe, prefix, manager, wheels, checkout, arguments.compiler, wanted)


def _name(recipe: Recipe) -> str:
    return recipe.name if recipe.name == BUILT_IN else "topforge-" + recipe.name


def _wanted(arguments: argparse.Namespace, recipe: Recipe, architectures: Architectures) -> Tuple[str, ...]:
    """GPU architectures to compile for, as given, else those of this machine's devices."""
    if not recipe.compiles:
        return ()
    if arguments.architectures is None:
        found = architectures()
        if not found:
            raise ArchitectureError("No GPU is visible here, so it is not known what to compile for")
        return found
    given = [each.replace(".", "") for each in re.split(r"[,; ]+", arguments.architectures) if each]
    wrong = [each for each in given if not re.match(r"^\d{2,3}$", each)]
    if wrong or not given:
        raise ArchitectureError("--architectures: %r is none" % ", ".join(wrong))
    return tuple(given)


def _judge(prefix: Path, target: str) -> int:
    """The doctor's verdict on what was made."""
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    print()
    return doctor.run(parser.parse_args(["--env", str(prefix), "--for", target]))

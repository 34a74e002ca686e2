"""`topforge check`: looks at a capture before anything is trained on it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Deque, List, Optional, Sequence

from topforge import terminal_style
from topforge.environments import environment, prefix_discovery, prefixes, private_environment
from topforge.errors import FailureClass, TopForgeError
from topforge.items import EnvironmentSpec
from topforge.schema import add_to_parser, from_arguments
from topforge.terminal_style import OneLine
from topforge.trainers.capture_step import summary
from topforge.trainers.check import ADAPTER, CheckOptions, command

HELP = "check a capture before training: images, masks, cameras, axes, units"
NEEDED = ("numpy", "imageio")


class NoSuitableEnvironmentError(TopForgeError):
    """Neither this Python nor TopForge's private one can read images."""

    def __init__(self, missing: List[str]) -> None:
        super().__init__(
            "%s has no %s, which reading images needs." % (sys.executable, " and no ".join(missing)),
            "Give an environment that has them with --env, or run scripts/quickstart.py once, which makes one.",
        )


class CheckerBrokeError(TopForgeError):
    """The checker ended without a verdict."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, exit_code: int, tail: List[str]) -> None:
        super().__init__(
            "The checker ended with exit code %d and no verdict:\n%s" % (exit_code, "\n".join(tail)),
            "Run `topforge doctor` on its environment.",
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("folder", type=Path, help="the capture, with its transforms_train.json, sparse/ ...")
    parser.add_argument("--env", metavar="PREFIX", help="environment with numpy and imageio: its root, or its name")
    parser.add_argument("--json", action="store_true", help="print the report as JSON instead of text")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write cameras.png and contact_sheet.png there")
    add_to_parser(parser, CheckOptions)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report. Exit code 0 when the capture can be trained on, 1 when findings say otherwise."""
    options = from_arguments(CheckOptions(), arguments)
    resolved = environment.resolve(environment_for(arguments.env), os.environ, trainer=ADAPTER.name)
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        where = ["--json", str(report)]
        where += ["--pictures", str(arguments.pictures.absolute())] if arguments.pictures else []
        words = command(str(arguments.folder.absolute()), options, where)
        words = tuple(resolved.python if word == "{python}" else word for word in words)
        exit_code = _follow(start(words, resolved), not arguments.json)
        if arguments.json:
            sys.stdout.write(report.read_text(encoding="utf-8"))
    if arguments.pictures and not arguments.json:
        print("Pictures: %s, contact_sheet.png" % (arguments.pictures / "cameras.png"))
    return exit_code


def environment_for(wanted: Optional[str]) -> EnvironmentSpec:
    """The environment asked for; else this one if it can read images; else TopForge's private one."""
    if wanted is not None:
        return EnvironmentSpec(prefix=str(prefix_discovery.locate(wanted, os.environ)))
    missing = [name for name in NEEDED if name not in prefixes.describe_current().packages]
    if not missing:
        return EnvironmentSpec()
    private = private_environment.folder(environment.PIPELINE.parent)
    if not private_environment.python_of(private).exists():
        raise NoSuitableEnvironmentError(missing)
    return EnvironmentSpec(prefix=str(private))


def start(words: Sequence[str], resolved: environment.ResolvedEnvironment) -> subprocess.Popen[str]:
    """The child that looks at a capture; its pipe knows no width, so it is told that of the terminal it prints to."""
    variables = dict(resolved.variables, COLUMNS=str(terminal_style.width()))
    return subprocess.Popen(
        words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
    )


def _follow(child: subprocess.Popen[str], show: bool) -> int:
    """Shows progress in one line of a terminal, passes the report on, returns the exit code."""
    assert child.stdout is not None
    progress = OneLine(sys.stderr)
    tail: Deque[str] = deque(maxlen=12)
    judged = False
    for line in child.stdout:
        report = ADAPTER.parse(line)
        if report is not None and report.progress is not None:
            progress.show(report.progress, report.message)
        elif summary(line) is not None:
            judged = True
        else:
            progress.erase()
            tail.append(line.rstrip())
            if show:
                print(line, end="")
    if not judged:
        raise CheckerBrokeError(child.wait(), list(tail))
    return child.wait()

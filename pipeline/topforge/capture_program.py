"""Runs `python -m topforge_capture` for a person, with its progress in one line of the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from topforge import terminal_style
from topforge.environments import environment, prefix_discovery, prefixes, private_environment
from topforge.errors import FailureClass, TopForgeError
from topforge.items import EnvironmentSpec
from topforge.terminal_style import OneLine
from topforge.trainers.capture_step import CaptureStep, summary

NEEDED = ("numpy", "imageio")
_TAIL = 12
"""Lines shown of a program that broke."""


class NoSuitableEnvironmentError(TopForgeError):
    """Neither this Python nor TopForge's private one can read images."""

    def __init__(self, missing: List[str]) -> None:
        super().__init__(
            "%s has no %s, which reading images needs." % (sys.executable, " and no ".join(missing)),
            "Give an environment that has them with --env, or run scripts/quickstart.py once, which makes one.",
        )


class BrokeError(TopForgeError):
    """The program ended without a verdict."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, exit_code: int, tail: List[str]) -> None:
        super().__init__(
            "topforge_capture ended with exit code %d and no verdict:\n%s" % (exit_code, "\n".join(tail)),
            "Run `topforge doctor` on its environment.",
        )


class FailedError(TopForgeError):
    """The program said no, in its own words."""

    def __init__(self, verdict: Dict[str, Any]) -> None:
        super().__init__(verdict["reason"], verdict["fix"])
        self.failure_class = FailureClass(verdict["class"])


def run(adapter: CaptureStep, wanted: Optional[str], words: Sequence[str]) -> Tuple[int, str]:
    """Runs it to its end.

    Args:
        adapter: Whose lines they are.
        wanted: The environment asked for, a root or a name; None = one that can read images.
        words: The command line; `{python}` stands for the environment's interpreter.

    Returns:
        The exit code, and the report as text.

    Raises:
        FailedError: It could not do what was asked for.
        BrokeError: It ended without a verdict.
    """
    resolved = environment.resolve(environment_for(wanted), os.environ, trainer=adapter.name)
    width = str(terminal_style.width())  # its pipe knows none
    child = subprocess.Popen(
        [resolved.python if word == "{python}" else word for word in words],
        env=dict(resolved.variables, COLUMNS=width),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return _follow(adapter, child)


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


def _follow(adapter: CaptureStep, child: subprocess.Popen[str]) -> Tuple[int, str]:
    assert child.stdout is not None
    progress = OneLine(sys.stderr)
    lines: List[str] = []
    verdict: Optional[Dict[str, Any]] = None
    for line in child.stdout:
        report = adapter.parse(line)
        if report is not None and report.progress is not None:
            progress.show(report.progress, report.message or "")
        elif summary(line) is not None:
            verdict = summary(line)
        else:
            lines.append(line.rstrip())
    progress.erase()
    exit_code = child.wait()
    if verdict is None:
        raise BrokeError(exit_code, lines[-_TAIL:])
    if "class" in verdict:
        raise FailedError(verdict)
    return exit_code, "\n".join(lines)

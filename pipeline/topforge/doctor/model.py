"""What a check is and what it can say."""

from __future__ import annotations

import dataclasses
import enum
from typing import Callable, List, Sequence, Tuple, TypeVar

from topforge.errors import TopForgeError

_Function = TypeVar("_Function", bound=Callable[..., "Outcome"])


class Status(str, enum.Enum):
    """The verdict of one check."""

    OK = "ok"
    WARNING = "warning"
    """Works, but not as well as it could, or may fail later."""
    PROBLEM = "problem"
    """A run with this trainer would fail."""
    SKIPPED = "skipped"
    """Not looked at; the message says why."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one check found."""

    status: Status
    message: str
    """What is there, or what is wrong and what it leads to."""
    fix: str = ""
    """What to do, with the command to type; only for warnings and problems."""


def ok(message: str) -> Outcome:
    """All is well."""
    return Outcome(Status.OK, message)


def warning(message: str, fix: str) -> Outcome:
    """It works, but."""
    return Outcome(Status.WARNING, message, fix)


def problem(message: str, fix: str) -> Outcome:
    """A run would fail."""
    return Outcome(Status.PROBLEM, message, fix)


def skipped(reason: str) -> Outcome:
    """Not looked at, because."""
    return Outcome(Status.SKIPPED, reason)


@dataclasses.dataclass(frozen=True)
class Finding:
    """An outcome with the check it belongs to."""

    name: str
    """Stable, for programs: "numpy"."""
    title: str
    """For people: "NumPy"."""
    outcome: Outcome


class Checks:
    """An ordered list of named checks, filled by decorating functions."""

    def __init__(self) -> None:
        self._checks: List[Tuple[str, str, Callable[..., Outcome]]] = []

    def add(self, name: str, title: str) -> Callable[[_Function], _Function]:
        """Decorator: the function below is the check `name`, shown as `title`."""

        def register(function: _Function) -> _Function:
            self._checks.append((name, title, function))
            return function

        return register

    def run(self, subject: object) -> Sequence[Finding]:
        """Runs all checks in order. A check that breaks is a finding too, never the end of the others."""
        return [Finding(name, title, _guarded(function, subject)) for name, title, function in self._checks]


def _guarded(function: Callable[..., Outcome], subject: object) -> Outcome:
    try:
        return function(subject)
    except TopForgeError as error:  # it would stop a run as well, in the same words
        return problem(error.reason, error.fix)
    except Exception as error:  # whatever a broken machine throws at one check, the others still have to tell
        return warning(
            "the check itself failed: %s: %s" % (type(error).__name__, error),
            "Please report this with the output of `topforge doctor --paste`.",
        )

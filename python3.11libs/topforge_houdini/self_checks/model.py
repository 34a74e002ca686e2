"""Checks, their findings, and what they share."""

from __future__ import annotations

import dataclasses
import enum
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hou

_LONGEST = 300
"""Characters of an unexpected error in its line."""


class Status(str, enum.Enum):
    """How a check ended."""

    PASS = "PASS"
    FAIL = "FAIL"
    SKIP = "SKIP"
    """It could not be looked at; why is in the message."""
    NOTE = "NOTE"
    """An answer to a question, neither good nor bad."""


class FailedError(Exception):
    """What was looked at is not as it should be."""


class SkippedError(Exception):
    """It cannot be looked at here."""


@dataclasses.dataclass
class Bench:
    """What checks hand on to later ones. A field is None until the check that makes it has succeeded."""

    folder: Path
    """Working directory for scenes and runs, removed at the end."""
    quick: bool
    """Nothing is trained."""
    network: hou.OpNode | None = None
    """The quickstart's TOP network."""
    result: Path | None = None
    """result.json of the training."""

    def need_network(self) -> hou.OpNode:
        """The network.

        Raises:
            SkippedError: The check that makes it failed.
        """
        if self.network is None:
            raise SkippedError("the quickstart network could not be made")
        return self.network

    def need_result(self) -> Path:
        """The training's result.json.

        Raises:
            SkippedError: Nothing was trained.
        """
        if self.result is None:
            raise SkippedError("nothing was trained (--quick)" if self.quick else "the training did not succeed")
        return self.result


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a check found out."""

    message: str
    """One line."""
    details: Any = None
    """JSON values for the report."""


Function = Callable[[Bench], "Answer | str"]


@dataclasses.dataclass(frozen=True)
class Check:
    """Something to look at."""

    title: str
    function: Function
    question: bool = False
    """It answers something that the documentation leaves open: an error is no failure of TopForge."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What came of a check."""

    title: str
    status: Status
    message: str
    seconds: float
    details: Any = None
    trace: str = ""
    """Of an error that nobody expected."""


def run(check: Check, bench: Bench) -> Finding:
    """Runs a check, whatever happens in it."""
    started = time.monotonic()
    details, trace = None, ""
    try:
        found = check.function(bench)
        answer = found if isinstance(found, Answer) else Answer(found)
        status, message, details = Status.NOTE if check.question else Status.PASS, answer.message, answer.details
    except SkippedError as reason:
        status, message = Status.SKIP, str(reason)
    except FailedError as reason:
        status, message = Status.NOTE if check.question else Status.FAIL, str(reason)
    except Exception as error:  # the reason of this script: to find what nobody expected, and to go on
        status, message = Status.NOTE if check.question else Status.FAIL, _words(error)
        message = "no answer (%s)" % message if check.question else message
        trace = traceback.format_exc()
    return Finding(check.title, status, " ".join(message.split()), time.monotonic() - started, details, trace)


def _words(error: Exception) -> str:
    text = "%s: %s" % (type(error).__name__, " ".join(str(error).split()))
    return text if len(text) < _LONGEST else text[:_LONGEST] + "..."


def expect(condition: object, message: str) -> None:
    """Fails the check unless the condition holds."""
    if not condition:
        raise FailedError(message)

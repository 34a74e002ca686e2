"""What the adapters that make or look at captures share: how their child tells its progress and its failure.

The child prints `progress=0.42 message=...`, and at a failure a last line `summary=` with a JSON object that holds
`reason` and `fix`, and `class` where the failure is not one of the input.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from topforge.errors import FailureClass, TopForgeError
from topforge.trainers.base import Adapter, Diagnosis, Report

SUMMARY = "summary="
"""Begins the child's last line."""

_PROGRESS = re.compile(r"^progress=([0-9.]+) message=(.*)$")
_MISSING_MODULE = re.compile(r"^(?:ModuleNotFoundError|ImportError): No module named '([^']+)'")


class NoReportError(TopForgeError):
    """The child ended well without what it had to write."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, what: str) -> None:
        super().__init__("It ended without an error, but %s." % what, "Run it again; keep the log if it repeats.")


class CaptureStep(Adapter):
    """An adapter whose only child speaks as above."""

    install = "pip install numpy imageio"
    """What brings the child's packages into an environment."""

    def parse(self, line: str) -> Optional[Report]:
        """Reads `progress=0.42 message=...`; the other lines are for people."""
        match = _PROGRESS.match(line.strip())
        if not match:
            return None
        try:
            progress = float(match.group(1))
        except ValueError:
            return None  # a torn line
        return Report(progress=min(max(progress, 0.0), 1.0), stage=self.name, message=match.group(2))

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """The child's own words, from the summary line; or the package that the environment lacks."""
        for line in reversed(tail):
            missing = _MISSING_MODULE.match(line)
            if missing:
                fix = "Install it there (`%s`), or choose an environment that has it." % self.install
                reason = 'The environment has no Python package "%s", which "%s" needs.' % (missing.group(1), self.name)
                return Diagnosis(FailureClass.CONFIG, reason, fix)
            found = summary(line)
            if found and found["reason"]:
                kind = FailureClass(found.get("class", FailureClass.CONFIG.value))
                return Diagnosis(kind, self.told(found["reason"]), found["fix"])
        return None

    def told(self, reason: str) -> str:
        """The child's reason, as a sentence of the item."""
        return reason


def summary(line: str) -> Optional[Dict[str, Any]]:
    """The content of the child's last line (reason, fix, and more); None for any other line."""
    if not line.startswith(SUMMARY):
        return None
    try:
        found = json.loads(line[len(SUMMARY) :])
    except ValueError:
        return None  # a torn line
    return found if isinstance(found, dict) and {"reason", "fix"} <= set(found) else None


def read_report(path: Path) -> Dict[str, Any]:
    """A JSON object that the child had to write.

    Raises:
        NoReportError: It did not.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoReportError("%s cannot be read (%s)" % (path, error)) from error
    assert isinstance(report, dict)
    return report

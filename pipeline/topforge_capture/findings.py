"""What a check says about a capture."""

from __future__ import annotations

import dataclasses
import enum
from typing import Tuple


class Severity(str, enum.Enum):
    """How much a finding matters. Their order is that of a report."""

    ERROR = "error"
    """Training would fail, or learn something wrong."""
    WARNING = "warning"
    """The result will be worse than it could be."""
    NOTE = "note"
    """Good to know."""
    FINE = "fine"
    """Looked at and found in order."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing a check found."""

    severity: Severity
    code: str
    """Short and stable: "missing-image"."""
    sentence: str
    """What it is, with numbers, for people."""
    fix: str = ""
    """What to do about it; "" when nothing is to be done."""
    files: Tuple[str, ...] = ()
    """The images or pose files concerned, relative to the capture, with `/`."""


def counted(count: int, one: str, many: str) -> str:
    """A subject with its verb in the right number: `one`, or `many` with `%d` filled in."""
    return one if count == 1 else many % count


def fine(code: str, sentence: str) -> Finding:
    """A finding that all is well."""
    return Finding(Severity.FINE, code, sentence)

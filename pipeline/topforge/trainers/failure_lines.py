"""How a child of ours says why it failed: three lines on stdout, written by it and read by its adapter."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from topforge.errors import FailureClass, TopForgeError
from topforge.trainers.base import Diagnosis

_CLASS, _REASON, _FIX = _MARKS = ("topforge-error class=", "topforge-reason ", "topforge-fix ")


def lines(failure: TopForgeError) -> Tuple[str, str, str]:
    """The lines that `diagnosis` reads; each sentence on one line."""
    reason, fix = (" ".join(text.split()) for text in (failure.reason, failure.fix))
    return _CLASS + failure.failure_class.value, _REASON + reason, _FIX + fix


def diagnosis(tail: Sequence[str]) -> Optional[Diagnosis]:
    """What the last lines of a child's output say; None = nothing, or not all of it."""
    found = {mark: line[len(mark) :].strip() for line in tail for mark in _MARKS if line.startswith(mark)}
    if len(found) < len(_MARKS):
        return None
    return Diagnosis(FailureClass(found[_CLASS]), found[_REASON], found[_FIX])

"""What a validator finds."""

from __future__ import annotations

from typing import NamedTuple

from topforge_scene.errors import SceneError


class Finding(NamedTuple):
    """One thing that is wrong."""

    code: str
    """Which check found it: L- library, O- operator, DS- interface, X- between sections, PY- Python, C- network,
    H- scene, S- shelf, P- package."""
    file: str
    """The file, and after a colon the entry in it."""
    line: int | None
    """Of the file or entry, counted from 1; None where lines mean nothing."""
    message: str

    def __str__(self) -> str:
        return "%s %s%s: %s" % (self.code, self.file, ":%d" % self.line if self.line else "", self.message)


class Findings(list):
    """A list of `Finding` that checks add to."""

    def add(self, code: str, file: str, message: str, line: int | None = None) -> None:
        self.append(Finding(code, file, line, message))

    def refused(self, code: str, error: SceneError, file: str = "") -> None:
        """Adds what a reader refused."""
        self.add(code, file or error.where, error.problem, error.line)

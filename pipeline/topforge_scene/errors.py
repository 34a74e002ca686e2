"""Failures of reading and writing Houdini's files."""

from __future__ import annotations

from typing import Optional

from topforge.errors import TopForgeError

_FIX_READING = "Save the file again in Houdini, or restore it from your version control."


class SceneError(TopForgeError):
    """A file of Houdini's that is not what its format says.

    Args:
        where: The file or the entry in it, such as `tasks/topnet1/train.parm`.
        problem: What is wrong, a phrase without a full stop.
        line: Where in it, counted from 1; None where lines mean nothing.
        fix: What to do next, one imperative sentence.
    """

    def __init__(self, where: str, problem: str, line: Optional[int] = None, fix: str = _FIX_READING) -> None:
        place = where if line is None else "%s, line %d" % (where, line)
        super().__init__("%s: %s." % (place, problem), fix)
        self.where = where
        self.problem = problem
        self.line = line

    def within(self, file: str) -> SceneError:
        """The same failure, told with the file that holds the entry."""
        return SceneError("%s: %s" % (file, self.where), self.problem, self.line, self.fix)

"""Reading a text entry piece by piece, with the line of what does not fit."""

from __future__ import annotations

from typing import Match, Optional, Pattern

from topforge_scene.errors import SceneError


def text_of(data: bytes, where: str) -> str:
    """The text of an entry.

    Raises:
        SceneError: Not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SceneError(where, "not UTF-8", data.count(b"\n", 0, error.start) + 1) from None


class Scanner:
    """A position in an entry's text.

    Args:
        data: The entry.
        where: Its name, for messages.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.text = text_of(data, where)
        self.where = where
        self.position = 0

    def accept(self, pattern: Pattern[str]) -> Optional[Match[str]]:
        """What matches here, stepping behind it; None, without a step, when nothing does."""
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def expect(self, pattern: Pattern[str], what: str) -> Match[str]:
        """As `accept`, but something must match.

        Raises:
            SceneError: It does not; `what` says what belongs here.
        """
        match = self.accept(pattern)
        if match is None:
            found = self.text[self.position : self.position + 40].split("\n", 1)[0]
            raise self.failure("expected %s, found %s" % (what, '"%s"' % found if found else "the end of the line"))
        return match

    def finish(self) -> None:
        """Refuses anything after the end."""
        if self.position != len(self.text):
            raise self.failure("there is more after the end")

    def failure(self, problem: str) -> SceneError:
        """The error for a problem here."""
        return SceneError(self.where, problem, self.text.count("\n", 0, self.position) + 1)

"""Colour in a terminal: only where someone looks, and never as the only carrier of meaning."""

from __future__ import annotations

import dataclasses
import shutil
from typing import Mapping, TextIO


@dataclasses.dataclass(frozen=True)
class Style:
    """Marks text with ANSI colours, or leaves it as it is."""

    enabled: bool

    def good(self, text: str) -> str:
        """Green: all is well."""
        return self._mark(text, "32")

    def notice(self, text: str) -> str:
        """Yellow: worth a look."""
        return self._mark(text, "33")

    def bad(self, text: str) -> str:
        """Red: needs a hand."""
        return self._mark(text, "1;31")

    def dim(self, text: str) -> str:
        """Grey: beside the point."""
        return self._mark(text, "2")

    def bold(self, text: str) -> str:
        """Bold: a title."""
        return self._mark(text, "1")

    def _mark(self, text: str, code: str) -> str:
        return "\033[%sm%s\033[0m" % (code, text) if self.enabled else text


PLAIN = Style(False)


class OneLine:
    """A line of a terminal that is written over again and again; nothing where the stream is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        """Writes nothing yet."""
        self._stream = stream if stream.isatty() else None
        self._is_shown = False

    def show(self, share: float, message: str) -> None:
        """How far something is; cut to the terminal, for a line that wraps cannot be written over."""
        self.erase()
        self._write(("%3.0f %%  %s" % (100 * share, message))[: width() - 1])
        self._is_shown = True

    def erase(self) -> None:
        """Removes the line, for others to come."""
        if self._is_shown:
            self._write("\r\033[K")
        self._is_shown = False

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()


def style_for(stream: TextIO, environment: Mapping[str, str]) -> Style:
    """Colours for a terminal, none for files and pipes, nor where NO_COLOR is set (no-color.org) or TERM is "dumb"."""
    wanted = stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    return Style(wanted)


def width() -> int:
    """Columns to write into: the terminal's, at most 120; 100 where there is none."""
    return min(shutil.get_terminal_size((100, 24)).columns, 120)

r"""Words of Houdini's text entries: bare, or between quotes where only `\` and `"` are escaped."""

from __future__ import annotations

import re

QUOTED = r'"(?:[^"\\]|\\.)*"'
"""Pattern of a quoted word; use it with re.DOTALL, newlines are literal."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_./$@:*+,=%`~!?&|<>^-]+")
"""What we write bare. Houdini leaves a little more bare (`$(NAME)`); quotes are understood all the same."""


def escape(text: str) -> str:
    r"""With `\` before each `\` and `"`."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def unescape(text: str) -> str:
    """Without the escapes."""
    return _ESCAPE.sub(r"\1", text)


def quote(text: str) -> str:
    """Always between quotes."""
    return '"%s"' % escape(text)


def is_bare(text: str) -> bool:
    """Whether a text can stand without quotes."""
    return _BARE.fullmatch(text) is not None


def word(text: str) -> str:
    """Bare where that is possible, between quotes otherwise."""
    return text if is_bare(text) else quote(text)


def plain(token: str) -> str:
    """The text of a word as it stands in a file, with or without quotes."""
    return unescape(token[1:-1] if token.startswith('"') and len(token) > 1 else token)

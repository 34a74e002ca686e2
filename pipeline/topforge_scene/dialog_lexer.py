"""The words of DialogScript: braces, brackets, quoted text and bare words; whitespace and comments fall away.

A comment runs from # to the end of its line, or as in C. In quotes a backslash escapes quotes, itself and line ends.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

from topforge_scene.errors import SceneError

WORD, STRING, END = "word", "string", "end"
_ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_LEXEME = re.compile(
    r"""
      (?P<blank>  \s+ | \#[^\n]* | /\*.*?\*/ )
    | (?P<sign>   [{}\[\]] )
    | (?P<string> "(?:[^"\\]|\\.)*" )
    | (?P<word>   [^\s{}\[\]"\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One word of the file."""

    kind: str
    """WORD, STRING (quoted), END, or the brace or bracket itself."""
    text: str
    """Without quotes, escapes resolved."""
    line: int
    """Counted from 1."""


def tokens(text: str, where: str) -> List[Token]:
    """All words, and an END behind them.

    Raises:
        SceneError: A quote that is never closed, an escape nobody knows.
    """
    found, position, line = [], 0, 1
    while position < len(text):
        match = _LEXEME.match(text, position)
        if match is None or (match.group().startswith("/*") and match.lastgroup == "word"):
            raise SceneError(where, "a quote or a comment that is never closed", line)
        kind, lexeme = str(match.lastgroup), match.group()
        if kind != "blank":
            plain = _unquoted(lexeme, where, line) if kind == "string" else lexeme
            found.append(Token(lexeme if kind == "sign" else kind, plain, line))
        line += lexeme.count("\n")
        position = match.end()
    return [*found, Token(END, "the end of the file", line)]


def quoted(text: str) -> str:
    """Text between quotes; line ends become escapes."""
    for plain, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escape)
    return '"%s"' % text


def is_bare(text: str) -> bool:
    """Whether a text reads as one word without quotes."""
    match = _LEXEME.fullmatch(text)
    return match is not None and match.lastgroup == "word" and not text.startswith("/*")


def _unquoted(lexeme: str, where: str, line: int) -> str:
    def resolve(match: re.Match[str]) -> str:
        if match.group(1) not in _ESCAPES:
            raise SceneError(where, "unknown escape %s in quoted text" % match.group(), line)
        return _ESCAPES[match.group(1)]

    return re.sub(r"\\(.)", resolve, lexeme[1:-1], flags=re.DOTALL)


class Cursor:
    """A place in the words of a file, moved by taking them.

    Args:
        text: DialogScript.
        where: What to call it in errors.
    """

    def __init__(self, text: str, where: str) -> None:
        self._tokens = tokens(text, where)
        self._next = 0
        self.where = where

    @property
    def ahead(self) -> Token:
        """The next word, not taken yet."""
        return self._tokens[self._next]

    def take(self) -> Token:
        """The next word, whatever it is."""
        token = self.ahead
        self._next += token.kind != END
        return token

    def problem(self, problem: str, token: Token) -> SceneError:
        """A failure at a word, to raise."""
        return SceneError(self.where, problem, token.line)

    def expect(self, *signs: str) -> Token:
        """The next word, which is one of these braces or brackets (or END).

        Raises:
            SceneError: It is something else.
        """
        token = self.take()
        if token.kind not in signs:
            raise self.problem("%s expected, found %s" % (" or ".join(signs), token.text), token)
        return token

    def value(self) -> str:
        """The text of the next word, quoted or bare.

        Raises:
            SceneError: It is a brace, a bracket, or the end.
        """
        return self.expect(WORD, STRING).text

    def integer(self) -> int:
        """The next word as a number.

        Raises:
            SceneError: It is not an integer.
        """
        token = self.expect(WORD, STRING)
        if re.fullmatch(r"-?[0-9]+", token.text) is None:
            raise self.problem("an integer expected, found %s" % token.text, token)
        return int(token.text)

    def block(self) -> Tuple[str, ...]:
        """All words between a pair of braces."""
        self.expect("{")
        words = []
        while self.ahead.kind != "}":
            words.append(self.value())
        self.expect("}")
        return tuple(words)

"""When a parameter is hidden or disabled: `{ mode == name limited == 0 } { hasinput(0) == 0 }`, taken apart.

Comparisons inside one pair of braces must all hold; one pair that holds is enough.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

from topforge_scene.errors import SceneError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<sign>     [{}] )
    | (?P<operator> ==|!=|<=|>=|=~|!~|<|> )
    | (?P<quoted>   "(?:[^"\\]|\\.)*" | '[^']*' )
    | (?P<word>     [A-Za-z0-9_.\#:$/*?^-]+ (?:\([^(){}]*\))? )
    )""",
    re.VERBOSE,
)


class Comparison(NamedTuple):
    """One comparison of a condition."""

    left: str
    """The name of a parameter, or a call such as `hasinput(0)`."""
    operator: str
    """`==`, `!=`, `<`, `>`, `<=`, `>=`, `=~` (matches a pattern), `!~`."""
    right: str
    """A token, a number, a text without its quotes, or the name of a parameter."""


def parse(text: str, where: str) -> Tuple[Tuple[Comparison, ...], ...]:
    """The groups of a condition, each with its comparisons.

    Args:
        text: The value of hidewhen, disablewhen, hidewhentab or disablewhentab.
        where: What to call it in errors.

    Raises:
        SceneError: Not of that form.
    """
    tokens = _tokens(text, where)
    groups: List[Tuple[Comparison, ...]] = []
    while tokens:
        if tokens.pop(0) != ("sign", "{"):
            raise SceneError(where, "{ expected in the condition %s" % text)
        group: List[Comparison] = []
        while tokens and tokens[0] != ("sign", "}"):
            group.append(_comparison(tokens, text, where))
        if not tokens or not group:
            raise SceneError(where, "a pair of braces is empty or open in the condition %s" % text)
        tokens.pop(0)
        groups.append(tuple(group))
    if not groups:
        raise SceneError(where, "the condition is empty")
    return tuple(groups)


def _comparison(tokens: List[Tuple[str, str]], text: str, where: str) -> Comparison:
    kinds = [kind for kind, _ in tokens[:3]]
    if kinds[0] != "word" or kinds[1:2] != ["operator"] or kinds[2:] not in (["word"], ["quoted"]):
        raise SceneError(where, "a name, an operator and a value expected at %s in %s" % (tokens[0][1], text))
    left, operator, right = (tokens.pop(0)[1] for _ in range(3))
    return Comparison(left, operator, right[1:-1] if kinds[2] == "quoted" else right)


def _tokens(text: str, where: str) -> List[Tuple[str, str]]:
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise SceneError(where, "%s is not understood in the condition %s" % (text[position:].split()[0], text))
        found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        position = match.end()
    return found

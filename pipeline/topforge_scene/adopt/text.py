"""Texts of parameters: variables expanded, attributes left as references. Nothing is ever evaluated."""

from __future__ import annotations

import dataclasses
import re
from typing import List, Mapping, Optional, Tuple, Union

from topforge_scene.adopt.reasons import ReasonError


@dataclasses.dataclass(frozen=True)
class Reference:
    """The value of an attribute, put into a text."""

    name: str


Piece = Union[str, Reference]
Text = Tuple[Piece, ...]
"""Literal text and references, in order."""

_TOKEN = re.compile(
    r"(?P<plain>[^$`\\]+)|\$(?:\{(?P<braced>\w+)\}|(?P<name>[A-Za-z_]\w*))|`(?P<expression>[^`]*)`|(?P<odd>[$`\\])",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"\s*@([A-Za-z_]\w*)\s*")
_FRAME = re.compile(r"F+\d*|T|FF|FSTART|FEND|NFRAMES|RFSTART|RFEND|CH|CY|SF|ST")
_COOK_TIME = "is known only while a work item cooks"


def parse(text: str, variables: Mapping[str, str], node: str, parm: str) -> Text:
    """A parameter's text with variables expanded and attribute references taken apart.

    Args:
        text: As the scene stores it.
        variables: What `$NAME` stands for.
        node: Path of the node, for reasons.
        parm: Name of the parameter, for reasons.

    Raises:
        ReasonError: An expression other than `@name`, an unknown variable, or an escape.
    """
    pieces: List[Piece] = []
    for match in _TOKEN.finditer(text):
        if match.group("plain"):
            pieces.append(match.group("plain"))
        elif match.group("expression") is not None:
            pieces.append(_reference(match.group("expression"), node, parm))
        elif match.group("odd") == "\\":
            raise ReasonError(node, "%s holds a backslash, whose meaning differs between systems" % parm)
        elif match.group("odd"):
            raise ReasonError(node, '%s holds a single "%s"' % (parm, match.group("odd")))
        else:
            pieces.append(_variable(match.group("braced") or match.group("name"), variables, node, parm))
    return joined(pieces)


def joined(pieces: List[Piece]) -> Text:
    """The same text with neighbouring literals made one, and none of them empty."""
    result: List[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and result and isinstance(result[-1], str):
            result[-1] += piece
        elif piece != "":
            result.append(piece)
    return tuple(result)


def literal(text: Text) -> str:
    """A text without references as a string.

    Raises:
        ValueError: It has references.
    """
    if any(isinstance(piece, Reference) for piece in text):
        raise ValueError("the text depends on attributes")
    return "".join(piece for piece in text if isinstance(piece, str))


def is_literal(text: Text) -> bool:
    """Whether a text has no references."""
    return all(isinstance(piece, str) for piece in text)


def unknown(text: Text, values: Mapping[str, Text]) -> Optional[str]:
    """The first attribute that the text uses and `values` lacks."""
    names = (piece.name for piece in text if isinstance(piece, Reference))
    return next((name for name in names if name not in values), None)


def filled(text: Text, values: Mapping[str, Text]) -> Text:
    """With the references that `values` knows replaced by their texts."""
    pieces: List[Piece] = []
    for piece in text:
        pieces.extend(values.get(piece.name, (piece,)) if isinstance(piece, Reference) else (piece,))
    return joined(pieces)


def _reference(expression: str, node: str, parm: str) -> Reference:
    match = _ATTRIBUTE.fullmatch(expression)
    if match is None:
        shown = " ".join(expression.split())
        raise ReasonError(node, "%s holds the expression `%s`; only `@attribute` can be carried over" % (parm, shown))
    if match.group(1).startswith("pdg_"):
        raise ReasonError(node, "%s uses @%s, which %s" % (parm, match.group(1), _COOK_TIME))
    return Reference(match.group(1))


def _variable(name: str, variables: Mapping[str, str], node: str, parm: str) -> str:
    if name in variables:
        return variables[name]
    if _FRAME.fullmatch(name):
        raise ReasonError(node, "%s uses $%s, which changes with time" % (parm, name))
    raise ReasonError(node, "%s uses $%s, which neither the scene nor this environment defines" % (parm, name))

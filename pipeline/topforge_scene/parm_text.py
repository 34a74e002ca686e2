"""`.parm`: what a node's parameters are set to.

    {
    version 0.8
    limit<TAB>[ 0<TAB>locks=0 ]<TAB>(<TAB>[ limit<TAB>0 ] <TAB>)       follows the channel `limit` of the `.chn` entry
    generate<TAB>[ 0<TAB>locks=0 ]<TAB>(<TAB>"2"<TAB>)                  a menu: always in quotes
    }

A string of digits is stored like a number, so that a reader cannot tell "10" from 10: it gets the number, whose text
is the same. Strings that no program would print as a number ("0001", "1.10") stay strings.
"""

from __future__ import annotations

import math
import re
from typing import List, Mapping, NamedTuple, Sequence, Tuple, Union

from topforge_scene import quoting
from topforge_scene.errors import SceneError
from topforge_scene.network import Channel, Parm, Token, Value
from topforge_scene.scanner import Scanner


class Expression(NamedTuple):
    """What a channel computes."""

    text: str
    language: str


_HEAD = re.compile(r"\{\nversion 0\.8\n")
_LINE = re.compile(r"([^\s{}]+)\t\[ \d+\tlocks=-?\d+(?:\t\w+=[^\t\n\]]*)* \]\t\(\t")
_VALUE = re.compile(r'(%s|[^\s")][^\s]*)\t' % quoting.QUOTED, re.DOTALL)
_CHANNEL = re.compile(r'\[ ([^\s]+)\t(%s|[^\s"][^\s]*) \] \t' % quoting.QUOTED, re.DOTALL)
_END_OF_LINE = re.compile(r"\)\n")
_TAIL = re.compile(r"\}\n")
_NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]?\d+)?")
_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}")
_COMPONENTS = "xyzw"


def write(parms: Sequence[Parm]) -> bytes:
    """The entry.

    Raises:
        SceneError: A name with blanks, or a number that is not finite.
        TypeError: A value of another type than `Value`; a toggle is `Token("on")`, not True.
    """
    lines = ["{\nversion 0.8\n"]
    for parm in parms:
        if not re.fullmatch(r"[^\s{}\[\]()\"]+", parm.name):
            raise SceneError(parm.name, "a parameter cannot have this name", fix="Use letters, digits and `_`.")
        values = "".join(_written(parm, index) + "\t" for index in range(len(parm.values)))
        lines.append("%s\t[ 0\tlocks=0 ]\t(\t%s)\n" % (parm.name, values))
    return ("".join(lines) + "}\n").encode("utf-8")


def channels(parms: Sequence[Parm]) -> List[Tuple[str, Channel]]:
    """The channels that these parameters follow, by channel name."""
    found = []
    for parm in parms:
        for index, value in enumerate(parm.values):
            if isinstance(value, Channel):
                found.append((channel_name(parm, index), value))
    return found


def channel_name(parm: Parm, index: int) -> str:
    """Name of a component's channel: the parameter's, with x, y, z or w when there are several components."""
    if len(parm.values) == 1:
        return parm.name
    if index >= len(_COMPONENTS):
        raise SceneError(parm.name, "component %d cannot follow an expression" % index, fix="Set it to a value.")
    return parm.name + _COMPONENTS[index]


def text(value: Union[str, int, float, Token]) -> str:
    """A value as text: what a string parameter of this value holds."""
    if isinstance(value, Token):
        return value.text
    return value if isinstance(value, str) else _number(value)


def read(data: bytes, where: str, channels: Mapping[str, Expression]) -> Tuple[Parm, ...]:
    """The settings of a `.parm` entry.

    Args:
        data: The entry.
        where: Its name, for messages.
        channels: What `channel_text.read` found in the `.chn` entry beside it. A channel that it lacks (12 of 31,718
            measured files) leaves the value that was stored.

    Raises:
        SceneError: The entry is malformed.
    """
    scanner = Scanner(data, where)
    scanner.expect(_HEAD, "`{` and `version 0.8`")
    parms: List[Parm] = []
    while not scanner.accept(_TAIL):
        name = scanner.expect(_LINE, "a parameter").group(1)
        values: List[Value] = []
        while not scanner.accept(_END_OF_LINE):
            channel = scanner.accept(_CHANNEL)
            if channel is None:
                values.append(_value(scanner.expect(_VALUE, "a value or `)`").group(1)))
            elif channel.group(1) in channels:
                expression = channels[channel.group(1)]
                values.append(Channel(expression.text, _value(channel.group(2)), expression.language))
            else:
                values.append(_value(channel.group(2)))
        parms.append(Parm(name, tuple(values)))
    scanner.finish()
    return tuple(parms)


def _written(parm: Parm, index: int) -> str:
    value = parm.values[index]
    if isinstance(value, Channel):
        return "[ %s\t%s ] " % (channel_name(parm, index), _plain_value(value.value, parm.name))
    return _plain_value(value, parm.name)


def _plain_value(value: Union[str, int, float, Token], name: str) -> str:
    if isinstance(value, Token):
        return quoting.quote(value.text)
    if isinstance(value, str):
        return quoting.word(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError('parameter %s: %r is no value of a parameter; a toggle is Token("on")' % (name, value))
    if not math.isfinite(value):
        raise SceneError(name, "%r cannot be stored" % value, fix="Give a finite number.")
    return _number(value)


def _number(value: Union[int, float]) -> str:
    written = repr(value)
    return written[:-2] if written.endswith(".0") else written


def _value(token: str) -> Union[str, int, float, Token]:
    plain = quoting.plain(token)
    if token.startswith('"'):
        return Token(plain) if quoting.is_bare(plain) else plain
    return _from_number(plain) if _NUMBER.fullmatch(plain) else plain


def _from_number(word: str) -> Union[str, int, float]:
    """The number that is printed as `word`, or `word` itself when none is."""
    if _WHOLE.fullmatch(word):
        return int(word)
    try:
        number = float(word)
    except ValueError:
        return word
    return number if word in (_number(number), "%.17g" % number, "%g" % number) else word

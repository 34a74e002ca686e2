"""The strict grammar of a node's entries, written down apart from the readers in `topforge_scene`.

Narrower than what Houdini writes: exactly what our own files may hold. Each function takes an entry's text and gives
what it says, or raises `Malformed`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

QUOTED = r'"(?:[^"\\]|\\[\\"])*"'
BARE = r"[A-Za-z0-9_./$@:*+,=%`~!?&|<>^-]+"
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-][0-9]+)?"
TIME = 1700000000
"""The one time that all of our files carry."""


class Malformed(Exception):
    """An entry that does not fit its grammar."""

    def __init__(self, code: str, message: str, line: int) -> None:
        super().__init__(message)
        self.code = code
        self.line = line


class Input(NamedTuple):
    """One line of `inputsNamed3` and the line of `inputs` that belongs to it."""

    own_id: int
    source: str
    """A node, `(N)` for an input of the network around, "" for nothing."""
    source_id: int | None
    label: str
    index: int
    source_output: int


class Definition(NamedTuple):
    """A `.def`."""

    next_id: int
    flags: dict[str, bool]
    outputs: list[tuple[int, str]]
    inputs: list[Input]
    color: str


class Value(NamedTuple):
    """One value of a `.parm` line."""

    text: str
    quoted: bool
    channel: str
    """The channel that it follows; "" for none."""


class Channel(NamedTuple):
    """One channel of a `.chn`."""

    expression: str
    language: str


_FLAGS = (
    r"lock off model off template off footprint off xray off bypass (on|off) display (on|off) render (on|off)"
    r" highlight off unload off savedata off compress (on|off) colordefault (on|off) exposed (on|off)"
)
_HEADS = {
    "Sop": r"sopflags sopflags = \n",
    "Object": r"objflags objflags =  origin off\npretransform UT_DMatrix4 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\n",
}
_MORE_FLAGS = {"Object": " selectable on", "Lop": " debug off"}
_DEFINITION = (
    r"comment %(quoted)s\nposition %(number)s %(number)s\nconnectornextid ([0-9]+)\nflags =  %(flags)s\n"
    r"outputsNamed3\n\{\n((?:[0-9]+ \"[a-z0-9_]+\"\n)*)\}\n"
    r"inputsNamed3\n\{\n((?:[^\n]+\n)*?)\}\ninputs\n\{\n((?:[^\n]+\n)*?)\}\n"
    r"stat\n\{\n  create %(time)d\n  modify %(time)d\n  author topforge@localhost\n  access 0777\n\}\n"
    r"color UT_Color RGB (%(number)s %(number)s %(number)s) \ndelscript \"\"\nexprlanguage hscript\nend\n"
)
_NOTE = (
    r"text %(quoted)s\nposition %(number)s %(number)s\nsize %(number)s %(number)s\nflags = minimize off\n"
    r"stat\n\{\n  create %(time)d\n  modify %(time)d\n  author topforge@localhost\n  access 0777\n\}\n"
    r"color UT_Color RGB %(number)s %(number)s %(number)s \nend\n"
)
_NAMED = re.compile(r'([0-9]+) \t([A-Za-z0-9_]+|\([0-9]+\)|"") ([0-9]+|"") 1 "(input[0-9]+)"')
_INPUT = re.compile(r'([0-9]+) \t([A-Za-z0-9_]+|\([0-9]+\)|"") ([0-9]+) 1')
_VALUE = re.compile(r"(%s|%s)\t" % (QUOTED, BARE))
_CHANNEL_VALUE = re.compile(r"\[ ([A-Za-z_][A-Za-z0-9_]*)\t(%s|%s) \] \t" % (QUOTED, BARE))
_PARM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\t\[ 0\tlocks=0 \]\t\(\t")
_CHANNEL = re.compile(
    r"    channel ([A-Za-z_][A-Za-z0-9_]*) \{\n      lefttype = extend\n      righttype = extend\n"
    r"(?:      defaultString = %s\n)?      flags = 0\n      segment \{ length = 0 expr = ([^\n]*) \}\n    \}\n" % QUOTED
)


def definition(text: str, table: str, pinned: bool = True) -> Definition:
    """A `.def`; `pinned`: `exposed` must be on, as it is for all nodes but one manager."""
    values = {"quoted": QUOTED, "number": NUMBER, "time": TIME, "flags": _FLAGS + _MORE_FLAGS.get(table, "")}
    match = re.fullmatch(_HEADS.get(table, "") + _DEFINITION % values, text)
    if match is None:
        raise Malformed("C-SYNTAX", "not a .def of a node in a %s network" % table, _first_odd_line(text))
    next_id, *flags, outputs, named, plain, color = match.groups()
    states = dict(zip(("bypass", "display", "render", "compress", "colordefault", "exposed"), flags))
    if pinned and states["exposed"] != "on":
        raise Malformed("C-SYNTAX", "exposed is off", 1)
    pairs = [line.split(" ", 1) for line in outputs.splitlines()]
    return Definition(
        int(next_id),
        {name: state == "on" for name, state in states.items()},
        [(int(number), name[1:-1]) for number, name in pairs],
        _inputs(named.splitlines(), plain.splitlines(), text),
        color,
    )


def note(text: str) -> None:
    """A `.postitdef`."""
    values = {"quoted": QUOTED, "number": NUMBER, "time": TIME}
    if re.fullmatch(_NOTE % values, text) is None:
        raise Malformed("C-SYNTAX", "not a .postitdef", 1)


def parms(text: str) -> list[tuple[str, list[Value], int]]:
    """The lines of a `.parm`: name, values, line number."""
    head = "{\nversion 0.8\n"
    if not text.startswith(head):
        raise Malformed("C-SYNTAX", "does not begin with version 0.8", 1)
    found, position = [], len(head)
    while text[position:] != "}\n":
        line = text.count("\n", 0, position) + 1
        match = _PARM.match(text, position)
        if match is None:
            raise Malformed("C-SYNTAX", "not a line of a parameter", line)
        name, position, values = match.group(1), match.end(), []
        while not text.startswith(")\n", position):
            channel, value = _CHANNEL_VALUE.match(text, position), _VALUE.match(text, position)
            if channel is not None:
                values.append(Value(*_plain(channel.group(2)), channel.group(1)))
            elif value is not None:
                values.append(Value(*_plain(value.group(1)), ""))
            else:
                raise Malformed("C-SYNTAX", "%s: not a value" % name, line)
            position = (channel or value).end()  # type: ignore[union-attr]
        position += 2
        found.append((name, values, line))
    return found


def channels(text: str) -> dict[str, Channel]:
    """The channels of a `.chn`."""
    if not (text.startswith("{\n") and text.endswith("  }\n")):
        raise Malformed("C-SYNTAX", "no braces around the channels", 1)
    found: dict[str, Channel] = {}
    position, end = 2, len(text) - 4
    while position < end:
        line = text.count("\n", 0, position) + 1
        match = _CHANNEL.match(text, position)
        if match is None or match.group(1) in found:
            raise Malformed("C-SYNTAX", "not a channel, or the second of its name", line)
        found[match.group(1)] = _expression(match.group(2), line + 4)
        position = match.end()
    if position != end:
        raise Malformed("C-SYNTAX", "the brace around the channels is missing", text.count("\n"))
    return found


def listed(text: str, what: str) -> list[str]:
    """The lines behind a count: `.order`, `.inp`, `.multiparm`."""
    lines = text.split("\n")
    counted = re.fullmatch("0|[1-9][0-9]*", lines[0]) is not None and int(lines[0]) == len(lines) - 2
    if not counted or lines.pop() != "":
        raise Malformed("C-COUNT", "%s: the number of lines is not the number at the top" % what, 1)
    return lines[1:]


def _expression(words: str, line: int) -> Channel:
    words, language = re.subn(r" language = python$", "", words)
    if re.fullmatch(QUOTED, words):
        return Channel(_plain(words)[0], "python" if language else "hscript")
    if re.search(r"\s", words):
        raise Malformed("C-CHNSPACE", "a blank in an expression without quotes: Houdini uses the default", line)
    if re.search(r'(?<!\\)"', words):
        raise Malformed("C-SYNTAX", "a quote that is not escaped", line)
    return Channel(words.replace('\\"', '"'), "python" if language else "hscript")


def _plain(word: str) -> tuple[str, bool]:
    if word.startswith('"'):
        return re.sub(r'\\([\\"])', r"\1", word[1:-1]), True
    return word, False


def _inputs(named: list[str], plain: list[str], text: str) -> list[Input]:
    found = []
    if len(named) != len(plain):
        raise Malformed("C-INPUTS", "inputsNamed3 and inputs are of different length", _line(text, "inputsNamed3"))
    for one, other in zip(named, plain):
        first, second = _NAMED.fullmatch(one), _INPUT.fullmatch(other)
        if first is None or second is None:
            raise Malformed("C-SYNTAX", "not an input: %s" % (other if first else one), _line(text, one))
        if first.group(2) != second.group(2):
            raise Malformed("C-INPUTS", "inputsNamed3 and inputs name different sources", _line(text, one))
        source_id = None if first.group(3) == '""' else int(first.group(3))
        source = "" if first.group(2) == '""' else first.group(2)
        own = int(first.group(1))
        found.append(Input(own, source, source_id, first.group(4), int(second.group(1)), int(second.group(3))))
    return found


def _line(text: str, part: str) -> int:
    return text.count("\n", 0, text.index(part)) + 1


def _first_odd_line(text: str) -> int:
    known = re.compile(
        r"(comment|position|connectornextid|flags|outputsNamed3|inputsNamed3|inputs|stat|color|delscript|exprlanguage"
        r"|end|sopflags|objflags|pretransform|  (create|modify|author|access))\b|[{}]$|[0-9]+ |$"
    )
    return next((n for n, line in enumerate(text.split("\n"), 1) if not known.match(line)), 1)

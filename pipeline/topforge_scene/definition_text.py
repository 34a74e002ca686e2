"""`.def` and `.postitdef`: where a node stands, how it is wired, its flags and colour; a sticky note's text and place.

Connectors have ids, unique within their node: the inputs' first, then the outputs'. `inputsNamed3` names the id of the
source's output, `inputs` its number. Both list the same sources.
"""

from __future__ import annotations

import colorsys
import dataclasses
import re
from typing import Dict, List, Match, Optional, Pattern, Tuple

from topforge_scene import quoting
from topforge_scene.network import Connection, StickyNote
from topforge_scene.scanner import Scanner

CREATED = 1700000000
"""The time all our files carry, seconds since 1970: what is written twice is the same."""
GREY = (0.8, 0.8, 0.8)
"""The colour of nodes and notes that have none of their own."""
NOTE_YELLOW = (1.0, 0.969, 0.522)
FLAGS = (
    *("lock", "model", "template", "footprint", "xray", "bypass", "display", "render", "highlight", "unload"),
    *("savedata", "compress", "colordefault", "exposed"),
)
"""In the order of the file. Houdini's files go on with others (`selectable`, `debug`, ...)."""


@dataclasses.dataclass(frozen=True)
class Wire:
    """One input."""

    connection: Connection
    source_id: Optional[int]
    """Connector id of the source's output; None where the file has none: an enclosing input, a dot, nothing."""


@dataclasses.dataclass(frozen=True)
class Definition:
    """What a `.def` says."""

    head: Tuple[str, ...] = ()
    """Lines before the comment, such as `sopflags sopflags = `."""
    comment: str = ""
    position: Tuple[float, float] = (0.0, 0.0)
    flags: Dict[str, bool] = dataclasses.field(default_factory=dict)
    outputs: Tuple[Tuple[int, str], ...] = ()
    """(connector id, name)."""
    inputs: Tuple[Tuple[int, Wire], ...] = ()
    """(input number, wire)."""
    color: Tuple[float, float, float] = GREY


_WORD = r"(%s|[^\s\"]*)" % quoting.QUOTED
_FLOAT = r"(-?[\d.]+(?:e[+-]?\d+)?)"
_HEAD_LINE = re.compile(r"((?:language|sopflags|objflags|pretransform)(?: [^\n]*)?)\n")
_COMMENT = re.compile(r"comment %s ?\n" % _WORD, re.DOTALL)
_POSITION = re.compile(r"position %s %s ?\n" % (_FLOAT, _FLOAT))
_CONNECTORS = re.compile(r"connectornextid \d{1,9}\n")
_FLAG_LINE = re.compile(r"flags = +((?:\w+ \w+(?: |(?=\n)))*)\n")
_BLOCK = {name: re.compile(name + r"\n\{\n") for name in ("outputsNamed3", "inputsNamed3", "inputs", "stat")}
_END_OF_BLOCK = re.compile(r"\}\n")
_OUTPUT = re.compile(r"(\d{1,9}) %s ?\n" % _WORD, re.DOTALL)
_NAMED_INPUT = re.compile(r'\d{1,9} \t(\"\"|[^\s"]+) (""|\d{1,9}) \d{1,9} %s ?\n' % _WORD, re.DOTALL)
_INPUT = re.compile(r'(\d{1,9}) \t(""|[^\s"]+) (\d{1,9}) \d{1,9} ?\n')
_STAT = re.compile(r"  (?:create|modify|author|access) [^\n]*\n")
_COLOR = re.compile(r"color UT_Color (RGB|HSV) %s %s %s ?\n" % (_FLOAT, _FLOAT, _FLOAT))
_TAIL = re.compile(
    r"(?:(?:creator|explicit) \S+\n)*delscript %s ?\nexprlanguage (?:hscript|python)\n(?:override ?\{[^{}]*\}\n)?end\n"
    % _WORD,
    re.DOTALL,
)
_NOTE_TEXT = re.compile(r"text %s ?\n" % _WORD, re.DOTALL)
_NOTE_SIZE = re.compile(r"size %s %s ?\n" % (_FLOAT, _FLOAT))
_NOTE_SETTING = re.compile(r"(?:textsize|textcolor|background|flags)\b[^\n]*\n")
_NOTE_END = re.compile(r"end\n")
_MOST_INPUTS = 9999  # what Houdini allows a node


def write(definition: Definition, next_id: int) -> bytes:
    """The entry; `next_id` is the first connector id that is still free."""
    lines = [*definition.head, "comment %s" % quoting.quote(definition.comment)]
    lines += ["position %g %g" % definition.position, "connectornextid %d" % next_id]
    flags = ("%s %s" % (name, "on" if state else "off") for name, state in definition.flags.items())
    lines += ["flags =  " + " ".join(flags), "outputsNamed3", "{"]
    lines += ["%d %s" % (identity, quoting.quote(name)) for identity, name in definition.outputs]
    lines += ["}", "inputsNamed3", "{"]
    for number, wire in definition.inputs:
        identity = '""' if wire.source_id is None else str(wire.source_id)
        lines.append('%d \t%s %s 1 "input%d"' % (number, wire.connection.source or '""', identity, number + 1))
    lines += ["}", "inputs", "{"]
    for number, wire in definition.inputs:
        lines.append("%d \t%s %d 1" % (number, wire.connection.source or '""', wire.connection.output))
    lines += ["}", *_stat_and_color(definition.color), 'delscript ""', "exprlanguage hscript", "end", ""]
    return "\n".join(lines).encode("utf-8")


def read(data: bytes, where: str) -> Definition:
    """The content of a `.def` entry.

    Raises:
        SceneError: The entry is malformed, or its two lists of inputs disagree.
    """
    scanner = Scanner(data, where)
    head = []
    for match in iter(lambda: scanner.accept(_HEAD_LINE), None):
        head.append(match.group(1))
    comment = quoting.plain(scanner.expect(_COMMENT, "`comment`").group(1))
    position = scanner.expect(_POSITION, "`position`")
    scanner.expect(_CONNECTORS, "`connectornextid`")
    flags = scanner.expect(_FLAG_LINE, "`flags`").group(1).split()
    listed = _block(scanner, "outputsNamed3", _OUTPUT)
    outputs = tuple((int(match.group(1)), quoting.plain(match.group(2))) for match in listed)
    named = _block(scanner, "inputsNamed3", _NAMED_INPUT)
    plain = _block(scanner, "inputs", _INPUT)
    if [match.group(1) for match in named] != [match.group(2) for match in plain]:
        raise scanner.failure("`inputsNamed3` and `inputs` list different sources")
    inputs = tuple(_wire(scanner, one, other) for one, other in zip(named, plain))
    _block(scanner, "stat", _STAT)
    color = scanner.expect(_COLOR, "`color`")
    scanner.expect(_TAIL, "`delscript`, `exprlanguage`, `end`")
    scanner.finish()
    states = {name: state == "on" for name, state in zip(flags[::2], flags[1::2])}
    x, y = _floats(scanner, position.groups())
    return Definition(tuple(head), comment, (x, y), states, outputs, inputs, _rgb(scanner, color))


def write_note(note: StickyNote) -> bytes:
    """The `.postitdef` entry of a sticky note."""
    lines = ["text %s" % quoting.quote(note.text), "position %g %g" % note.position, "size %g %g" % note.size]
    lines += ["flags = minimize off", *_stat_and_color(note.color or NOTE_YELLOW), "end", ""]
    return "\n".join(lines).encode("utf-8")


def read_note(data: bytes, name: str, where: str) -> StickyNote:
    """The note `name` of a `.postitdef` entry.

    Raises:
        SceneError: The entry is malformed.
    """
    scanner = Scanner(data, where)
    text = quoting.plain(scanner.expect(_NOTE_TEXT, "`text`").group(1))
    position = scanner.expect(_POSITION, "`position`")
    size = scanner.expect(_NOTE_SIZE, "`size`")
    while scanner.accept(_NOTE_SETTING):
        pass
    _block(scanner, "stat", _STAT)
    color = scanner.expect(_COLOR, "`color`")
    scanner.expect(_NOTE_END, "`end`")
    scanner.finish()
    x, y, width, height = _floats(scanner, position.groups() + size.groups())
    own = _rgb(scanner, color)
    return StickyNote(name, text, (x, y), (width, height), None if own == NOTE_YELLOW else own)


def _stat_and_color(color: Tuple[float, float, float]) -> List[str]:
    stat = [
        "stat",
        "{",
        "  create %d" % CREATED,
        "  modify %d" % CREATED,
        "  author topforge@localhost",
        "  access 0777",
        "}",
    ]
    return [*stat, "color UT_Color RGB %g %g %g " % color]


def _block(scanner: Scanner, name: str, line: Pattern[str]) -> List[Match[str]]:
    scanner.expect(_BLOCK[name], "the block `%s`" % name)
    found = []
    while not scanner.accept(_END_OF_BLOCK):
        found.append(scanner.expect(line, "a line of `%s` or `}`" % name))
    return found


def _wire(scanner: Scanner, named: Match[str], plain: Match[str]) -> Tuple[int, Wire]:
    number = int(plain.group(1))
    if number > _MOST_INPUTS:
        raise scanner.failure("input %d is beyond what a node has" % number)
    source = plain.group(2) if plain.group(2) != '""' else ""
    identity = None if named.group(2) == '""' else int(named.group(2))
    return number, Wire(Connection(source, int(plain.group(3))), identity)


def _rgb(scanner: Scanner, match: Match[str]) -> Tuple[float, float, float]:
    first, second, third = _floats(scanner, match.groups()[1:])
    if match.group(1) == "HSV":
        red, green, blue = (round(part, 6) for part in colorsys.hsv_to_rgb(first / 360, second, third))
        return red, green, blue
    return first, second, third


def _floats(scanner: Scanner, words: Tuple[str, ...]) -> List[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        raise scanner.failure("a position, size or colour is not a number") from None

r"""`.chn`: the expressions that parameters follow.

    {
        channel limit {
          lefttype = extend
          righttype = extend
          flags = 0
          segment { length = 0 expr = ch(\"../limit\") }
        }
      }

Quotes are escaped even outside of quotes. An expression with a blank in it must stand between quotes as a whole, or
Houdini silently uses the default; so does ours as soon as it holds anything unusual.
"""

from __future__ import annotations

import re
from typing import Dict, Optional, Sequence, Tuple

from topforge_scene import quoting
from topforge_scene.network import Channel
from topforge_scene.parm_text import Expression
from topforge_scene.scanner import Scanner

_HEAD = re.compile(r"\{\n")
_CHANNEL = re.compile(r"    channel (\S+) \{\n")
_SETTING = re.compile(r"      (?!segment )(\w+) = (?:%s|[^\n]*)\n" % quoting.QUOTED, re.DOTALL)
_SEGMENT = re.compile(r"      segment \{ ")
_OPTIONS = re.compile(r"options = \{[^{}]*\}\s*")
_NUMBERS = re.compile(r"(?:length|value|slope|accel) = (?:-?[\d.]+(?:e[+-]?\d+)? )+")
_EXPRESSION = re.compile(r"expr = (%s|(?!\")[^\n]*?)\s+(?:language = (\w+) )?\}\n" % quoting.QUOTED, re.DOTALL)
_END_OF_SEGMENT = re.compile(r"\}\n")
_END_OF_CHANNEL = re.compile(r"    \}\n")
_TAIL = re.compile(r"  \}\n")
_SIMPLE = re.compile(r"[A-Za-z0-9_./$+*(),\"-]+")


def write(channels: Sequence[Tuple[str, Channel]]) -> bytes:
    """The entry that defines these channels, (name, channel)."""
    lines = ["{\n"]
    for name, channel in channels:
        lines.append("    channel %s {\n      lefttype = extend\n      righttype = extend\n" % name)
        if isinstance(channel.value, str):
            lines.append("      defaultString = %s\n" % quoting.quote(channel.value))
        expression = channel.expression
        simple = _SIMPLE.fullmatch(expression) and not expression.startswith('"')
        word = quoting.escape(expression) if simple else quoting.quote(expression)
        language = " language = python" if channel.language == "python" else ""
        lines.append("      flags = 0\n      segment { length = 0 expr = %s%s }\n    }\n" % (word, language))
    return ("".join(lines) + "  }\n").encode("utf-8")


def read(data: bytes, where: str) -> Dict[str, Expression]:
    """The expression of each channel. Of one with several keys it is that of the first, "" when that has none.

    Raises:
        SceneError: The entry is malformed.
    """
    scanner = Scanner(data, where)
    scanner.expect(_HEAD, "`{`")
    found: Dict[str, Expression] = {}
    while not scanner.accept(_TAIL):
        name = scanner.expect(_CHANNEL, "a channel or the closing `}`").group(1)
        while scanner.accept(_SETTING):
            pass
        first: Optional[Expression] = None
        while not scanner.accept(_END_OF_CHANNEL):
            scanner.expect(_SEGMENT, "a segment or the channel's closing `}`")
            expression = _segment(scanner)
            first = first or expression
        found[name] = first or Expression("", "hscript")
    scanner.finish()
    return found


def _segment(scanner: Scanner) -> Expression:
    while scanner.accept(_OPTIONS) or scanner.accept(_NUMBERS):
        pass
    if scanner.accept(_END_OF_SEGMENT):
        return Expression("", "hscript")
    match = scanner.expect(_EXPRESSION, "`expr = ... }`")
    return Expression(quoting.plain(match.group(1)), match.group(2) or "hscript")

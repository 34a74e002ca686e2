"""Option blocks (`.userdata`, ExtraFileOptions, InternalFileOptions): the JSON of text files and the binary of others.

    {                                        u32 count, then for each option
        "___Version___":{                      u16 length + name
            "type":"string",                   u32 type: 1 bool, 3 string, 13 integers
            "value":"20.5.445"                 bool: u32; string: u16 length + text; integers: u64 count + i64 each
        }
    }

All integers are big-endian. In text the indent is a tab.
"""

from __future__ import annotations

import json
import re
import struct
from typing import Any, Callable, Dict, List, Mapping, Tuple, Union

from topforge_scene.errors import SceneError

Option = Union[bool, str, Tuple[int, ...]]
"""The value of one option; its type is the Python type."""

_LONGEST = 0xFFFF
"""Bytes of a name or text."""
_NAMES = {1: "bool", 3: "string", 13: "intarray"}


def to_json(options: Mapping[str, Option]) -> bytes:
    """The text form, as Houdini writes it."""
    blocks = []
    for name, value in options.items():
        kind, text = _NAMES[_kind(name, value)], json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        blocks.append('\t%s:{\n\t\t"type":"%s",\n\t\t"value":%s\n\t}' % (_quoted(name), kind, text))
    return ("{\n%s}\n" % (",\n".join(blocks) + "\n" if blocks else "")).encode("utf-8")


def from_json(data: bytes, where: str) -> Dict[str, Option]:
    """The options of the text form.

    Raises:
        SceneError: Not JSON, or not of this shape.
    """
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise SceneError(where, "not JSON: %s" % error, getattr(error, "lineno", None)) from None
    if not isinstance(document, dict):
        raise SceneError(where, "not a JSON object")
    if not all(map(_is_text, document)):
        raise SceneError(where, "an option's name is not Unicode text")
    return {name: _from_block(name, block, where) for name, block in document.items()}


def to_binary(options: Mapping[str, Option]) -> bytes:
    """The binary form."""
    parts = [struct.pack(">I", len(options))]
    for name, value in options.items():
        kind = _kind(name, value)
        parts += [_text(name), struct.pack(">I", kind)]
        if isinstance(value, bool):
            parts.append(struct.pack(">I", value))
        elif isinstance(value, str):
            parts.append(_text(value))
        else:
            parts.append(struct.pack(">Q%dq" % len(value), len(value), *value))
    return b"".join(parts)


def from_binary(data: bytes, where: str) -> Dict[str, Option]:
    """The options of the binary form.

    Raises:
        SceneError: Truncated, an unknown type, a doubled name, or bytes left over.
    """
    reader = _Reader(data, where)
    options: Dict[str, Option] = {}
    for _ in range(reader.number(">I")):
        name = reader.text()
        kind = reader.number(">I")
        if name in options or kind not in _NAMES:
            raise SceneError(where, 'option "%s" is doubled or of unknown type %d' % (name, kind))
        options[name] = _READERS[kind](reader)
    if reader.position != len(data):
        raise SceneError(where, "%d bytes after the last option" % (len(data) - reader.position))
    return options


class _Reader:
    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self.position = 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.position : self.position + size]
        if len(piece) != size:
            raise SceneError(self.where, "cut off at byte %d" % self.position)
        self.position += size
        return piece

    def number(self, layout: str) -> int:
        return int(struct.unpack(layout, self.take(struct.calcsize(layout)))[0])

    def text(self) -> str:
        start = self.position
        try:
            return self.take(self.number(">H")).decode("utf-8")
        except UnicodeDecodeError:
            raise SceneError(self.where, "the text at byte %d is not UTF-8" % start) from None

    def truth(self) -> bool:
        number = self.number(">I")
        if number > 1:
            raise SceneError(self.where, "a bool holds %d" % number)
        return bool(number)

    def integers(self) -> Tuple[int, ...]:
        count = self.number(">Q")
        if count > len(self.data):  # before memory is asked for
            raise SceneError(self.where, "cut off: %d integers announced" % count)
        return struct.unpack(">%dq" % count, self.take(8 * count))


_READERS: Dict[int, Callable[[_Reader], Option]] = {1: _Reader.truth, 3: _Reader.text, 13: _Reader.integers}


def _kind(name: str, value: Option) -> int:
    if isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return 3
    if isinstance(value, tuple) and all(type(number) is int for number in value):
        return 13
    raise TypeError("option %s: %r is neither bool, str nor a tuple of int" % (name, value))


def _text(text: str) -> bytes:
    raw = text.encode("utf-8")
    if len(raw) > _LONGEST:
        raise SceneError("options", "a text of %d bytes does not fit" % len(raw), fix="Use at most 65535 bytes.")
    return struct.pack(">H", len(raw)) + raw


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def _from_block(name: str, block: Any, where: str) -> Option:
    if isinstance(block, dict) and set(block) == {"type", "value"}:
        kind, value = block["type"], block["value"]
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "string" and isinstance(value, str) and _is_text(value):
            return value
        if kind == "intarray" and isinstance(value, list) and all(map(_fits, value)):
            return tuple(value)
    raise SceneError(where, 'option "%s" is no bool, string or intarray with its value' % name)


def _is_text(text: str) -> bool:
    """Whether it can be stored: JSON can spell halves of characters that are none."""
    return len(text.encode("utf-8", "surrogatepass")) <= _LONGEST and not re.search("[\ud800-\udfff]", text)


def _fits(number: Any) -> bool:
    return type(number) is int and -(2**63) <= number < 2**63

"""The header of a PLY file: what it holds, and how. For whoever reads one: captures with numpy, Houdini without."""

from __future__ import annotations

from typing import BinaryIO, Dict, List, NamedTuple, Optional, Sequence, Tuple

_TYPES: Dict[str, str] = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8"},
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_LINE = 1 << 16


class Property(NamedTuple):
    """One column; types are numpy's codes without the byte order."""

    name: str
    kind: str
    count_kind: Optional[str] = None
    """Of a list, the type of the number of values that stands before them."""


class Element(NamedTuple):
    """One table."""

    name: str
    rows: int
    properties: List[Property]


class Header(NamedTuple):
    """What precedes the tables."""

    order: str
    """Byte order, numpy's code; "" = the tables are text."""
    elements: Tuple[Element, ...]


def read(stream: BinaryIO) -> Header:
    """Reads the header and leaves the stream at the first row.

    Raises:
        ValueError: It is none; says why in words that go on from the file's name.
    """
    if stream.readline(_LONGEST_LINE).strip() != b"ply":
        raise ValueError("it is no PLY file")
    order: Optional[str] = None
    elements: List[Element] = []
    for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
        keyword, *words = line.decode("ascii", "replace").split() or [""]
        if keyword == "end_header" and order is not None:
            return Header(order, tuple(elements))
        if keyword == "format" and words[:1]:
            order = _ORDERS.get(words[0])
        elif keyword == "element":
            elements.append(_element(words))
        elif keyword == "property" and elements:
            elements[-1].properties.append(_property(words))
    raise ValueError("it has no whole header")


def _element(words: Sequence[str]) -> Element:
    if len(words) != 2 or not words[1].isdigit():
        raise ValueError('its header has an element "%s"' % " ".join(words))
    return Element(words[0], int(words[1]), [])


def _property(words: Sequence[str]) -> Property:
    is_list = words[:1] == ["list"]
    if len(words) != (4 if is_list else 2):
        raise ValueError('its header has a property "%s"' % " ".join(words))
    kinds = words[1:-1] if is_list else words[:-1]
    for kind in kinds:
        if kind not in _TYPES:
            raise ValueError("the type %s is unknown" % kind)
    return Property(words[-1], _TYPES[kinds[-1]], _TYPES[kinds[0]] if is_list else None)

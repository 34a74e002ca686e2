"""Colours of a mesh's vertices, from its PLY file onto the points of a geometry.

That Houdini reads PLY is documented, what it makes of colours is not: the name of the attribute, its range, whether it
is linear. So they are taken from the file itself, in one way for every version: `Cd`, linear, as in our USD and GLB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import hou

from topforge import ply_header
from topforge.errors import TopForgeError
from topforge.ply_header import Property

ATTRIBUTE = "Cd"
_CHANNELS = ("red", "green", "blue")
_FLOAT = 4
_ROWS = 1 << 20
"""Vertices that are read at once."""


class UnreadableColoursError(TopForgeError):
    """A PLY file that is cut, or of a kind that TopForge does not write."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Set Verify to Hash to see whether the file was changed.")


def apply(geometry: hou.Geometry, path: Path) -> bool:
    """Gives the points of a PLY file, as Houdini has read it, the colours that stand in the file.

    Args:
        geometry: The file's; its points are the file's vertices, in order.
        path: The file: binary PLY with bytes `red`, `green`, `blue` of sRGB, as results hold it.

    Returns:
        False when the file has no colours.

    Raises:
        UnreadableColoursError: It is another kind of file, is cut, or Houdini has other points than it has vertices.
    """
    try:
        with path.open("rb") as stream:
            colours, vertices = _read(stream)
    except (OSError, ValueError) as error:
        raise UnreadableColoursError(path, str(error)) from error
    if vertices != geometry.pointCount():
        problem = "Houdini reads %d points; the file has %d vertices" % (geometry.pointCount(), vertices)
        raise UnreadableColoursError(path, problem)
    for of_reader in (geometry.findPointAttrib(ATTRIBUTE), geometry.findVertexAttrib(ATTRIBUTE)):
        if of_reader is not None:
            of_reader.destroy()
    if colours is None:
        return False
    geometry.addAttrib(hou.attribType.Point, ATTRIBUTE, (1.0, 1.0, 1.0))
    geometry.setPointFloatAttribValuesFromString(ATTRIBUTE, colours)
    return True


def _read(stream: BinaryIO) -> tuple[bytes | None, int]:
    """Linear float32 of all channels of all vertices (None where there are none), and the number of vertices."""
    header = ply_header.read(stream)
    if not header.order:
        raise ValueError("it is not binary")
    element = header.elements[0] if header.elements else None
    if element is None or element.name != "vertex":
        raise ValueError("it does not begin with vertices")
    places = dict(_places(element.properties))
    if not set(_CHANNELS) <= set(places):
        return None, element.rows
    width = sum(map(_width, element.properties))
    planes = _planes()
    found = bytearray(element.rows * len(_CHANNELS) * _FLOAT)
    for start in range(0, element.rows, _ROWS):
        rows = min(_ROWS, element.rows - start)
        data = stream.read(rows * width)
        if len(data) < rows * width:
            raise ValueError("it ends within its vertices")
        part = _linear([data[places[name] :: width] for name in _CHANNELS], planes)
        found[start * len(_CHANNELS) * _FLOAT : (start + rows) * len(_CHANNELS) * _FLOAT] = part
    return bytes(found), element.rows


def _places(properties: list[Property]) -> Iterator[tuple[str, int]]:
    """Where in a row each property of one byte stands."""
    place = 0
    for told in properties:
        if told.kind == "u1":
            yield told.name, place
        place += _width(told)


def _width(told: Property) -> int:
    if told.count_kind is not None:
        raise ValueError("its vertices hold a list")
    return int(told.kind[1:])


def _planes() -> list[bytes]:
    """For each of the four bytes of a float32: what it is for the linear value of each byte of sRGB."""
    values = [struct.pack("=f", _from_srgb(byte / 255.0)) for byte in range(256)]
    return [bytes(value[place] for value in values) for place in range(_FLOAT)]


def _from_srgb(value: float) -> float:
    """The curve of IEC 61966-2-1."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _linear(channels: list[bytes], planes: list[bytes]) -> bytearray:
    """Interleaved float32. Each byte of all floats is looked up at once: no line of Python runs for each vertex."""
    row = len(channels) * _FLOAT
    found = bytearray(len(channels[0]) * row)
    for number, channel in enumerate(channels):
        for place, table in enumerate(planes):
            found[number * _FLOAT + place :: row] = channel.translate(table)
    return found

"""What `hou.Geometry.loadFromFile` makes of a PLY file, as far as it is known.

Known [D: geometry file formats, gply]: PLY is read. Polygons turn as those of an OBJ do [I]. Not known: what becomes of
colours. `READER` says whether this stand-in plays a reader that makes `Cd` of them, as they stand in the file; tests
play both. Only what results hold is imitated: binary, little-endian, vertices before triangles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, NamedTuple

import numpy as np

from ._errors import OperationFailed
from ._strict import NotInStandIn

READER: Dict[str, Any] = {"colours": False}
"""colours: bytes red, green, blue become a point attribute Cd, divided by 255."""
_TYPES = {"float": "<f4", "uchar": "u1", "int": "<i4", "double": "<f8"}


class Stanford(NamedTuple):
    """The content of a file, triangles in the order of the file but turned around."""

    points: np.ndarray  # [P, 3] float32
    corners: np.ndarray  # [V] int32, point of each vertex
    sizes: np.ndarray  # [F] int64, vertices of each polygon
    colours: np.ndarray  # [P, 3] float32 as in the file, or empty


def read(path: Path) -> Stanford:
    """Reads a file strictly.

    Raises:
        OperationFailed: It is not there, is no PLY, or is cut.
        NotInStandIn: A form that is not imitated.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OperationFailed("Unable to read file %s (%s)" % (path, error)) from None
    head, mark, body = data.partition(b"end_header\n")
    lines = [line.split() for line in head.decode("ascii", "replace").split("\n") if line]
    if not mark or lines[0] != ["ply"]:
        raise OperationFailed("Unable to read file %s (no PLY)" % path)
    if ["format", "binary_little_endian", "1.0"] not in lines:
        raise NotInStandIn("PLY files that are not binary and little-endian")
    tables = _tables(lines)
    if list(tables) != ["vertex", "face"]:
        raise NotInStandIn("PLY files with %s" % ", ".join(tables))
    found = []
    for kind, count in tables.values():
        if len(body) < kind.itemsize * count:
            raise OperationFailed("Unable to read file %s (it is cut)" % path)
        found.append(np.frombuffer(body, kind, count))
        body = body[kind.itemsize * count :]
    vertices, faces = found
    if (faces["count"] != 3).any():
        raise NotInStandIn("PLY files with other polygons than triangles")
    return Stanford(
        np.stack([vertices[axis] for axis in "xyz"], axis=1).astype(np.float32),
        faces["corners"][:, ::-1].reshape(-1).astype(np.int32),
        np.full(len(faces), 3, np.int64),
        _colours(vertices),
    )


def _tables(lines: Any) -> Dict[str, Any]:
    """Type of a row and number of rows of each table."""
    tables: Dict[str, Any] = {}
    fields: Any = []
    for keyword, *words in lines:
        if keyword == "element":
            fields = []
            tables[words[0]] = (fields, int(words[1]))
        elif keyword == "property" and words[0] == "list":
            fields += [("count", _TYPES[words[1]]), ("corners", _TYPES[words[2]], (3,))]
        elif keyword == "property":
            fields.append((words[1], _TYPES[words[0]]))
    return {name: (np.dtype(fields), count) for name, (fields, count) in tables.items()}


def _colours(vertices: np.ndarray) -> np.ndarray:
    if "red" not in (vertices.dtype.names or ()):
        return np.empty((0, 3), np.float32)
    bytes_ = np.stack([vertices[name] for name in ("red", "green", "blue")], axis=1)
    return (bytes_ / 255.0).astype(np.float32)

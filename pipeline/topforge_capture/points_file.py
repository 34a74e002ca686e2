"""Clouds of points as PLY: positions and, where there are, colours. ASCII or binary, any other properties skipped.

Small ones, of structure from motion; `ply` is for meshes of any size.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, List, Tuple

import numpy as np

from topforge import atomic
from topforge_capture.capture import CaptureError, Points

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
STORED = np.dtype([("position", "<f8", 3), ("colour", "u1", 3)])
GREY = 128
"""Of points without colour."""


def read(path: Path) -> Points:
    """Reads the vertices.

    Raises:
        CaptureError: `bad-points`: no such file, or no PLY with x, y, z.
    """
    try:
        with path.open("rb") as stream:
            form, count, properties = _header(stream)
            table = _table(stream, form, count, properties)
        positions = np.stack([table[axis] for axis in "xyz"], axis=1).astype(np.float64)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise _bad(path, str(error) or type(error).__name__) from error
    colours = np.full((len(table), 3), GREY, np.uint8)
    if {"red", "green", "blue"} <= set(table.dtype.names or ()):
        colours = np.stack([table[name] for name in ("red", "green", "blue")], axis=1).astype(np.uint8)
    kept = np.isfinite(positions).all(axis=1)
    return Points(positions[kept], colours[kept])


def _header(stream: BinaryIO) -> Tuple[str, int, List[Tuple[str, str]]]:
    """Form, number of vertices, and their properties as (name, type)."""
    if stream.readline().strip() != b"ply":
        raise ValueError("it does not begin with ply")
    form, count, element = "", -1, ""
    properties: List[Tuple[str, str]] = []
    for line in iter(stream.readline, b""):
        words = line.decode("ascii", "replace").split()
        if words[:1] == ["format"]:
            form = words[1]
        elif words[:1] == ["element"]:
            element = words[1]
            if count < 0 and element != "vertex":
                raise ValueError("the vertices are not its first element")
            count = int(words[2]) if element == "vertex" else count
        elif words[:1] == ["property"] and element == "vertex":
            properties.append((words[-1], TYPES[words[1]]))
        elif words == ["end_header"]:
            return form, count, properties
    raise ValueError("it has no end_header")


def _table(stream: BinaryIO, form: str, count: int, properties: List[Tuple[str, str]]) -> np.ndarray:
    if form == "ascii":
        lines = [stream.readline().split() for _ in range(count)]
        if any(len(line) < len(properties) for line in lines):
            raise ValueError("it ends early")
        rows = [tuple(float(word) for word in line[: len(properties)]) for line in lines]
        return np.array(rows, np.dtype([(name, "f8") for name, _ in properties]))
    row = np.dtype([(name, ORDERS[form] + kind) for name, kind in properties])
    data = stream.read(row.itemsize * count)
    if len(data) < row.itemsize * count:
        raise ValueError("it ends early")
    return np.frombuffer(data, row)


def write(path: Path, points: Points) -> None:
    """Binary, positions in double precision."""
    table = np.zeros(len(points.positions), STORED)
    table["position"], table["colour"] = points.positions, points.colours
    header = ["ply", "format binary_little_endian 1.0", "element vertex %d" % len(table)]
    header += ["property double " + axis for axis in "xyz"]
    header += ["property uchar " + name for name in ("red", "green", "blue")] + ["end_header"]
    atomic.write_bytes(path, ("\n".join(header) + "\n").encode("ascii") + table.tobytes())


def _bad(path: Path, why: str) -> CaptureError:
    return CaptureError("bad-points", "%s cannot be read: %s." % (path, why), "Export the points again.", (path,))

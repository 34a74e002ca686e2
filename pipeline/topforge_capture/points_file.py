"""Clouds of points as PLY: positions and, where there are, colours. ASCII or binary, any other properties skipped.

Small ones, of structure from motion; `ply` is for meshes of any size.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from topforge import atomic, ply_header
from topforge_capture.capture import CaptureError, Points

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
            header = ply_header.read(stream)
            table = _vertices(stream, header)
        positions = np.stack([table[axis] for axis in "xyz"], axis=1).astype(np.float64)
    except (OSError, ValueError) as error:
        raise _bad(path, str(error)) from error
    colours = np.full((len(table), 3), GREY, np.uint8)
    if {"red", "green", "blue"} <= set(table.dtype.names or ()):
        colours = np.stack([table[name] for name in ("red", "green", "blue")], axis=1).astype(np.uint8)
    kept = np.isfinite(positions).all(axis=1)
    return Points(positions[kept], colours[kept])


def _vertices(stream: BinaryIO, header: ply_header.Header) -> np.ndarray:
    """The first table, which must be that of the vertices."""
    if not header.elements or header.elements[0].name != "vertex":
        raise ValueError("the vertices are not its first element")
    _, count, properties = header.elements[0]
    if any(told.count_kind is not None for told in properties):
        raise ValueError("its vertices hold a list")
    if not header.order:
        lines = [stream.readline().split() for _ in range(count)]
        if any(len(line) < len(properties) for line in lines):
            raise ValueError("it ends early")
        rows = [tuple(float(word) for word in line[: len(properties)]) for line in lines]
        return np.array(rows, np.dtype([(told.name, "f8") for told in properties]))
    row = np.dtype([(told.name, header.order + told.kind) for told in properties])
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

"""Triangle meshes as binary PLY, of any size: read through memory maps, written in pieces.

A surface of 40 million vertices is a file of 1.7 GB. Its arrays are mapped, not loaded: the system reads the pages that
are looked at and drops them when memory is short.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from topforge import ply_header
from topforge.errors import FailureClass, TopForgeError

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Indices = NDArray[np.int32]
ROWS = 1 << 20
"""Rows of an array that are worked on at once."""

_LISTS = ("vertex_indices", "vertex_index")


class UnreadablePlyError(TopForgeError):
    """A file that is no whole binary PLY of triangles."""

    failure_class = FailureClass.TRAINER

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Write it again: an interrupted program leaves half a file.")


@dataclasses.dataclass(frozen=True)
class PlyMesh:
    """A mesh in a file; nothing of it is in memory until it is looked at."""

    path: Path
    vertices: np.ndarray
    """Mapped rows with fields x, y, z and perhaps red, green, blue."""
    faces: np.ndarray
    """Mapped rows with fields `count` and `corners` [3]."""

    @property
    def has_colours(self) -> bool:
        """Whether each vertex has a colour of three bytes."""
        return {"red", "green", "blue"} <= set(self.vertices.dtype.names or ())

    def positions(self, rows: slice) -> Floats:
        """Positions [n, 3] of some vertices.

        Raises:
            UnreadablePlyError: One is not finite.
        """
        part = self.vertices[rows]
        found = np.stack([part["x"], part["y"], part["z"]], axis=1).astype(np.float32)
        if not np.isfinite(found).all():
            bad = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0]) + (rows.start or 0)
            raise UnreadablePlyError(self.path, "vertex %d is not at a finite place" % bad)
        return found

    def colours(self, rows: slice) -> Bytes:
        """Colours [n, 3] of some vertices."""
        part = self.vertices[rows]
        return np.stack([part["red"], part["green"], part["blue"]], axis=1)

    def corners(self, rows: slice) -> Indices:
        """Vertices [n, 3] of some triangles.

        Raises:
            UnreadablePlyError: One is no triangle, or names a vertex that is not there.
        """
        part = self.faces[rows]
        first = rows.start or 0
        if (part["count"] != 3).any():
            bad = int(np.flatnonzero(part["count"] != 3)[0])
            raise UnreadablePlyError(self.path, "face %d has %d corners" % (first + bad, part["count"][bad]))
        found = part["corners"].astype(np.int64)
        if len(found) and (found.min() < 0 or found.max() >= len(self.vertices)):
            raise UnreadablePlyError(self.path, "a face names a vertex that is not there")
        return found.astype(np.int32)


def blocks(count: int, rows: int = ROWS) -> Iterator[slice]:
    """Slices that cover `count` rows in pieces."""
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))


def open_mesh(path: Path) -> PlyMesh:
    """Maps a binary PLY file.

    Raises:
        UnreadablePlyError: It is none, is cut short, or holds other things than vertices and triangles.
    """
    try:
        with path.open("rb") as stream:
            header = ply_header.read(stream)
            offset = stream.tell()
    except OSError as error:
        raise UnreadablePlyError(path, str(error.strerror or error)) from error
    except ValueError as error:
        raise UnreadablePlyError(path, str(error)) from error
    if not header.order:
        raise UnreadablePlyError(path, "it is not binary")
    wanted = [element.name for element in header.elements[:2]]
    if wanted != ["vertex", "face"]:
        raise UnreadablePlyError(path, "it begins with %s, not with vertices and faces" % " and ".join(wanted))
    found = []
    for name, count, properties in header.elements[:2]:
        row = np.dtype([field for told in properties for field in _fields(path, told, header.order)])
        if count == 0:
            raise UnreadablePlyError(path, "it is an empty mesh: no %s" % name)
        if offset + count * row.itemsize > path.stat().st_size:
            raise UnreadablePlyError(path, "it is cut short: %d rows of element %s do not fit in" % (count, name))
        found.append(np.memmap(path, row, "r", offset, (count,)))
        offset += count * row.itemsize
    return PlyMesh(path, found[0], found[1])


def _fields(path: Path, told: ply_header.Property, order: str) -> List[Tuple[str, str, Tuple[int, ...]]]:
    """The fields of a mapped row that a property is: a list of corners is taken for one of three."""
    if told.count_kind is None:
        return [(told.name, order + told.kind, ())]
    if told.name not in _LISTS:
        raise UnreadablePlyError(path, "it holds a list %s" % told.name)
    return [("count", order + told.count_kind, ()), ("corners", order + told.kind, (3,))]


class PlyWriter:
    """Writes a binary PLY in pieces: all vertices, then all triangles. Use it as a context."""

    def __init__(self, path: Path, vertices: int, faces: int, colours: bool) -> None:
        names = ["x", "y", "z"] + (["red", "green", "blue"] if colours else [])
        self._rows = np.dtype([(name, "<f4" if name in "xyz" else "u1") for name in names])
        self._path, self._colours = path, colours
        self._left = [vertices, faces]
        self._stream = path.open("wb")
        lines = ["ply", "format binary_little_endian 1.0", "comment TopForge, y up", "element vertex %d" % vertices]
        lines += ["property %s %s" % ("float" if name in "xyz" else "uchar", name) for name in names]
        lines += ["element face %d" % faces, "property list uchar int vertex_indices", "end_header"]
        self._stream.write(("\n".join(lines) + "\n").encode("ascii"))

    def __enter__(self) -> PlyWriter:
        return self

    def vertices(self, positions: Floats, colours: Optional[Bytes] = None) -> None:
        """Appends vertices [n, 3], with colours [n, 3] where the file has them."""
        rows = np.empty(len(positions), self._rows)
        for axis, name in enumerate("xyz"):
            rows[name] = positions[:, axis]
        if self._colours:
            assert colours is not None
            for channel, name in enumerate(("red", "green", "blue")):
                rows[name] = colours[:, channel]
        rows.tofile(self._stream)
        self._left[0] -= len(positions)

    def faces(self, corners: Indices) -> None:
        """Appends triangles [n, 3]."""
        assert self._left[0] == 0
        rows = np.empty(len(corners), np.dtype([("count", "u1"), ("corners", "<i4", (3,))]))
        rows["count"], rows["corners"] = 3, corners
        rows.tofile(self._stream)
        self._left[1] -= len(corners)

    def __exit__(self, kind: object, *rest: object) -> None:
        self._stream.close()
        assert kind is not None or self._left == [0, 0]

"""Reads Wavefront .obj meshes of any common form, fast: no line is looked at in Python, 500,000 faces take seconds."""

from __future__ import annotations

import dataclasses
import re
import warnings
from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from topforge.wavefront import MeshFileError

_SPACE, _NEWLINE, _SLASH = 32, 10, 47


@dataclasses.dataclass(frozen=True, eq=False)
class ObjMesh:
    """A mesh as its file has it: polygons cut into fans, indices from zero, -1 where the file gives none."""

    positions: np.ndarray  # [V, 3] float32
    uv: np.ndarray  # [Vt, 2] float32, v upwards as in the file
    normals: np.ndarray  # [Vn, 3] float32, as written
    triangles: np.ndarray  # [F, 3] int32 into positions
    uv_triangles: np.ndarray  # [F, 3] int32 into uv, or -1
    normal_triangles: np.ndarray  # [F, 3] int32 into normals, or -1
    material: np.ndarray  # [F] int32 into material_names, -1 before the first `usemtl`
    material_names: Tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class _Lines:
    """The bytes of a file and what kind of statement each line is."""

    path: Path
    data: np.ndarray  # [N] uint8; ends in a newline
    start: np.ndarray  # [L] int64
    length: np.ndarray  # [L] int64, newline included
    word: np.ndarray  # [L] int64: the first two bytes, 256 * first + second where that is a letter

    @classmethod
    def of(cls, path: Path) -> _Lines:
        text = _normalised(_read(path))
        data = np.frombuffer(text, np.uint8)
        end = np.flatnonzero(data == _NEWLINE)
        start = np.concatenate([[0], end[:-1] + 1]).astype(np.int64)
        second = data[np.minimum(start + 1, end)].astype(np.int64)
        word = data[start].astype(np.int64) * 256 + np.where(second > _SPACE, second, 0)
        return cls(path, data, start, end + 1 - start, word)

    def of_kind(self, keyword: bytes) -> np.ndarray:
        """Line numbers [n], from zero, of the statements with a keyword of one or two letters."""
        return np.flatnonzero(self.word == keyword[0] * 256 + (keyword[1] if len(keyword) > 1 else 0))

    def arguments(self, keyword: bytes) -> np.ndarray:
        """Bytes of all lines of a kind, the keyword blanked, one line after another, each with its newline."""
        lines = self.of_kind(keyword)
        chosen = np.zeros(len(self.data) + 1, np.int8)
        np.add.at(chosen, self.start[lines], 1)
        np.add.at(chosen, self.start[lines] + self.length[lines], -1)
        part = self.data[np.cumsum(chosen[:-1]) > 0].copy()
        first = np.concatenate([[0], np.cumsum(self.length[lines])[:-1]]).astype(np.int64) if len(lines) else lines
        for letter in range(len(keyword)):
            part[first + letter] = _SPACE
        if (part == ord("#")).any():
            part = np.frombuffer(re.sub(rb"#[^\n]*", b"", part.tobytes()), np.uint8)
        return part

    def text(self, line: int) -> str:
        """One line, for a message."""
        first = self.start[line]
        return self.data[first : first + self.length[line]].tobytes().decode("utf-8", "replace").strip()

    def error(self, line: int, problem: str) -> MeshFileError:
        """The failure of one line."""
        shown = 'line %d: "%s" %s' % (line + 1, self.text(line)[:80], problem)
        return MeshFileError(self.path, shown, "Export the mesh again, or correct that line.")


def read_obj(path: Path) -> ObjMesh:
    """Reads a mesh; free-form curves, lines, points, groups and smoothing groups are passed over.

    Raises:
        MeshFileError: It cannot be read, has no faces, a number is none or not finite, or an index points nowhere;
            names the line.
    """
    lines = _Lines.of(path)
    positions, uv, normals = (_rows(lines, word, width) for word, width in ((b"v", 3), (b"vt", 2), (b"vn", 3)))
    faces = lines.of_kind(b"f")
    corner, face = _corners(lines, faces)
    columns = [
        _resolved(lines, faces[face], corner[:, column], lines.of_kind(word))
        for column, word in enumerate((b"v", b"vt", b"vn"))
    ]
    if len(columns[0]) and columns[0].min() < 0:
        raise lines.error(int(faces[face[columns[0].argmin()]]), "has a corner without a vertex")
    fans, of_face = _fans(np.bincount(face, minlength=len(faces)))
    if not len(fans):
        raise MeshFileError(path, "it has no faces", "Export the surface as polygons.")
    material, names = _materials(lines, faces)
    triangles, uv_triangles, normal_triangles = (column[fans].astype(np.int32) for column in columns)
    return ObjMesh(
        positions, uv, normals, triangles, uv_triangles, normal_triangles, material[of_face].astype(np.int32), names
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MeshFileError(path, "cannot be read (%s)" % (error.strerror or error), "Correct the path.") from error


def _normalised(text: bytes) -> bytes:
    """Only spaces and newlines as white space, statements on one line each, from its beginning."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = text.replace(b"\t", b" ")
    if b"\\\n" in text:
        text = text.replace(b"\\\n", b"  ")
    if re.search(rb"^ ", text, re.MULTILINE):
        text = re.sub(rb"^ +", b"", text, flags=re.MULTILINE)
    return text if text.endswith(b"\n") else text + b"\n"


def _tokens(text: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Where each word starts [T], and on which line of `text` [T], from zero."""
    solid = text > _SPACE
    start = np.flatnonzero(solid & ~np.concatenate([[False], solid[:-1]]))
    return start, np.cumsum(text == _NEWLINE)[start]


def _numbers(text: bytes, dtype: type, expected: int) -> Optional[np.ndarray]:
    """All numbers of a text; None when something in it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            found: np.ndarray = np.fromstring(text.decode("latin-1"), dtype, sep=" ")
        except (ValueError, DeprecationWarning):
            return None
    return found if len(found) == expected else None


def _rows(lines: _Lines, keyword: bytes, width: int) -> np.ndarray:
    """The first `width` numbers of all statements of a kind: [n, width] float32. What follows (w, colours) is left."""
    where, text = lines.of_kind(keyword), lines.arguments(keyword)
    start, line = _tokens(text)
    count = np.bincount(line, minlength=len(where))
    if (count < width).any():
        raise lines.error(int(where[np.argmax(count < width)]), "has fewer than %d numbers" % width)
    values = _numbers(text.tobytes(), np.float64, len(start))
    if values is None:
        raise _no_number(lines, where, float)
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64) if len(where) else where
    rows = values[first[:, None] + np.arange(width)].astype(np.float32)
    if not np.isfinite(rows).all():
        raise lines.error(int(where[np.argmin(np.isfinite(rows).all(axis=1))]), "has a number that is not finite")
    return rows


def _no_number(lines: _Lines, where: np.ndarray, kind: type) -> MeshFileError:
    """Which of the lines holds a word that is no number."""
    for line in where:
        for word in re.split(r"[ /]+", lines.text(int(line)).split("#")[0].strip())[1:]:
            try:
                kind(word or "0")
            except ValueError:
                return lines.error(int(line), 'has "%s" for a number' % word)
    return lines.error(int(where[0]), "cannot be read")


def _corners(lines: _Lines, faces: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Indices as written (v, vt, vn) [C, 3] int64 of all corners, 0 where there is none, and the face of each [C]."""
    text = re.sub(rb"/(?=[ \n])", b"", lines.arguments(b"f").tobytes().replace(b"//", b"/0/"))
    data = np.frombuffer(text, np.uint8)
    start, face = _tokens(data)
    if not len(start):
        return np.zeros((0, 3), np.int64), face
    slashes = np.add.reduceat((data == _SLASH).astype(np.int64), start)
    values = _numbers(text.replace(b"/", b" "), np.int64, int((slashes + 1).sum()))
    if values is None or slashes.max() > 2:
        raise _no_number(lines, faces, int)
    first = np.cumsum(slashes + 1) - (slashes + 1)
    corner = np.zeros((len(start), 3), np.int64)
    for column in range(3):
        given = slashes >= column
        corner[given, column] = values[first[given] + column]
    return corner, face


def _resolved(lines: _Lines, line: np.ndarray, written: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Indices from zero, -1 for none: negative ones count back from the line they stand on.

    Args:
        lines: The file.
        line: [C] line of each corner.
        written: [C] index as written, 0 = none.
        targets: [n] lines of the statements that are counted.
    """
    before = np.searchsorted(targets, line)
    index = np.where(written < 0, before + written, written - 1)
    wrong = (written != 0) & ((index < 0) | (index >= len(targets)))
    if wrong.any():
        raise lines.error(int(line[np.argmax(wrong)]), "points to something that is not in the file")
    return np.where(written == 0, -1, index)


def _fans(count: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Corners [T, 3] of the triangles of polygons with `count` [F] corners each, and their polygon [T]."""
    triangles = np.maximum(count - 2, 0)
    of_face = np.repeat(np.arange(len(count)), triangles)
    first = (np.cumsum(count) - count)[of_face]
    within = np.arange(len(of_face)) - (np.cumsum(triangles) - triangles)[of_face]
    return np.stack([first, first + within + 1, first + within + 2], axis=1), of_face


def _materials(lines: _Lines, faces: np.ndarray) -> Tuple[np.ndarray, Tuple[str, ...]]:
    """The material of each face [F] as an index, -1 for none, and the materials' names."""
    candidates = lines.of_kind(b"us")
    uses = [(int(line), lines.text(int(line))[6:].strip()) for line in candidates]
    names = tuple(dict.fromkeys(name for _, name in uses))
    index = np.array([-1, *(names.index(name) for _, name in uses)])
    return index[np.searchsorted(np.array([line for line, _ in uses]), faces)], names

"""What `hou.Geometry.loadFromFile` makes of a Wavefront OBJ, as far as it is known.

Known [D: File SOP]: OBJ is read; polygons turn the way Houdini wants them (clockwise from the front [I], so the order
of the file is reversed). Not known: whether `uv` and `N` come on vertices or, where all corners of each point agree,
on points; and whether `usemtl` becomes an attribute. `READER` says which of them this stand-in plays; tests play all.

A file cut at the end of a line is read without complaint: the format has no end mark. That is the trap it is for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from ._errors import OperationFailed
from ._strict import NotInStandIn

READER: Dict[str, Any] = {"points": False, "material": True}
"""points: `uv` and `N` go onto points where they can; material: `usemtl` makes `shop_materialpath`."""
_IGNORED = ("", "#", "o", "s", "mtllib")


class Wavefront(NamedTuple):
    """The content of a file, polygons in the order of the file but turned around."""

    points: np.ndarray  # [P, 3] float32
    corners: np.ndarray  # [V] int32, point of each vertex
    sizes: np.ndarray  # [F] int64, vertices of each polygon
    uv: np.ndarray  # [V, 3] float32, or empty
    normals: np.ndarray  # [V, 3] float32, or empty
    materials: List[Tuple[int, str]]  # first polygon of each `usemtl`
    groups: List[Tuple[int, str]]  # first polygon of each `g`


def read(path: Path) -> Wavefront:
    """Reads a file strictly.

    Raises:
        OperationFailed: It is not there, or holds something that is no OBJ.
        NotInStandIn: A statement that is not imitated.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationFailed("Unable to read file %s (%s)" % (path, error)) from None
    rows: Dict[str, List[str]] = {"v": [], "vt": [], "vn": [], "f": []}
    materials: List[Tuple[int, str]] = []
    groups: List[Tuple[int, str]] = []
    for line in lines:
        kind, _, rest = line.strip().partition(" ")
        if kind in rows:
            rows[kind].append(rest)
        elif kind == "usemtl":
            materials.append((len(rows["f"]), rest.strip()))
        elif kind == "g":
            groups.append((len(rows["f"]), rest.strip()))
        elif kind not in _IGNORED and not kind.startswith("#"):
            raise NotInStandIn("the OBJ statement %r" % kind)
    try:
        return _made(rows, materials, groups)
    except ValueError as error:
        raise OperationFailed("Unable to read file %s (%s)" % (path, error)) from None


def _made(rows: Dict[str, List[str]], materials: List[Tuple[int, str]], groups: List[Tuple[int, str]]) -> Wavefront:
    points, uv, normals = _table(rows["v"], 3), _table(rows["vt"], 2), _table(rows["vn"], 3)
    sizes, places = _faces(rows["f"])
    limits = (len(points), len(uv), len(normals))
    for column, limit in zip(places, limits):
        if len(column) and (column.min() < 0 or column.max() >= limit):
            raise ValueError("an index outside of its list")
    corners, textures, directions = places
    uvw = np.concatenate([uv, np.zeros((len(uv), 1), np.float32)], axis=1)[textures]
    return Wavefront(points, corners, sizes, uvw, normals[directions], materials, groups)


def _table(rows: List[str], width: int) -> np.ndarray:
    return np.array(" ".join(rows).split(), np.float32).reshape(len(rows), width)


def _faces(rows: List[str]) -> Tuple[np.ndarray, Tuple[np.ndarray, ...]]:
    """Vertices of each polygon, and position, texture and normal number of each vertex, all polygons turned around."""
    words = " ".join(rows).split()
    sizes = np.array([row.count(" ") + 1 for row in (" ".join(r.split()) for r in rows)], np.int64)
    if not words:
        return sizes, (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32))
    form = words[0].count("/"), "//" in words[0]
    if any((word.count("/"), "//" in word) != form for word in words):
        raise ValueError("faces of several forms")
    columns = 1 if form[0] == 0 else 2 if form[1] or form[0] == 1 else 3
    numbers = np.array(" ".join(words).replace("//", " ").replace("/", " ").split(), np.int64).reshape(-1, columns)
    turned = numbers[_turned(sizes)] - 1
    empty = np.empty(0, np.int64)
    if columns == 1:
        found = (turned[:, 0], empty, empty)
    elif columns == 2:
        found = (turned[:, 0], empty, turned[:, 1]) if form[1] else (turned[:, 0], turned[:, 1], empty)
    else:
        found = (turned[:, 0], turned[:, 1], turned[:, 2])
    return sizes, tuple(column.astype(np.int32) for column in found)


def _turned(sizes: np.ndarray) -> np.ndarray:
    """Places of the vertices when each polygon is read from its last one to its first."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    within = np.arange(sizes.sum()) - np.repeat(starts, sizes)
    return np.repeat(starts + sizes - 1, sizes) - within

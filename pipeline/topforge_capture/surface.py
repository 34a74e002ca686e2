"""A huge extracted surface made usable: vertices fused, parts counted, detail merged, within a few GB of memory.

Everything is arrays of numpy and files that are mapped: 40 million vertices and 80 million triangles take about 3 GB.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from topforge.errors import FailureClass, TopForgeError
from topforge_capture.ply import Bytes, Floats, Indices, PlyMesh, PlyWriter, blocks

_SHIFTS = 4
"""Grids that vertices are fused on, each shifted by a quarter of a cell.

Two points nearer to each other than a quarter of a cell along each axis are parted by at most one of the grids along
each axis, so by at most three of the four: one of them fuses the pair.
"""
_AXIS_BITS = 20
_CELLS = 1 << _AXIS_BITS


class EmptySurfaceError(TopForgeError):
    """Nothing is left of a surface."""

    failure_class = FailureClass.TRAINER

    def __init__(self, path: Path) -> None:
        super().__init__(
            "The surface in %s is empty: no triangle has an area." % path,
            "Look at the bounding sphere first (sphere_center, sphere_radius, readjust_center, readjust_scale).",
        )


@dataclasses.dataclass(frozen=True)
class Surface:
    """A mesh whose triangles may lie in a file."""

    positions: Floats  # [V, 3]
    colours: Optional[Bytes]  # [V, 3]
    triangles: Indices  # [F, 3]

    def turned(self, rotation: NDArray[np.float32]) -> Surface:
        """With positions turned by a matrix [3, 3]."""
        turned = np.empty_like(self.positions)
        for rows in blocks(len(turned)):
            turned[rows] = self.positions[rows] @ rotation.T
        return dataclasses.replace(self, positions=turned)

    def write(self, path: Path) -> None:
        """As binary PLY."""
        with PlyWriter(path, len(self.positions), len(self.triangles), self.colours is not None) as writer:
            for rows in blocks(len(self.positions)):
                writer.vertices(self.positions[rows], None if self.colours is None else self.colours[rows])
            for rows in blocks(len(self.triangles)):
                writer.faces(np.asarray(self.triangles[rows]))


def load(mesh: PlyMesh, tolerance: float, largest_part: bool, scratch: Path) -> Surface:
    """Reads a mesh, with vertices fused and what has no area dropped.

    Args:
        mesh: As in its file.
        tolerance: Share of the surface's extent within which vertices are one; 0 = all stay.
        largest_part: Keep only the connected part with the most vertices.
        scratch: Folder for the triangles, 12 bytes each.

    Raises:
        UnreadablePlyError: A vertex or a face of it is not sound.
        EmptySurfaceError: Nothing is left.
    """
    positions = np.empty((len(mesh.vertices), 3), np.float32)
    for rows in blocks(len(positions)):
        positions[rows] = mesh.positions(rows)
    label = fused(positions, tolerance)
    count, path = _write_triangles(mesh, label, scratch)
    if count == 0:
        raise EmptySurfaceError(mesh.path)
    triangles: Indices = np.memmap(path, np.int32, "r+", 0, (count, 3))
    used = np.zeros(len(positions), bool)
    if largest_part:
        part = components(triangles, len(positions))
        sizes = np.bincount(part[np.unique(label)], minlength=len(positions))
        triangles = _filtered(triangles, part, int(sizes.argmax()))
    for rows in blocks(len(triangles)):
        used[triangles[rows].ravel()] = True
    return _compacted(mesh, positions, used, triangles)


def _write_triangles(mesh: PlyMesh, label: Indices, scratch: Path) -> Tuple[int, Path]:
    """Triangles over fused vertices, those without area left out, into a file."""
    scratch.mkdir(parents=True, exist_ok=True)
    path, count = scratch / "triangles.bin", 0
    with path.open("wb") as stream:
        for rows in blocks(len(mesh.faces)):
            corners = label[mesh.corners(rows)]
            kept = corners[_has_area(corners)]
            kept.tofile(stream)
            count += len(kept)
    return count, path


def _has_area(corners: Indices) -> NDArray[np.bool_]:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    return (a != b) & (b != c) & (c != a)


def _filtered(triangles: Indices, part: Indices, wanted: int) -> Indices:
    """The triangles of one part, moved to the front of the same file."""
    end = 0
    for rows in blocks(len(triangles)):
        kept = triangles[rows][part[triangles[rows][:, 0]] == wanted]
        triangles[end : end + len(kept)] = kept
        end += len(kept)
    return triangles[:end]


def _compacted(mesh: PlyMesh, positions: Floats, used: NDArray[np.bool_], triangles: Indices) -> Surface:
    """Without vertices that no triangle uses."""
    number = (np.cumsum(used, dtype=np.int64) - 1).astype(np.int32)
    for rows in blocks(len(triangles)):
        triangles[rows] = number[triangles[rows]]
    colours = None
    if mesh.has_colours:
        parts = [mesh.colours(rows)[used[rows]] for rows in blocks(len(used))]
        colours = np.concatenate(parts)
    return Surface(positions[used], colours, triangles)


def fused(positions: Floats, tolerance: float) -> Indices:
    """For each vertex the one that stands for it: all within `tolerance` of the extent along each axis become one."""
    label = np.arange(len(positions), dtype=np.int32)
    if tolerance <= 0:
        return label
    low = positions.min(axis=0)
    extent = float((positions.max(axis=0) - low).max())
    cell = max(_SHIFTS * tolerance * extent, extent / (_CELLS - 4), 1e-30)
    alive = label
    for shift in range(_SHIFTS):
        keys = _keys(positions[alive], low - shift / _SHIFTS * cell, cell)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        del keys
        if len(first) < len(alive):
            link = np.arange(len(positions), dtype=np.int32)
            link[alive] = alive[first][inverse]
            label = link[label]
            alive = np.sort(alive[first])
    return label


def _keys(positions: Floats, low: NDArray[np.float32], cell: float) -> NDArray[np.int64]:
    """The number of each point's grid cell."""
    keys = np.empty(len(positions), np.int64)
    for rows in blocks(len(positions)):
        place = np.floor((positions[rows].astype(np.float64) - low) / cell).astype(np.int64)
        keys[rows] = (place[:, 0] << (2 * _AXIS_BITS)) | (place[:, 1] << _AXIS_BITS) | place[:, 2]
    return keys


def components(triangles: Indices, vertices: int) -> Indices:
    """For each vertex the least vertex of its connected part."""
    root = np.arange(vertices, dtype=np.int32)
    changed = True
    while changed:
        changed = False
        for rows in blocks(len(triangles)):
            corners = triangles[rows]
            roots = root[corners]
            least = roots.min(axis=1)
            if (roots != least[:, None]).any():
                changed = True
                for corner in range(3):
                    np.minimum.at(root, roots[:, corner], least)
        previous = None
        while previous is None or not np.array_equal(previous, root):
            previous, root = root, root[root]
    return root


def merged(surface: Surface, vertices: int) -> Surface:
    """With about `vertices` vertices at most: those within a cell of a grid become one in their middle.

    Cells shrink with the inverse square root of their number on a surface; a few rounds find their size.
    """
    if len(surface.positions) <= vertices:
        return surface
    low = surface.positions.min(axis=0)
    extent = float((surface.positions.max(axis=0) - low).max())
    cell = extent / max(1.0, (vertices / 6.0) ** 0.5)
    while True:
        unique, inverse = np.unique(_keys(surface.positions, low, cell), return_inverse=True)
        if len(unique) <= vertices:
            return _averaged(surface, inverse.reshape(-1), len(unique))
        cell *= 1.02 * (len(unique) / vertices) ** 0.5


def _averaged(surface: Surface, cell_of: NDArray[np.int64], cells: int) -> Surface:
    share = 1.0 / np.bincount(cell_of, minlength=cells)
    positions = np.empty((cells, 3), np.float32)
    colours = None if surface.colours is None else np.empty((cells, 3), np.uint8)
    for axis in range(3):
        positions[:, axis] = np.bincount(cell_of, surface.positions[:, axis], cells) * share
        if colours is not None and surface.colours is not None:
            colours[:, axis] = np.bincount(cell_of, surface.colours[:, axis], cells) * share + 0.5
    number = cell_of.astype(np.int32)
    parts = []
    for rows in blocks(len(surface.triangles)):
        corners = number[surface.triangles[rows]]
        parts.append(corners[_has_area(corners)])
    return Surface(positions, colours, _without_copies(np.concatenate(parts), cells))


def _without_copies(triangles: Indices, vertices: int) -> Indices:
    """Each triangle once, in the order in which it first comes."""
    if vertices >= 1 << 21:
        return triangles
    ordered = np.sort(triangles, axis=1).astype(np.int64)
    keys = (ordered[:, 0] << 42) | (ordered[:, 1] << 21) | ordered[:, 2]
    return triangles[np.sort(np.unique(keys, return_index=True)[1])]

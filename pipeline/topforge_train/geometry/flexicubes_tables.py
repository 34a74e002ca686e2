"""Tables of dual marching cubes, derived here from the cube's combinatorics.

Numbering: corner c has offset (c & 1, c >> 1 & 1, c >> 2 & 1) along x, y, z. Edge 4 a + du + 2 dv runs along axis a
from the corner with offsets du, dv along the axes u = a + 1 and v = a + 2 (mod 3). Face 2 a + s is the side s of
axis a. A configuration is the byte whose bit c says that corner c is inside.

On each face the surface joins crossed edges in pairs; following the pairs around a cube closes loops, and a loop is a
patch: one dual vertex. A face whose diagonals disagree can be joined in two ways. We cut off its inside corners, on
both cubes alike, so the surface is closed. One defect is left: where both segments of such a face belong to one patch
on both sides of it, two dual vertices share two edges of the mesh that coincide (Wenger, "Isosurfaces", 2013,
cases C16 and C19). There both cubes join that face the other way, which splits the patches: entries 256 to 511.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

FLIPPED = 256
"""Added to a configuration whose ambiguous face is joined the other way."""


@dataclasses.dataclass(frozen=True)
class CubeTables:
    """Lookup tables, all int64.

    Attributes:
        patch_count: [512] patches of a configuration, 0 to 4.
        patch_of_edge: [512 * 12] patch of a crossed edge, -1 where not crossed.
        pinched_face: [256] the face both of whose segments are in one patch, -1 where there is none.
    """

    patch_count: Tensor
    patch_of_edge: Tensor
    pinched_face: Tensor


def edge_corners(edge: int) -> Tuple[int, int]:
    """The two corners of an edge, the lower one along its axis first."""
    axis, du, dv = edge // 4, edge & 1, edge >> 1 & 1
    low = du << (axis + 1) % 3 | dv << (axis + 2) % 3
    return low, low | 1 << axis


def face_edges(face: int) -> List[int]:
    """The four edges in the plane of a face."""
    axis, side = divmod(face, 2)
    return [edge for edge in range(12) if all(corner >> axis & 1 == side for corner in edge_corners(edge))]


def face_segments(configuration: int, face: int, flipped: bool) -> List[Tuple[int, int]]:
    """Pairs of crossed edges that the surface joins on a face: none, one, or two.

    With two pairs, the edges of a pair share a corner that is inside (or outside, if flipped).
    """
    crossed = [e for e in face_edges(face) if len({configuration >> c & 1 for c in edge_corners(e)}) == 2]
    if len(crossed) < 4:
        return [(crossed[0], crossed[1])] if crossed else []
    wanted = 0 if flipped else 1
    corners = sorted({c for e in crossed for c in edge_corners(e) if configuration >> c & 1 == wanted})
    first, second = ([e for e in crossed if corner in edge_corners(e)] for corner in corners)
    return [(first[0], first[1]), (second[0], second[1])]


def edge_patches(configuration: int, flipped: bool) -> Dict[int, int]:
    """Patch number of each crossed edge: the loops that the segments of the six faces close."""
    neighbours: Dict[int, List[int]] = {}
    for face in range(6):
        for one, other in face_segments(configuration, face, flipped):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    patches: Dict[int, int] = {}
    for start in sorted(neighbours):
        pending = [start] if start not in patches else []
        number = len(set(patches.values()))
        while pending:
            edge = pending.pop()
            patches[edge] = number
            pending.extend(other for other in neighbours[edge] if other not in patches)
    return patches


def find_pinched_face(configuration: int) -> Optional[int]:
    """The ambiguous face whose two segments lie in one patch; a configuration has at most one."""
    patches = edge_patches(configuration, flipped=False)
    for face in range(6):
        segments = face_segments(configuration, face, flipped=False)
        if len(segments) == 2 and patches[segments[0][0]] == patches[segments[1][0]]:
            return face
    return None


@functools.lru_cache(maxsize=None)
def cube_tables(device: torch.device) -> CubeTables:
    """The tables on a device; made once."""
    count, of_edge = [], []
    for entry in range(2 * FLIPPED):
        patches = edge_patches(entry % FLIPPED, flipped=entry >= FLIPPED)
        count.append(len(set(patches.values())))
        of_edge.extend(patches.get(edge, -1) for edge in range(12))
    faces = [find_pinched_face(configuration) for configuration in range(256)]
    pinched = [-1 if face is None else face for face in faces]
    return CubeTables(*(torch.tensor(values, device=device) for values in (count, of_edge, pinched)))

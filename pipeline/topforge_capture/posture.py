"""Do cameras and masks belong together? And if not: under which reading of the poses would they?

Poses are written in many conventions. A wrong reading rarely leaves anything of the visual hull, the right one leaves
a hull that explains every mask, so the candidates are simply tried.
"""

from __future__ import annotations

import dataclasses
from typing import Callable, Sequence, Tuple

import numpy as np

from topforge_capture import geometry
from topforge_capture.hull import Hull, Silhouette, carve, refine
from topforge_capture.photo import Photo

AGREES = 0.1
"""A view agrees with the hull when at most this fraction of its mask is unexplained."""
DOUBTFUL = 0.04
"""Above it a view takes no part in measuring the object. Exact poses and masks leave nothing unexplained."""
CERTAIN = 0.9
"""A reading is believed when at least this fraction of the views agrees with it without doubt."""
COARSE, FINE = 32, 56
"""Cells along a side of the hull's grid: for trying, and for measuring."""
MOST_VIEWS_TRIED = 24


@dataclasses.dataclass(frozen=True)
class Reading:
    """One way to read a pose matrix, in the file's world."""

    name: str
    """As in "the poses are ..."."""
    fix: str
    convert: Callable[[np.ndarray], np.ndarray]
    """From the matrix in the file [4, 4] to camera-to-world with OpenGL axes."""


def _axes(*columns: Tuple[int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """Rearranges camera axes: for each new column, (old column, sign)."""
    change = np.zeros((4, 4))
    change[3, 3] = 1.0
    for new, (old, sign) in enumerate(columns):
        change[old, new] = sign
    return lambda matrix: matrix @ change


_from_opencv = _axes((0, 1), (1, -1), (2, -1))
_from_llff = _axes((1, 1), (0, -1), (2, 1))

AS_WRITTEN = Reading("camera to world with OpenGL axes (x right, y up, looking along -z)", "", lambda matrix: matrix)
READINGS = (
    AS_WRITTEN,
    Reading(
        "camera to world with OpenCV axes (x right, y down, looking along +z)",
        "Negate the second and the third column of each transform_matrix.",
        _from_opencv,
    ),
    Reading("world to camera with OpenGL axes", "Invert each transform_matrix.", np.linalg.inv),
    Reading(
        "world to camera with OpenCV axes (COLMAP's own form)",
        "Invert each transform_matrix, then negate its second and third column.",
        lambda matrix: _from_opencv(np.linalg.inv(matrix)),
    ),
    Reading(
        "camera to world with LLFF axes (down, right, back)",
        "Write each matrix with the columns (second, -first, third, fourth).",
        _from_llff,
    ),
    Reading(
        "camera to world with images turned by half a turn",
        "Turn the images by 180 degrees, or negate the first and the second column of each transform_matrix.",
        _axes((0, -1), (1, -1), (2, 1)),
    ),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Posture:
    """What one reading of the poses makes of the views."""

    reading: Reading
    silhouettes: Tuple[Silhouette, ...]
    focus: np.ndarray
    """[3] the point nearest to the optical axes of the views that see it."""
    spread: float
    """Median distance of the optical axes from `focus`, over the median distance of the cameras."""
    astray: np.ndarray
    """[N] bool: `focus` is outside of the view's image or behind its camera."""
    unexplained: np.ndarray
    """[N] fraction of each mask that the tolerant hull of the others does not explain; 1 where astray."""
    excess: np.ndarray
    """[N] fraction of the tolerant hull's cells that miss each mask: what the mask leaves out that most others show."""
    carved: float
    """Fraction of a mask that the exact hull of the agreeing views or, if that is more, the tolerant one does not
    explain, the median over all that look. 0 for exact masks; those off by some pixels carve each other away."""
    hull: Hull
    """Carved by the views that agree, no cell missing any of them; tolerant if that would carve too much away."""

    @property
    def disagreeing(self) -> np.ndarray:
        """[N] bool: sees the focus, but its mask does not fit the hull."""
        return ~self.astray & (self.unexplained > DOUBTFUL)

    @property
    def agreement(self) -> float:
        """Fraction of views that agree with the hull; 0 without hull."""
        return float((self.unexplained <= AGREES).mean()) if self.hull else 0.0

    @property
    def certainty(self) -> float:
        """Fraction of views that agree without a doubt. Round objects agree a little with wrong readings too."""
        return float((self.unexplained <= DOUBTFUL).mean()) if self.hull else 0.0


def read_as(reading: Reading, photos: Sequence[Photo], world: np.ndarray, resolution: int = COARSE) -> Posture:
    """Builds cameras by `reading` and carves.

    Args:
        reading: How to read the poses.
        photos: Views with non-empty masks, at least two.
        world: [4, 4] from the file's world to TopForge's.
        resolution: Cells along a side.
    """
    unworld = np.linalg.inv(world)
    poses = [world @ reading.convert(unworld @ photo.view.camera_to_world) for photo in photos]
    silhouettes = tuple(Silhouette.of(photo, pose) for photo, pose in zip(photos, poses))
    focus, spread = _focus(silhouettes)
    astray = ~np.array([_sees(silhouette, focus) for silhouette in silhouettes])
    looking = [s for s, lost in zip(silhouettes, astray) if not lost]
    unexplained, excess, carved = np.ones(len(photos)), np.zeros(len(photos)), 0.0
    if not looking:
        nothing = Hull(focus, 1.0, np.zeros((1,) * 3, bool))
        return Posture(reading, silhouettes, focus, spread, astray, unexplained, np.zeros(len(photos)), 0.0, nothing)
    tolerance = len(looking) // 10 if len(looking) >= 10 else 0
    half = 1.2 * float(np.median([_half_extent(silhouette, focus) for silhouette in looking]))
    hull = carve(looking, focus, half, resolution, tolerance)
    if hull:
        hull = refine(hull, looking, resolution, tolerance)
    if hull:
        unexplained[~astray] = [hull.unexplained(silhouette) for silhouette in looking]
        excess[~astray] = [hull.excess(silhouette) for silhouette in looking]
        agreeing = [s for s, missing in zip(looking, unexplained[~astray]) if missing <= DOUBTFUL]
        exact = refine(hull, agreeing, resolution) if agreeing else hull
        by_exact = np.median([exact.unexplained(silhouette) for silhouette in looking])
        carved = float(max(by_exact, np.median(unexplained[~astray])))
        hull = exact if carved <= DOUBTFUL else hull
    return Posture(reading, silhouettes, focus, spread, astray, unexplained, excess, carved, hull)


def best_other_reading(photos: Sequence[Photo], world: np.ndarray) -> Posture | None:
    """The first of the other readings under which nearly all views agree without doubt; None when there is none."""
    step = -(-len(photos) // MOST_VIEWS_TRIED)
    tried = [read_as(reading, photos[::step], world) for reading in READINGS[1:]]
    best = max(tried, key=lambda posture: round(posture.certainty, 1))
    return best if best.certainty >= CERTAIN else None


def _focus(silhouettes: Sequence[Silhouette]) -> Tuple[np.ndarray, float]:
    """Focus and spread; views that miss the point take no further part in finding it."""
    positions = np.array([s.camera_to_world[:3, 3] for s in silhouettes])
    forward = np.array([-s.camera_to_world[:3, 2] for s in silhouettes])
    kept = np.ones(len(silhouettes), bool)
    for _ in range(5):
        focus = geometry.nearest_point_to_axes(positions[kept], forward[kept])
        misses = geometry.distances_to_axes(focus, positions, forward)
        limit = max(3.0 * float(np.median(misses)), 1e-9)
        if np.array_equal(misses <= limit, kept):
            break
        kept = misses <= limit
    distance = float(np.median(np.linalg.norm(focus - positions, axis=1)))
    return focus, float(np.median(misses[kept])) / max(distance, 1e-12)


def _sees(silhouette: Silhouette, point: np.ndarray) -> bool:
    column, row, depth = (float(value[0]) for value in silhouette.project(point[None]))
    return depth > 0 and 0 <= column <= silhouette.size[0] and 0 <= row <= silhouette.size[1]


def _half_extent(silhouette: Silhouette, focus: np.ndarray) -> float:
    """Half of what the longer side of the image spans at the distance of the focus, world units."""
    distance = float(np.linalg.norm(focus - silhouette.camera_to_world[:3, 3]))
    return 0.5 * max(silhouette.size) / silhouette.focal * distance

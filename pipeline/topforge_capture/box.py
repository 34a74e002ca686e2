"""Where the object is, and the box that each trainer needs of that.

From the masks' hull where there are masks, else from the sparse cloud, else guessed from what the cameras look at.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from topforge_capture import geometry
from topforge_capture.capture import Bound, CaptureError, Dataset, View
from topforge_capture.checks.space import recommended_box
from topforge_capture.formats import neuralangelo
from topforge_capture.lens import FISHEYE
from topforge_capture.losses import has_coverage
from topforge_capture.photo import Photo, examine
from topforge_capture.posture import AS_WRITTEN, FINE, read_as

MOST_VIEWS = 48
"""Views whose masks are carved with; more change little."""
LEAST_AGREEMENT = 0.6
"""Share of the views that must agree with the hull for it to be believed."""
WITHIN = 0.9
"""Points of a cloud farther from the middle than this share of the cameras' distance are background."""
LEAST_POINTS = 50
PERCENT = (2.0, 98.0)
"""Where a cloud of points begins and ends in each axis."""
GUESS = 0.35
"""Of what an image spans at the middle's distance, the share that the object's half side is taken for."""
Progress = Callable[[float, str], None]


def given(centre: np.ndarray, size: float) -> Bound:
    """A cube, in TopForge's world."""
    return Bound(centre - 0.5 * size, centre + 0.5 * size, "given")


def find(dataset: Dataset, progress: Progress) -> Bound:
    """The object's box, by the best that the capture has; `source` of the result says by what.

    Raises:
        CaptureError: An image cannot be decoded.
    """
    for method in (_from_masks, _from_points):
        bounds = method(dataset, progress)
        if len(bounds):
            return Bound(bounds[0], bounds[1], "masks" if method is _from_masks else "points")
    focus = _focus(dataset.views)
    spans = [0.5 * min(v.width, v.height) / v.focal * np.linalg.norm(v.position - focus) for v in dataset.views]
    half = GUESS * 2.0 * float(np.median(spans))
    return Bound(focus - half, focus + half, "cameras")


def _focus(views: Tuple[View, ...]) -> np.ndarray:
    positions, forward = (np.array([getattr(view, name) for view in views]) for name in ("position", "forward"))
    return geometry.nearest_point_to_axes(positions, forward)


def _from_masks(dataset: Dataset, progress: Progress) -> np.ndarray:
    """[2, 3], or nothing. Distortion is not undone: what it moves is less than the hull's margin."""
    views = [v for v in dataset.views if v.distortion.model != FISHEYE and has_coverage(v)]
    views = views[:: -(-len(views) // MOST_VIEWS) or 1]
    photos: List[Photo] = []
    for index, view in enumerate(views):
        progress(index / len(views), "looking at %s" % view.image.name)
        photo = examine(view, "train")
        photos += [photo] if photo.mask.any() and photo.covered < 1.0 else []
    if len(photos) < 2:
        return np.empty((0, 3))
    posture = read_as(AS_WRITTEN, photos, np.eye(4), FINE)
    return posture.hull.bounds() if posture.agreement >= LEAST_AGREEMENT else np.empty((0, 3))


def _from_points(dataset: Dataset, progress: Progress) -> np.ndarray:
    """[2, 3], or nothing."""
    if dataset.points is None:
        return np.empty((0, 3))
    focus = _focus(dataset.views)
    reach = WITHIN * float(np.median([np.linalg.norm(view.position - focus) for view in dataset.views]))
    near = dataset.points.positions[np.linalg.norm(dataset.points.positions - focus, axis=1) < reach]
    return np.percentile(near, PERCENT, axis=0) if len(near) >= LEAST_POINTS else np.empty((0, 3))


def for_trainers(bound: Bound) -> Dict[str, Any]:
    """What each trainer is to be told, as JSON-able data.

    Returns:
        `mesh_scale` is the side of a cube around the origin (TopForge's trainer, nvdiffrec, nvdiffmodeling);
        `mesh_scale_if_centred` the side once the box's middle is the origin. `neuralangelo` has the sphere in the world
        of its transforms.json and the `readjust` that goes with a file that says the same sphere: none.
    """
    centre, side, around_centre = recommended_box(np.stack([bound.low, bound.high]))
    sphere = neuralangelo.sphere(bound)
    return {
        "source": bound.source,
        "bounds": [bound.low.tolist(), bound.high.tolist()],
        "centre": centre.tolist(),
        "radius": 0.5 * float(np.linalg.norm(bound.high - bound.low)),
        "mesh_scale": side,
        "mesh_scale_if_centred": around_centre,
        "neuralangelo": {
            "sphere_center": sphere["sphere_center"],
            "sphere_radius": sphere["sphere_radius"],
            "readjust": {"center": [0.0, 0.0, 0.0], "scale": 1.0},
        },
    }


def readjust(wanted: Bound, written: Bound) -> Dict[str, Any]:
    """Neuralangelo's `data.readjust` that makes of the sphere around one box, as a transforms.json has it, another's.

    The sphere's centre is moved by `center` and its radius multiplied by `scale`.

    Raises:
        CaptureError: `bad-value`: a box without extent.
    """
    new, old = neuralangelo.sphere(wanted), neuralangelo.sphere(written)
    if old["sphere_radius"] <= 0:
        raise CaptureError("bad-value", "The written sphere has no radius.", "Write the file again.")
    moved = np.array(new["sphere_center"]) - np.array(old["sphere_center"])
    return {"center": moved.tolist(), "scale": new["sphere_radius"] / old["sphere_radius"]}

"""What a format cannot say about a capture, and what remains of the capture without it.

One table of features, one of what each format holds (`formats.base.Holds`): a conversion's report follows from both.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Callable, List, Optional, Tuple

import numpy as np

from topforge_capture.capture import FAR, NEAR, CaptureError, Dataset, View
from topforge_capture.formats.base import Holds
from topforge_capture.headers import read_header
from topforge_capture.lens import PINHOLE

GRID = 9
"""Points along a side of an image where a change of its lens is measured."""
SAME = 1e-9
"""Lenses whose numbers differ by no more than this share are one."""
NOTICEABLE = 1e-3
"""Pixels: less is what single precision makes of a lens, and not a loss."""


@dataclasses.dataclass(frozen=True)
class Loss:
    """One thing that the written capture no longer says."""

    what: str
    """Short and stable: "distortion"."""
    sentence: str
    """For people."""
    views: int
    """How many views are concerned; 0 = the capture as a whole."""
    pixels: float = 0.0
    """How far points of the images are from where they should be now, at most; 0 for what is not about lenses."""


@dataclasses.dataclass(frozen=True)
class LensFeature:
    """Something about a lens that a format may lack."""

    what: str
    title: str
    held: Callable[[View, Holds], bool]
    """Whether a format holds what this view has of it."""
    without: Callable[[View, View], View]
    """The view without it; the second is the view whose lens stands for all."""


LENS_FEATURES = (
    LensFeature(
        "distortion",
        "lens distortion",
        lambda view, holds: view.distortion.kind == "none" or view.distortion.kind in holds.distortion,
        lambda view, _: dataclasses.replace(view, distortion=PINHOLE),
    ),
    LensFeature(
        "skew",
        "skew",
        lambda view, holds: holds.skew or abs(view.skew) <= SAME * view.focal,
        lambda view, _: dataclasses.replace(view, skew=0.0),
    ),
    LensFeature(
        "stretch",
        "pixels that are not square",
        lambda view, holds: holds.stretch or abs(view.stretch - 1.0) <= SAME,
        lambda view, _: _squared(view),
    ),
    LensFeature(
        "principal",
        "a principal point beside the image's middle",
        lambda view, holds: holds.principal or max(map(abs, view.principal_offset)) <= SAME * view.width,
        lambda view, _: dataclasses.replace(view, principal_offset=(0.0, 0.0)),
    ),
    LensFeature(
        "lenses",
        "a lens for each image",
        lambda view, holds: holds.lenses,
        lambda view, common: _with_lens(view, common),
    ),
)


def fit(dataset: Dataset, holds: Holds) -> Tuple[Dataset, List[Loss]]:
    """What a format can hold of a capture, and what it cannot.

    Raises:
        CaptureError: `mixed-sizes`: images of several sizes where a format knows one.
    """
    sizes = {(view.width, view.height) for view in dataset.views}
    if len(sizes) > 1 and not holds.sizes:
        reason = "The images have %d sizes; this format knows one." % len(sizes)
        raise CaptureError("mixed-sizes", reason, "Bring all images to one size, or choose another format.")
    found = [_planes(dataset, holds), _splits(dataset, holds), _masks(dataset, holds)]
    found += [_points(dataset, holds), _bound(dataset, holds)]
    losses = [loss for loss in found if loss is not None]
    if not holds.planes:
        dataset = dataset.with_views(lambda view: dataclasses.replace(view, near=NEAR, far=FAR))
    if not holds.points:
        dataset = dataclasses.replace(dataset, points=None)
    if not holds.splits and len(dataset.captures) > 1:
        first = dataset.captures[0]
        dataset = dataclasses.replace(
            dataset, captures=(dataclasses.replace(first, split="train", views=dataset.views),)
        )
    return _fit_lenses(dataset, holds, losses)


def _fit_lenses(dataset: Dataset, holds: Holds, losses: List[Loss]) -> Tuple[Dataset, List[Loss]]:
    for feature in LENS_FEATURES:
        common = sorted(dataset.views, key=lambda view: view.focal)[len(dataset.views) // 2]
        before = dataset.views

        def without(view: View, feature: LensFeature = feature, common: View = common) -> View:
            return view if feature.held(view, holds) else feature.without(view, common)

        dataset = dataset.with_views(without)
        shifts = [shift(old, new) for old, new in zip(before, dataset.views)]
        changed = [(moved, old) for moved, old in zip(shifts, before) if moved > NOTICEABLE]
        if changed:
            worst, view = max(changed, key=lambda pair: pair[0])
            detail = " (%s)" % view.distortion if feature.what == "distortion" else ""
            subject = "%s of %d view%s" % (feature.title, len(changed), "" if len(changed) == 1 else "s")
            sentence = "%s%s: up to %.3g pixels in %s" % (subject, detail, worst, view.image.name)
            losses.append(Loss(feature.what, sentence, len(changed), worst))
    return dataset, losses


def shift(old: View, new: View) -> float:
    """How far apart two lenses place points, in pixels, at most, among those that the first shows in its image."""
    if old is new:
        return 0.0
    fx, fy, cx, cy = old.intrinsics
    u, v = np.meshgrid(np.linspace(0, old.width, GRID), np.linspace(0, old.height, GRID))
    x, y = (u - cx) / fx, (v - cy) / fy
    kept = np.hypot(x, y) < old.distortion.reach()
    first = old.place(x[kept], y[kept])
    inside = ((first >= -0.5) & (first <= np.array([old.width, old.height]) + 0.5)).all(axis=1)
    distance = np.linalg.norm(first - new.place(x[kept], y[kept]), axis=1)[inside]
    return float(distance.max()) if len(distance) else float("inf")


def _squared(view: View) -> View:
    """Square pixels, with the geometric mean of both focal lengths."""
    focal = view.focal * math.sqrt(view.stretch)
    return dataclasses.replace(view, fov_y=2.0 * math.atan(0.5 * view.height / focal), stretch=1.0)


def _with_lens(view: View, common: View) -> View:
    return dataclasses.replace(
        view,
        fov_y=common.fov_y,
        stretch=common.stretch,
        skew=common.skew,
        principal_offset=common.principal_offset,
        distortion=common.distortion,
    )


def has_coverage(view: View) -> bool:
    """Whether anything says which pixels are the object."""
    return view.mask is not None or read_header(view.image).has_alpha


def _planes(dataset: Dataset, holds: Holds) -> Optional[Loss]:
    count = sum(view.has_planes for view in dataset.views)
    if holds.planes or not count:
        return None
    return Loss("planes", "near and far planes of %d views" % count, count)


def _splits(dataset: Dataset, holds: Holds) -> Optional[Loss]:
    names = [capture.split for capture in dataset.captures]
    if holds.splits or names == ["train"]:
        return None
    return Loss("splits", "which views are for %s: all become training views" % ", ".join(names), len(dataset.views))


def _masks(dataset: Dataset, holds: Holds) -> Optional[Loss]:
    if holds.coverage != "none":
        return None
    separate = sum(view.mask is not None for view in dataset.views)
    return (
        Loss("masks", "masks of %d views, which lie in files of their own" % separate, separate) if separate else None
    )


def _points(dataset: Dataset, holds: Holds) -> Optional[Loss]:
    if holds.points or dataset.points is None:
        return None
    return Loss("points", "the sparse cloud of %d points" % len(dataset.points.positions), 0)


def _bound(dataset: Dataset, holds: Holds) -> Optional[Loss]:
    if holds.bound or dataset.bound is None:
        return None
    return Loss("bound", "the box around the object, which conversion.json still tells", 0)

"""Is the lens one that photographs are taken with?

Cameras that were found, not given, come with whatever lens explains the matches best, also where these are wrong.
"""

from __future__ import annotations

import math
from typing import Dict, Iterator, List, Tuple

import numpy as np

from topforge_capture.capture import View
from topforge_capture.checks.registry import Material, check
from topforge_capture.findings import Finding, Severity, counted, fine
from topforge_capture.lens import FILM_DIAGONAL, FISHEYE, WIDEST
from topforge_capture.photo import Photo

NARROWEST_VIEW, WIDEST_VIEW = 5.1, 150.0
"""Degrees along the longer side. A 400 mm lens on 35 mm film has 5.15, and a macro lens of 100 mm at twice natural size
6.9; 10 mm, about the widest that keeps lines straight, has 122, and action cameras some 150. Fisheyes may have more."""
WIDEST_PIXEL = 2.1
"""Anamorphic lenses squeeze by 2; nothing else is far from 1."""


def on_film(view: View) -> float:
    """The focal length on 35 mm film, millimetres."""
    return view.focal * FILM_DIAGONAL / math.hypot(view.width, view.height)


def degrees_across(view: View) -> float:
    """What the picture shows along its longer side, degrees, with the lens's distortion; less where it turns back."""
    fx, fy = view.intrinsics[:2]
    half = 0.5 * max(view.width / fx, view.height / fy)
    if view.distortion.kind == "none":
        return math.degrees(2.0 * math.atan(half))
    radius = np.linspace(0.0, min(view.distortion.reach(), WIDEST), 4001)
    shown, _ = view.distortion.apply(radius, np.zeros_like(radius))
    return math.degrees(2.0 * math.atan(float(np.interp(half, shown, radius))))


def turns_back(view: View) -> float:
    """How many pixels from the middle the lens turns back: beyond, it would show the same things again; often inf."""
    reach = view.distortion.reach()
    if not math.isfinite(reach):
        return math.inf
    shown, _ = view.distortion.apply(np.array(reach), np.array(0.0))
    return float(shown) * min(view.intrinsics[:2])


def doubts(view: View, given: bool = False, reach: float = 1.0) -> Iterator[str]:
    """What speaks against a lens, a sentence each.

    Args:
        view: With the lens.
        given: Its focal length was told, not found: only what was found beside it is judged.
        reach: How far from the middle the picture is used, as a share of half its shorter side.
    """
    across = degrees_across(view)
    narrow = across < NARROWEST_VIEW
    wide = across > WIDEST_VIEW and view.distortion.model != FISHEYE
    if (narrow or wide) and not given:
        yield (
            "Its pictures would show %.3g degrees along the longer side (%.3g mm on 35 mm film); lenses show %g to %g."
            % (across, on_film(view), NARROWEST_VIEW, WIDEST_VIEW)
        )
    if not 1.0 / WIDEST_PIXEL <= view.stretch <= WIDEST_PIXEL:
        yield "Its pixels would be %.3g times as high as wide." % view.stretch
    edge = turns_back(view)
    if edge < reach * 0.5 * min(view.width, view.height):
        yield "Its distortion (%s) turns back %.0f pixels from the middle, inside of pictures of %d x %d." % (
            view.distortion,
            edge,
            view.width,
            view.height,
        )


def unusual(views: int) -> str:
    """How a finding about the lens of so many views begins; a sentence of `doubts` follows."""
    return counted(views, "The lens of one view is unusual. ", "The lens of %d views is unusual. ")


@check("lens", "Lens", needs=("files",))
def lens(material: Material) -> Iterator[Finding]:
    """The field of view is one that photographs have."""
    doubted: Dict[str, List[Photo]] = {}
    for photo in material.survey.photos:
        for sentence in doubts(photo.view):
            doubted.setdefault(sentence, []).append(photo)
    for sentence, photos in doubted.items():
        fix = "Compare the field of view or the focal length with the lens: degrees where radians are meant, or "
        fix += "millimetres for pixels, look like this, and so do cameras that were found wrongly."
        yield Finding(Severity.WARNING, "unusual-lens", unusual(len(photos)) + sentence, fix, material.files(photos))
    if not doubted and material.survey.photos:
        yield fine("lens", _widths([degrees_across(photo.view) for photo in material.survey.photos]))


def _widths(degrees: List[float]) -> str:
    """The field of view of all."""
    low, high = "%.0f" % min(degrees), "%.0f" % max(degrees)
    between: Tuple[str, ...] = (low,) if low == high else (low, high)
    return "The views show %s degrees along the longer side." % " to ".join(between)

"""Are the cameras that were found ones that can have been there?

What no camera can be is refused, before a GPU hour is spent on it; what may be wrong is told. Cameras may fit their
features to a pixel and be wrong: an object that looks the same from several sides leads to it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np

from topforge_capture import reader
from topforge_capture.capture import View
from topforge_capture.checks import Material, Options, cameras, lenses, masks, run, space
from topforge_capture.findings import Finding, Severity
from topforge_capture.geometry import nearest_point_to_axes
from topforge_capture.survey import survey
from topforge_frames import failures
from topforge_frames.reconstruction import Settings

MISSING_SHARE = 0.1
"""Share of the images that may be without a camera, or in a model of their own, in silence."""
LEAST_ANGLE = 3.0
"""Degrees between the rays to a typical point: COLMAP drops points under 1.5, where a pixel decides over the depth."""
MASK_CHECKS = (cameras.rotation, cameras.convention, cameras.aim, masks.agreement)
"""Those of the capture's check that tell wrong cameras by the masks."""


def refuse(made: Dict[str, Any], views: Sequence[View], settings: Settings) -> None:
    """Refuses what a training would only fail on hours later.

    Args:
        made: What poses.json is to say.
        views: As they were found, their lenses with distortion.
        settings: What was asked for.

    Raises:
        TooFewRegisteredError: Too many images have no camera.
        InaccurateError: The cameras do not fit their images.
        UnlikelyLensError: No camera has such a lens.
    """
    registered, count = made["registered"], made["images"]
    if registered < max(3, settings.minimum_registered * count):
        raise failures.TooFewRegisteredError(
            registered, count, settings.minimum_registered, made["unregistered"], made["model_sizes"]
        )
    if made["reprojection_error"] > settings.maximum_error:
        raise failures.InaccurateError(made["reprojection_error"], settings.maximum_error)
    doubted = _doubted(views, settings, made["feature_reach"])
    if len(doubted) > MISSING_SHARE * len(views):
        raise failures.UnlikelyLensError(doubted)


def warnings(made: Dict[str, Any], views: Sequence[View], settings: Settings, capture: Path) -> List[Finding]:
    """What may be wrong, in the words of the capture's check.

    Args:
        made: What poses.json is to say.
        views: As they were found, their lenses with distortion.
        settings: What was asked for.
        capture: The result, without distortion.
    """
    found = [_apart(made), _odd_lenses(_doubted(views, settings, 1.0), len(views))]
    found += [_without_depth(made), _sector(reader.read(capture).views)]
    return [finding for finding in found if finding is not None] + list(_by_masks(capture, made["masked"]))


def _doubted(views: Sequence[View], settings: Settings, reach: float) -> Dict[str, str]:
    """Images whose lens no camera has, and why; `reach` as in `lenses.doubts`.

    Beyond the features nothing holds a lens: where an object fills half of the frame, a right one may turn back.
    """
    given = settings.focal_length > 0
    found = {view.image.name: " ".join(lenses.doubts(view, given, reach)) for view in views}
    return {image: doubts for image, doubts in found.items() if doubts}


def _odd_lenses(doubted: Dict[str, str], images: int) -> Optional[Finding]:
    """A few images whose lens no camera has, or more whose lens is odd where nothing was found."""
    if not doubted:
        return None
    sentence = lenses.unusual(len(doubted)) + next(iter(doubted.values()))
    few = len(doubted) <= MISSING_SHARE * images
    fix = "Leave these images out." if few else "If results look bent, choose a camera_model with fewer coefficients."
    return Finding(Severity.WARNING, "unusual-lens", sentence, fix, tuple(doubted))


def _apart(made: Dict[str, Any]) -> Optional[Finding]:
    """Images that are not in the model."""
    some = max(3.0, MISSING_SHARE * made["images"])
    if len(made["unregistered"]) < some and all(size < some for size in made["model_sizes"][1:]):
        return None
    sentence = failures.connected(made["registered"], made["images"], made["unregistered"], made["model_sizes"]) + "."
    fix = "Add photographs between those that did not connect, drop blurred ones, or set matching to exhaustive."
    return Finding(Severity.WARNING, "not-registered", sentence, fix, tuple(made["unregistered"]))


def _without_depth(made: Dict[str, Any]) -> Optional[Finding]:
    """Cameras nearly in one place, against the distance of what they see."""
    if made["triangulation_angle"] >= LEAST_ANGLE:
        return None
    sentence = "The cameras stand nearly in one place: they see a typical point under angles of %.1f degrees at most."
    fix = "Walk around the object; photographs from one place, however turned, tell no depth."
    return Finding(Severity.WARNING, "no-baseline", sentence % made["triangulation_angle"], fix)


def _sector(views: Sequence[View]) -> Optional[Finding]:
    """Cameras on one side alone."""
    positions = np.array([view.position for view in views])
    offset = positions - nearest_point_to_axes(positions, np.array([view.forward for view in views]))
    finding = space.unseen_sector(offset)
    if finding is None:
        return None
    fix = "If the photographs were taken from all around, these cameras are wrong: photograph in more detail, or put "
    fix += "things around the object that do not look the same from two sides. Else add views from there."
    return dataclasses.replace(finding, fix=fix)


def _by_masks(capture: Path, masked: int) -> Iterator[Finding]:
    """Where masks and cameras do not fit each other; images without masks are not decoded for it."""
    if not masked:
        return
    photos = survey(capture, lambda done, message: None)
    material = Material(photos, Options(masks="unused", other_readings=False))
    fix = "Cameras that were found wrongly look like this, and masks of something else than one still object: look at "
    fix += "cameras.png of `topforge check`."
    for _, findings in run(MASK_CHECKS, material, lambda done, message: None):
        for finding in findings:
            if finding.severity in (Severity.ERROR, Severity.WARNING):
                yield dataclasses.replace(finding, fix=fix)

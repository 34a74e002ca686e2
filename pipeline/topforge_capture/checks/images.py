"""Do the images fit each other: no copies, no odd exposure, none blurred?"""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, Iterator, List, Tuple

import numpy as np

from topforge_capture.checks.registry import Material, check
from topforge_capture.findings import Finding, Severity, counted, fine
from topforge_capture.photo import Photo

LEAST_TO_COMPARE = 6
"""Fewer views have no typical value that another could differ from."""
NEIGHBOURS = 4
"""Views from nearly the same direction, which show nearly the same side."""
UNSTEADY = 0.15
"""Stops (robust standard deviation) by which neighbours may differ: the sample's fixed exposure gives 0.07."""


@check("duplicates", "Duplicates")
def duplicates(material: Material) -> Iterator[Finding]:
    """No two training images have the same pixels."""
    groups: Dict[str, List[Photo]] = defaultdict(list)
    for photo in material.photos:
        if photo.mask.any():
            groups[photo.digest].append(photo)
    copies = [photo for group in groups.values() if len(group) > 1 for photo in group]
    if copies:
        sentence = "%d training images have exactly the pixels of another one." % len(copies)
        fix = "Remove the copies, or put the right image in their place."
        yield Finding(Severity.WARNING, "duplicate-image", sentence, fix, material.files(copies))
    elif groups:
        yield fine("duplicates", "No training image is a copy of another.")


@check("exposure", "Exposure")
def exposure(material: Material) -> Iterator[Finding]:
    """The object, or all that is seen where there are no masks, is about equally bright in all views."""
    values = np.array([photo.exposure for photo in material.alike])
    odd = _outliers(values, least=1.0)
    stops = values - np.nanmedian(values) if np.isfinite(values).any() else values
    if odd.any():
        worst = float(stops[np.argmax(np.where(odd, np.abs(stops), 0))])
        subject = counted(int(odd.sum()), "One image is", "%d images are")
        sentence = subject + " much brighter or darker than the others (the worst by %+.1f stops)." % worst
        fix = "Use one fixed exposure and white balance, or develop these images again."
        yield Finding(Severity.WARNING, "exposure", sentence, fix, _named(material, odd))
    elif unsteadiness(material) > UNSTEADY:
        sentence = "Exposure varies: views of nearly the same side differ in brightness by %.2f stops."
        fix = "Use one fixed exposure and white balance. The built-in trainer finds exposures; nvdiffrec does not."
        yield Finding(Severity.WARNING, "exposure-varies", sentence % unsteadiness(material), fix)
    elif np.isfinite(values).sum() >= LEAST_TO_COMPARE:
        spread = float(np.nanmax(np.abs(stops)))
        yield fine("exposure", "Brightness stays within %.1f stops." % spread)


@check("sharpness", "Sharpness")
def sharpness(material: Material) -> Iterator[Finding]:
    """No image is much more blurred than the others."""
    values = np.array([photo.sharpness for photo in material.alike])
    values = np.log2(np.where(values > 0, values, np.nan))
    odd = _outliers(values, least=1.5)
    odd &= values < np.nanmedian(values) if odd.any() else odd
    if odd.any():
        subject = counted(int(odd.sum()), "One image shows", "%d images show")
        sentence = subject + " far less detail than the others: motion blur or missed focus."
        yield Finding(Severity.WARNING, "blurred", sentence, "Remove or retake them.", _named(material, odd))
    elif np.isfinite(values).sum() >= LEAST_TO_COMPARE:
        yield fine("sharpness", "All images are about equally sharp.")


def unsteadiness(material: Material) -> float:
    """How much brightness differs from that of the views that look the most alike way, stops.

    The sides of an object differ in brightness, but from one direction to the next they do so little by little. A
    view differs from the median of k others by about sqrt((k + 1) / k) times its own deviation. Robust (1.4826 MAD):
    single odd views are named by themselves.
    """
    known = [photo for photo in material.alike if np.isfinite(photo.exposure)]
    if len(known) < max(LEAST_TO_COMPARE, 3 * NEIGHBOURS):
        return 0.0
    values = np.array([photo.exposure for photo in known])
    forward = np.array([photo.view.forward for photo in known])
    alike = forward @ forward.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1)[:, :NEIGHBOURS]
    deviation = values - np.median(values[nearest], axis=1)
    return float(1.4826 * np.median(np.abs(deviation)) * np.sqrt(NEIGHBOURS / (NEIGHBOURS + 1)))


def _outliers(values: np.ndarray, least: float) -> np.ndarray:
    """[N] bool: further from the median than `least` and than 5 robust standard deviations (1.4826 MAD)."""
    finite = values[np.isfinite(values)]
    if len(finite) < LEAST_TO_COMPARE:
        return np.zeros(len(values), bool)
    deviation = np.abs(values - np.median(finite))
    return deviation > max(least, 5 * 1.4826 * float(np.nanmedian(deviation)))


def _named(material: Material, chosen: np.ndarray) -> Tuple[str, ...]:
    return material.files([photo for photo, is_chosen in zip(material.alike, chosen) if is_chosen])

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
    """The object is about equally bright in all views."""
    values = np.array([photo.exposure for photo in material.photos])
    odd = _outliers(values, least=1.0)
    stops = values - np.nanmedian(values) if np.isfinite(values).any() else values
    if odd.any():
        worst = float(stops[np.argmax(np.where(odd, np.abs(stops), 0))])
        subject = counted(int(odd.sum()), "One image is", "%d images are")
        sentence = subject + " much brighter or darker than the others (the worst by %+.1f stops)." % worst
        fix = "Use one fixed exposure and white balance, or develop these images again."
        yield Finding(Severity.WARNING, "exposure", sentence, fix, _named(material, odd))
    elif np.isfinite(values).sum() >= LEAST_TO_COMPARE:
        spread = float(np.nanmax(np.abs(stops)))
        yield fine("exposure", "The brightness of the object stays within %.1f stops." % spread)


@check("sharpness", "Sharpness")
def sharpness(material: Material) -> Iterator[Finding]:
    """No image is much more blurred than the others."""
    values = np.array([photo.sharpness for photo in material.photos])
    values = np.log2(np.where(values > 0, values, np.nan))
    odd = _outliers(values, least=1.5)
    odd &= values < np.nanmedian(values) if odd.any() else odd
    if odd.any():
        subject = counted(int(odd.sum()), "One image shows", "%d images show")
        sentence = subject + " far less detail than the others: motion blur or missed focus."
        yield Finding(Severity.WARNING, "blurred", sentence, "Remove or retake them.", _named(material, odd))
    elif np.isfinite(values).sum() >= LEAST_TO_COMPARE:
        yield fine("sharpness", "All images are about equally sharp.")


def _outliers(values: np.ndarray, least: float) -> np.ndarray:
    """[N] bool: further from the median than `least` and than 5 robust standard deviations (1.4826 MAD)."""
    finite = values[np.isfinite(values)]
    if len(finite) < LEAST_TO_COMPARE:
        return np.zeros(len(values), bool)
    deviation = np.abs(values - np.median(finite))
    return deviation > max(least, 5 * 1.4826 * float(np.nanmedian(deviation)))


def _named(material: Material, chosen: np.ndarray) -> Tuple[str, ...]:
    return material.files([photo for photo, is_chosen in zip(material.photos, chosen) if is_chosen])

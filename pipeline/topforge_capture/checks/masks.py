"""Do the masks say which pixels are the object?"""

from __future__ import annotations

from typing import Dict, Iterator, List

import numpy as np

from topforge_capture.checks.registry import Material, check
from topforge_capture.findings import Finding, Severity, counted, fine
from topforge_capture.images import GIVE_MASKS
from topforge_capture.photo import FULL, Photo
from topforge_capture.posture import DOUBTFUL

WITHOUT: Dict[str, Severity] = {"required": Severity.ERROR, "wanted": Severity.WARNING, "unused": Severity.NOTE}
"""How grave it is that a view has no mask, by what the trainer makes of masks; "wanted" where it is not known."""
SMALL = 0.01
LEAST_EDGE_PIXELS = 100
MISSING = 0.03
"""Share of the common hull that a mask may leave out, above three times what is usual: exact ones leave out 0.01."""


@check("masks", "Masks")
def masks(material: Material) -> Iterator[Finding]:
    """Masks are there, neither empty nor full, and the object fills a fair part of the images."""
    photos = [photo for photo in material.survey.photos if photo.masked]
    bare = [photo for photo in material.survey.photos if not photo.masked]
    spoilt = Severity.NOTE if material.options.masks == "unused" else Severity.ERROR
    if bare:
        yield _without(material, bare)
    empty = [photo for photo in photos if photo.covered == 0]
    full = [photo for photo in photos if photo.covered > FULL]
    if empty:
        subject = counted(len(empty), "One mask is empty", "%d masks are empty")
        sentence = subject + ": no pixel is covered by more than one half."
        fix = "Mask the object, or remove these views."
        yield Finding(spoilt, "empty-mask", sentence, fix, material.files(empty))
    if full:
        subject = counted(len(full), "One mask covers", "%d masks cover")
        sentence = subject + " the whole image: nothing is background."
        fix = "Remove the background from these images, or give masks."
        yield Finding(spoilt, "full-mask", sentence, fix, material.files(full))
    covered = float(np.median([photo.covered for photo in photos])) if photos else 0.0
    if 0 < covered < SMALL:
        sentence = "The object covers only %.2f %% of a typical image, so few pixels show it." % (100 * covered)
        yield Finding(Severity.WARNING, "small-object", sentence, "Crop the images around the object (and cx, cy).")
    elif not empty and not full and photos and not bare:
        yield fine("masks", "Every view has a mask; the object covers %.0f %% of a typical image." % (100 * covered))


def _without(material: Material, bare: List[Photo]) -> Finding:
    """Nothing says which pixels of these are the object."""
    severity = WITHOUT[material.options.masks]
    subject = counted(len(bare), "One image has", "%d images have")
    sentence = subject + " no alpha channel and no mask: nothing says which pixels are the object."
    if severity is Severity.NOTE:
        sentence += " None is needed; without them, aim of the cameras and place of the object are not judged."
        return Finding(severity, "no-alpha", sentence)
    if severity is Severity.WARNING:
        sentence += " TopForge's trainer and nvdiffrec need to know; Neuralangelo does not."
    return Finding(severity, "no-alpha", sentence, GIVE_MASKS, material.files(bare))


@check("border", "Image borders")
def border(material: Material) -> Iterator[Finding]:
    """The object lies inside of every image."""
    photos = [photo for photo in material.survey.photos if photo.masked]
    touching = [photo for photo in photos if photo.border and photo.covered <= FULL]
    if touching:
        sides = ", ".join(
            side for side in ("top", "bottom", "left", "right") if any(side in p.border for p in touching)
        )
        where = counted(len(touching), "one image", "%d images")
        sentence = "The object touches the border of %s (%s) and may be cut off there." % (where, sides)
        fix = "Leave a margin around the object, or check that the mask does not include the ground."
        yield Finding(Severity.WARNING, "border", sentence, fix, material.files(touching))
    elif photos:
        yield fine("border", "The object lies inside of every image.")


@check("premultiplied", "Alpha")
def premultiplied(material: Material) -> Iterator[Finding]:
    """Colours are not multiplied by alpha."""
    judged = 0
    for capture in material.survey.captures:
        photos = [photo for photo in material.survey.of(capture.split) if photo.edge_colour[2] > 0]
        pixels = sum(photo.edge_colour[2] for photo in photos)
        if pixels < LEAST_EDGE_PIXELS:
            continue
        judged += pixels
        ratio, below = (sum(p.edge_colour[i] * p.edge_colour[2] for p in photos) / pixels for i in (0, 1))
        if ratio < 0.7 and below > 0.95:
            sentence = (
                "Alpha of the %s images looks premultiplied: half-transparent pixels have %.0f %% of the brightness "
                "of their solid neighbours, and colours do not exceed alpha." % (capture.split, 100 * ratio)
            )
            yield Finding(Severity.WARNING, "premultiplied", sentence, "Save straight (unassociated) alpha.")
            return
    if judged:
        yield fine("premultiplied", "Alpha is straight: edges have the colour of the object.")


@check("agreement", "Masks against each other", needs=("rotation", "convention"))
def agreement(material: Material) -> Iterator[Finding]:
    """Masks leave a common hull that none of them carves much of another away from, and none misses a part of."""
    if len(material.posed) < 2 or not material.posture.hull:
        return
    posture = material.posture
    if posture.carved > DOUBTFUL:
        sentence = "The masks carve each other away: %.0f %% of a typical one is outside of what all of them leave." % (
            100 * posture.carved
        )
        fix = "The built-in trainer tolerates a few pixels; nvdiffrec does not. Draw them closer to the outline."
        yield Finding(Severity.WARNING, "masks-disagree", sentence, fix)
    torn = posture.excess > 3 * np.median(posture.excess) + MISSING
    torn &= ~posture.disagreeing & ~posture.astray
    if torn.any():
        worst = 100 * float(posture.excess[torn].max())
        subject = counted(int(torn.sum()), "One mask misses", "%d masks miss")
        sentence = subject + " a part that the others show (up to %.0f %% of the shape)." % worst
        fix = "Draw what is missing, or leave these views out."
        chosen = [photo for photo, is_torn in zip(material.posed, torn) if is_torn]
        yield Finding(Severity.WARNING, "mask-part-missing", sentence, fix, material.files(chosen))
    if posture.carved <= DOUBTFUL and not torn.any():
        yield fine("agreement", "The masks agree: what all of them leave explains each of them.")

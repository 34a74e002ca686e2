"""Where is the object, how large is it, which way is up, and from where was it seen?"""

from __future__ import annotations

import math
from typing import Iterator, Optional, Tuple

import numpy as np

from topforge_capture.checks.registry import Material, check
from topforge_capture.findings import Finding, Severity, fine
from topforge_capture.geometry import nearest_point_to_axes

MARGIN = 1.05
"""The training box is this much larger than the object."""
WIDEST_GAP = 120.0
"""Degrees of azimuth without a camera that are still taken in silence."""

STEEP = 75.0
"""Degrees above or below the horizon from which on an azimuth says little."""


def recommended_box(bounds: np.ndarray) -> Tuple[np.ndarray, float, float]:
    """Box for training.

    Args:
        bounds: [2, 3] lowest and highest corner of the object.

    Returns:
        Centre [3]; side of the smallest cube around the origin that holds the object with a margin (mesh_scale); side
        of the smallest such cube around the centre.
    """
    centre = bounds.mean(axis=0)
    at_origin = 2.0 * float(np.abs(bounds).max()) * MARGIN
    at_centre = float(np.ptp(bounds, axis=0).max()) * MARGIN
    return centre, round_up(at_origin), round_up(at_centre)


def round_up(value: float) -> float:
    """The next larger number of two digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float("%.2g" % (math.ceil(value / unit - 1e-9) * unit))


@check("box", "Size and place", needs=("rotation", "convention"))
def box(material: Material) -> Iterator[Finding]:
    """The object fits the training box, and fills a fair part of it."""
    if len(material.posed) < 2 or not material.posture.hull:
        return
    bounds = material.posture.hull.bounds()
    centre, side, least = recommended_box(bounds)
    extent, given = np.ptp(bounds, axis=0), material.options.mesh_scale
    numbers = (*extent, *(np.round(centre / side, 3) * side + 0.0))
    where = "The object is about %.3g x %.3g x %.3g units large, around (%.3g, %.3g, %.3g)" % numbers
    if given > 0 and np.abs(bounds).max() > 0.525 * given:
        fix = "Set mesh_scale to %g, or scale the poses' positions by %.3g." % (side, given / side)
        if side > 1.5 * least:
            fix = "Move the poses so that the object is at the origin, and set mesh_scale to %g." % least
        sentence = where + ", and does not fit the training box of side %g around the origin." % given
        yield Finding(Severity.ERROR, "outside-box", sentence, fix)
    elif given > 0 and side < 0.4 * given:
        sentence = where + ", far smaller than the training box of side %g: most of the grid is wasted." % given
        yield Finding(Severity.WARNING, "small-in-box", sentence, "Set mesh_scale to %g." % side)
    elif side > 1.5 * least:
        sentence = where + ": a box around the origin needs the side %g, one around the object %g." % (side, least)
        yield Finding(Severity.WARNING, "off-centre", sentence, "Move the poses so that the object is at the origin.")
    else:
        yield fine("box", where + "; mesh_scale %g fits." % side)


@check("up", "Up axis", needs=("rotation", "convention"))
def up(material: Material) -> Iterator[Finding]:
    """The cameras' up agrees with the world's."""
    if not material.photos:
        return
    mean = np.mean([photo.view.camera_to_world[:3, 1] for photo in material.photos], axis=0)
    main = int(np.argmax(np.abs(mean)))
    if np.abs(mean[main]) < 0.35:
        return
    found = material.world[main, :3] * np.sign(mean[main])
    expected = material.world[1, :3]
    if main == 1 and mean[1] > 0:
        yield fine("up", "The cameras stand upright: the file's %s axis is up." % axis_name(expected))
        return
    sentence = "The cameras' up is the file's %s axis, but %s is read as up. The result will lie on its side."
    sentence = sentence % (axis_name(found), axis_name(expected))
    if axis_name(expected) == "+z":  # these formats lay it down; in others poses lie as the reconstruction left them
        yield Finding(Severity.WARNING, "up-axis", sentence, "Rotate the poses so that +z is up.")
    else:
        yield Finding(Severity.NOTE, "up-axis", sentence, "Rotate the result, or the poses.")


def axis_name(direction: np.ndarray) -> str:
    """The axis that a direction [3] is nearest to: "+z"."""
    main = int(np.argmax(np.abs(direction)))
    return ("-" if direction[main] < 0 else "+") + "xyz"[main]


@check("coverage", "Directions", needs=("rotation", "convention"))
def coverage(material: Material) -> Iterator[Finding]:
    """The object was seen from around."""
    seen = material.posed or material.photos
    if len(seen) < 2:
        return
    positions = np.array([photo.view.position for photo in seen])
    if material.posed:
        focus = material.posture.focus
    else:
        focus = nearest_point_to_axes(positions, np.array([photo.view.forward for photo in seen]))
    offset = positions - focus
    gap = unseen_sector(offset)
    if gap is not None:
        yield gap
        return
    elevation = elevations(offset)
    around = "Cameras stand all around, at elevations of %.0f to %.0f degrees." % (elevation.min(), elevation.max())
    if np.ptp(elevation) < 15:
        sentence = around + " Top and bottom are seen at a grazing angle at best."
        yield Finding(Severity.WARNING, "one-elevation", sentence, "Add views from above and, if possible, from below.")
    elif elevation.min() > -5:
        yield Finding(Severity.NOTE, "no-view-from-below", around + " The underside will be a guess.")
    else:
        yield fine("coverage", around)


def elevations(directions: np.ndarray) -> np.ndarray:
    """Degrees above the horizon of directions [N, 3] of any length."""
    return np.asarray(np.degrees(np.arctan2(directions[:, 1], np.hypot(directions[:, 0], directions[:, 2]))))


def unseen_sector(directions: np.ndarray) -> Optional[Finding]:
    """A warning where a large part of the way around the object is without a camera; None where there is none.

    Args:
        directions: [N, 3] from the object to the cameras, of any length.
    """
    steep = np.abs(elevations(directions))
    gap, middle = largest_azimuth_gap(directions[steep < STEEP])
    if gap <= WIDEST_GAP or np.median(steep) >= STEEP:
        return None
    sentence = "No camera looks from a sector of %.0f degrees around azimuth %.0f (0 = +z, 90 = +x)." % (gap, middle)
    return Finding(Severity.WARNING, "coverage-gap", sentence, "Add views from there; that side will be a guess.")


def largest_azimuth_gap(directions: np.ndarray) -> Tuple[float, float]:
    """Width and middle, in degrees, of the largest sector about +y without any of the directions [N, 3]."""
    azimuth = np.sort(np.degrees(np.arctan2(directions[:, 0], directions[:, 2])) % 360.0)
    if len(azimuth) == 0:
        return 360.0, 0.0
    gaps = np.diff(np.append(azimuth, azimuth[0] + 360.0))
    widest = int(np.argmax(gaps))
    return float(gaps[widest]), float((azimuth[widest] + 0.5 * gaps[widest]) % 360.0)

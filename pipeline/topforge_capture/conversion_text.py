"""The report of a conversion as text for a terminal."""

from __future__ import annotations

import textwrap
from typing import Any, Dict, List

from topforge import terminal_style


def render(report: Dict[str, Any], out: str) -> str:
    """What was written, what it no longer says, and the box."""
    views = ", ".join("%d %s" % (count, split) for split, count in report["views"].items())
    lines = ["%s -> %s: %s views in %s" % (report["from"], report["to"], views, out)]
    for loss in report["lost"]:
        lines += _wrapped("  LOST  ", loss["sentence"])
    if not report["lost"]:
        lines.append("  Nothing was lost.")
    if any(loss["pixels"] > 0 for loss in report["lost"]):
        lines += _wrapped("        ", "--undistort resamples the images instead, so that no lens is lost.")
    for reason in report["left_out"]:
        lines += _wrapped("  LEFT OUT  ", reason)
    for note in report["notes"]:
        lines += _wrapped("  note  ", note)
    if report["pixels"] is not None:
        exact = "%.2g" % max(report["pixels"], 0.001)  # of less, the digits are those of rounding
        lines.append("  Read back: points land within %s pixels of where they should." % exact)
    else:
        lines.append("  Not read back: this Python has no USD library.")
    return "\n".join(lines + (_box(report["box"]) if report["box"] else []))


def _box(box: Dict[str, Any]) -> List[str]:
    low, high = box["bounds"]
    sphere = box["neuralangelo"]
    numbers = (*(end - begin for begin, end in zip(low, high)), *(round(x, 6) + 0.0 for x in box["centre"]))
    lines = ["  Box (%s): %.4g x %.4g x %.4g around (%.4g, %.4g, %.4g)" % (box["source"], *numbers)]
    sides = (box["mesh_scale"], box["mesh_scale_if_centred"])
    lines.append("    TopForge, nvdiffrec: mesh_scale %g; %g with the box's middle at the origin (--centre)" % sides)
    values = (*(round(x, 6) + 0.0 for x in sphere["sphere_center"]), sphere["sphere_radius"])
    return [*lines, "    Neuralangelo: sphere_center (%.4g, %.4g, %.4g), sphere_radius %.4g" % values]


def _wrapped(start: str, text: str) -> List[str]:
    return textwrap.wrap(text, terminal_style.width(), initial_indent=start, subsequent_indent=" " * len(start))

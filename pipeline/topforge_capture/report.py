"""The report of a check as JSON-able data."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from topforge_capture.checks import Check, Material
from topforge_capture.checks.space import recommended_box
from topforge_capture.findings import Finding, Severity

FORMAT = 1

Results = Sequence[Tuple[Check, List[Finding]]]


def build(material: Material, results: Results) -> Dict[str, Any]:
    """The whole report; `text.render` turns it into text.

    Returns:
        `verdict` is the worst severity. `box` (world units, TopForge's y-up world; null when cameras and masks leave no
        hull) has the object's `bounds` [2][3], their `centre`, `mesh_scale` (side of a fitting box around the origin)
        and `side_around_centre`. Each of `cameras` has a `camera_to_world` [4][4] (OpenGL camera axes), `fov_y` in
        radians, and the worst `severity` among the findings that name its image.
    """
    survey = material.survey
    findings = [finding for _, found in results for finding in found]
    counts = Counter(finding.severity.value for finding in findings)
    return {
        "format": FORMAT,
        "capture": str(survey.folder),
        "kind": survey.captures[0].format if survey.captures else None,
        "world": survey.captures[0].world if survey.captures else None,
        "views": {capture.split: len(capture.views) for capture in survey.captures},
        "verdict": worst(findings).value,
        "counts": {severity.value: counts[severity.value] for severity in Severity},
        "checks": [_check_to_json(check, found) for check, found in results],
        "box": _box(material, results),
        "cameras": _cameras(material, findings),
    }


def worst(findings: Sequence[Finding]) -> Severity:
    """The gravest severity among findings; FINE without any."""
    order = list(Severity)
    return min((finding.severity for finding in findings), key=order.index, default=Severity.FINE)


def severities(findings: Sequence[Finding]) -> Dict[str, Severity]:
    """The gravest severity for each file that findings name."""
    named: Dict[str, List[Finding]] = {}
    for finding in findings:
        for file in finding.files:
            named.setdefault(file, []).append(finding)
    return {file: worst(about) for file, about in named.items()}


def _check_to_json(check: Check, findings: List[Finding]) -> Dict[str, Any]:
    return {
        "name": check.name,
        "title": check.title,
        "findings": [
            {
                "severity": finding.severity.value,
                "code": finding.code,
                "sentence": finding.sentence,
                "fix": finding.fix,
                "files": list(finding.files),
            }
            for finding in findings
        ],
    }


def has_hull(material: Material, results: Results) -> bool:
    """Whether the hull exists and means something: the poses were found to be in the right convention."""
    sound = any(check.name == "convention" and found and found[0].severity is Severity.FINE for check, found in results)
    return sound and bool(material.posture.hull)


def _box(material: Material, results: Results) -> Dict[str, Any] | None:
    if not has_hull(material, results):
        return None
    bounds = material.posture.hull.bounds()
    centre, side, around_centre = recommended_box(bounds)
    return {
        "bounds": np.round(bounds, 4).tolist(),
        "centre": np.round(centre, 4).tolist(),
        "mesh_scale": side,
        "side_around_centre": around_centre,
    }


def _cameras(material: Material, findings: Sequence[Finding]) -> List[Dict[str, Any]]:
    survey, named = material.survey, severities(findings)
    return [
        {
            "name": view.name,
            "split": capture.split,
            "image": survey.name(view.image),
            "camera_to_world": view.camera_to_world.tolist(),
            "fov_y": view.fov_y,
            "width": view.width,
            "height": view.height,
            "severity": named.get(survey.name(view.image), Severity.FINE).value,
        }
        for capture in survey.captures
        for view in capture.views
    ]

"""Checks a mesh that takes the place of photographs: its files, surface, texture coordinates, size and orientation.

The report has the form of a capture's (`report.build`), with no cameras: the trainer draws its views itself, from
DISTANCE away with the object turned at random (nvdiffrec's arrangement).
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from topforge import wavefront
from topforge.wavefront import MeshFileError
from topforge_capture.capture import CaptureError
from topforge_capture.checks import Options
from topforge_capture.findings import Finding, Severity, fine
from topforge_capture.images import load_pixels
from topforge_capture.obj_reader import ObjMesh, read_obj
from topforge_capture.report import FORMAT, worst

DISTANCE, HALF_ANGLE, MOVE = 3.0, math.radians(22.5), 0.25
"""Of the trainer's cameras: to the origin, half of the field of view, and how far the object is moved at random."""
IN_EVERY_VIEW = (DISTANCE - MOVE) * math.sin(HALF_ANGLE) - MOVE * math.cos(HALF_ANGLE)
"""Radius of a ball around the origin that every view shows whole."""
SMALL = 0.2
"""Radius below which the object covers but a few pixels."""
MARGIN = 1.05

Check = Tuple[str, str, List[Finding]]
"""Name, title and findings."""


def check(path: Path, options: Options) -> Tuple[Optional[ObjMesh], Dict[str, Any]]:
    """Checks a mesh file.

    Returns:
        The mesh, None when it cannot be read, and the report.
    """
    mesh, checks = None, []
    try:
        mesh = read_obj(path)
        checks.append(("mesh", "Mesh", [_counted(mesh)]))
    except MeshFileError as error:
        checks.append(("mesh", "Mesh", [_error("unreadable-mesh", error)]))
    if path.exists():
        checks.append(("materials", "Materials", _materials(path)))
    if mesh is not None:
        checks.append(("coordinates", "Texture coordinates", [_coordinates(path, mesh)]))
        checks.append(("orientation", "Orientation", [_orientation(mesh)]))
        checks.append(("space", "Size and place", _space(mesh, options)))
    return mesh, _report(path, mesh, checks)


def _error(code: str, error: MeshFileError) -> Finding:
    return Finding(Severity.ERROR, code, error.reason, error.fix)


def _counted(mesh: ObjMesh) -> Finding:
    sizes = (len(mesh.triangles), len(mesh.positions), len(mesh.material_names))
    return fine("readable", "%d triangles, %d vertices, %d materials." % sizes)


def _materials(path: Path) -> List[Finding]:
    """Material files and pictures are there and can be decoded; what of them has no effect."""
    try:
        wavefront.refuse_missing(path)
        described = wavefront.materials_of(path)
    except MeshFileError as error:
        return [_error("missing-file", error)]
    found: List[Finding] = []
    pictures = dict.fromkeys(file for material in described for file in material.used_maps().values())
    for file in pictures:
        try:
            load_pixels(file)
        except CaptureError as error:
            found.append(Finding(Severity.ERROR, error.code, error.reason, error.fix))
    for material in described:
        if material.ignored:
            texts = ", ".join('"%s"' % text for text in material.ignored[:4])
            found.append(Finding(Severity.NOTE, "ignored", "%s: %s has no effect." % (material.name, texts)))
    if not described:
        found.append(Finding(Severity.WARNING, "no-material", "No material file describes it: it is grey."))
    return found or [fine("materials", "%d materials, %d pictures." % (len(described), len(pictures)))]


def _coordinates(path: Path, mesh: ObjMesh) -> Finding:
    bare = int((mesh.uv_triangles < 0).any(axis=1).sum())
    if not bare:
        return fine("uv", "Every triangle has texture coordinates.")
    sentence = "%d of %d triangles have no texture coordinates (vt)." % (bare, len(mesh.triangles))
    try:
        textured = {material.name for material in wavefront.materials_of(path) if material.used_maps()}
    except MeshFileError:
        textured = set()
    used = {mesh.material_names[index] for index in np.unique(mesh.material) if index >= 0}
    severity = Severity.ERROR if textured & used else Severity.NOTE
    return Finding(severity, "no-uv", sentence, "Export the mesh with UVs." if severity is Severity.ERROR else "")


def _orientation(mesh: ObjMesh) -> Finding:
    """The sign of the enclosed volume (divergence theorem) and, where normals are written, whether these agree."""
    a, b, c = (mesh.positions[mesh.triangles[:, k]].astype(np.float64) for k in range(3))
    face = np.cross(b - a, c - a)
    if float((a * np.cross(b, c)).sum()) < 0:
        fix = "Reverse the polygons, or the reference is drawn with its normals turned inside."
        return Finding(Severity.WARNING, "inside-out", "The surface is inside out: its polygons face inward.", fix)
    given = (mesh.normal_triangles >= 0).all(axis=1)
    against = (
        float(((mesh.normals[mesh.normal_triangles[given, 0]] * face[given]).sum(-1) < 0).mean()) if given.any() else 0
    )
    if against > 0.01:
        sentence = "Written normals (vn) look against their polygons at %.0f %% of the triangles." % (100 * against)
        return Finding(Severity.WARNING, "normals", sentence, "Export without normals, or recompute them.")
    return fine(
        "orientation", "The surface faces outward%s." % ("" if given.any() else "; its normals are made smooth")
    )


def _space(mesh: ObjMesh, options: Options) -> List[Finding]:
    corners = mesh.positions[np.unique(mesh.triangles)].astype(np.float64)
    radius, side = float(np.linalg.norm(corners, axis=1).max()), _side(corners)
    move = "Move the mesh to the origin and scale it to a radius of about %.2f." % IN_EVERY_VIEW
    if radius >= DISTANCE - MOVE:
        sentence = "It reaches %.2f from the origin; the cameras stand %.0f away from it, some inside." % (
            radius,
            DISTANCE,
        )
        return [Finding(Severity.ERROR, "too-large", sentence, move)]
    found = []
    if radius > 1.4 * IN_EVERY_VIEW:
        sentence = "It reaches %.2f from the origin: many views cut it off." % radius
        found.append(Finding(Severity.WARNING, "cut-off", sentence, move))
    if radius < SMALL:
        sentence = "It reaches only %.2f from the origin: views show it small." % radius
        found.append(Finding(Severity.WARNING, "small", sentence, move))
    if options.mesh_scale and options.mesh_scale < side:
        sentence = "mesh_scale is %g, but the mesh needs a box of %.3g." % (options.mesh_scale, side)
        found.append(Finding(Severity.ERROR, "box", sentence, "Set mesh_scale to %.3g." % (MARGIN * side)))
    return found or [fine("space", "It reaches %.2f from the origin and fits a box of %.3g." % (radius, MARGIN * side))]


def _side(corners: np.ndarray) -> float:
    """Side of the smallest cube around the origin."""
    return 2.0 * float(np.abs(corners).max())


def _report(path: Path, mesh: Optional[ObjMesh], checks: List[Check]) -> Dict[str, Any]:
    findings = [finding for _, _, found in checks for finding in found]
    counts = Counter(finding.severity.value for finding in findings)
    return {
        "format": FORMAT,
        "capture": str(path),
        "kind": "mesh",
        "world": "The mesh's own, taken as y up.",
        "views": {},
        "verdict": worst(findings).value,
        "counts": {severity.value: counts[severity.value] for severity in Severity},
        "checks": [
            {"name": name, "title": title, "findings": [_finding(finding) for finding in found]}
            for name, title, found in checks
        ],
        "box": None if mesh is None else _box(mesh.positions[np.unique(mesh.triangles)].astype(np.float64)),
        "cameras": [],
    }


def _finding(finding: Finding) -> Dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "sentence": finding.sentence,
        "fix": finding.fix,
        "files": list(finding.files),
    }


def _box(corners: np.ndarray) -> Dict[str, Any]:
    bounds = np.stack([corners.min(axis=0), corners.max(axis=0)])
    return {
        "bounds": np.round(bounds, 4).tolist(),
        "centre": np.round(bounds.mean(axis=0), 4).tolist(),
        "mesh_scale": round(MARGIN * _side(corners), 3),
        "side_around_centre": round(MARGIN * float(np.ptp(bounds, axis=0).max()), 3),
    }

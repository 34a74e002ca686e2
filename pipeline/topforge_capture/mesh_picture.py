"""Pictures of a reference mesh without a renderer: points strewn over its surface, the nearest wins each pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np

from topforge import wavefront
from topforge.wavefront import Material, MeshFileError
from topforge_capture import text
from topforge_capture.canvas import FAINT, Canvas
from topforge_capture.capture import CaptureError
from topforge_capture.images import linear_to_srgb, load_pixels
from topforge_capture.mesh_check import DISTANCE, HALF_ANGLE
from topforge_capture.obj_reader import ObjMesh

POINTS = 400_000
SIDE, DOT = 260, 2
"""Pixels along a picture, and along a point."""
GREY = (0.5, 0.5, 0.5)
TURNS = 8
MARGIN, HEAD = 24, 62


def write(folder: Path, path: Path, mesh: ObjMesh | None, report: Dict[str, Any]) -> None:
    """Writes `contact_sheet.png`, a turn around the mesh, and `cameras.png`, it from the six sides."""
    turns = [(_rotation(0.4, 2 * np.pi * k / TURNS), "%d°" % (360 * k // TURNS)) for k in range(TURNS)]
    sides = [((0.0, 0.0), "+z"), ((0.0, -np.pi / 2), "+x"), ((0.0, np.pi), "-z"), ((0.0, np.pi / 2), "-x")]
    sides += [((np.pi / 2, 0.0), "+y"), ((-np.pi / 2, 0.0), "-y")]
    surface = None if mesh is None else _strewn(path, mesh)
    for name, views in (
        ("contact_sheet.png", turns),
        ("cameras.png", [(_rotation(*angles), "from " + side) for angles, side in sides]),
    ):
        columns = len(views) // 2
        canvas = Canvas(2 * MARGIN + columns * SIDE, HEAD + MARGIN + 2 * (SIDE + 20))
        canvas.text(MARGIN, 24, path.name, 20)
        canvas.text(MARGIN, 46, text.verdict(report), 13, FAINT)
        for number, (rotation, caption) in enumerate(views):
            x, y = MARGIN + number % columns * SIDE, HEAD + number // columns * (SIDE + 20)
            if surface is not None:
                canvas.paste(x, y, _picture(*surface, rotation))
            canvas.text(x + SIDE / 2, y + SIDE + 8, caption, 12, FAINT, "mm")
        canvas.save(folder / name)


def _rotation(tilt: float, turn: float) -> np.ndarray:
    """The object turned about y, then tilted about x: [3, 3]."""
    c, s, d, t = np.cos(turn), np.sin(turn), np.cos(tilt), np.sin(tilt)
    return np.array([[1, 0, 0], [0, d, -t], [0, t, d]]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _strewn(path: Path, mesh: ObjMesh) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [N, 3], unit face normals [N, 3] and display colours [N, 3], spread evenly over the surface."""
    corners = mesh.positions[mesh.triangles].astype(np.float64)
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(face, axis=1)
    random = np.random.default_rng(0)
    cumulated = np.cumsum(area) / max(float(area.sum()), 1e-30)
    chosen = np.minimum(np.searchsorted(cumulated, random.random(POINTS)), len(area) - 1)
    u, v = np.sqrt(random.random(POINTS)), random.random(POINTS)
    weights = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    points = np.einsum("nk,nkc->nc", weights, corners[chosen])
    normals = face[chosen] / np.maximum(area[chosen, None], 1e-30)
    return points, normals, _colours(path, mesh, chosen, weights)


def _colours(path: Path, mesh: ObjMesh, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Base colours [N, 3] in [0, 1], sRGB-encoded; grey where the files do not say."""
    colours = np.tile(np.array(GREY), (len(chosen), 1))
    try:
        described = {material.name: material for material in wavefront.materials_of(path)}
    except MeshFileError:
        return colours
    for index in np.unique(mesh.material):
        name = mesh.material_names[index] if index >= 0 else ""
        points = np.flatnonzero(mesh.material[chosen] == index)
        if name in described:
            colours[points] = _material_colours(described[name], mesh, chosen[points], weights[points])
    return colours


def _material_colours(material: Material, mesh: ObjMesh, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    corner = mesh.uv_triangles[chosen]
    plain = np.tile(np.array(material.kd or GREY), (len(chosen), 1))
    if "map_kd" not in material.maps or not len(corner) or corner.min() < 0:
        return plain
    try:
        pixels = load_pixels(material.maps["map_kd"])
    except CaptureError:
        return plain
    uv = np.einsum("nk,nkc->nc", weights, mesh.uv[corner].astype(np.float64)) % 1.0
    row = ((1.0 - uv[:, 1]) * pixels.shape[0]).astype(int) % pixels.shape[0]
    column = (uv[:, 0] * pixels.shape[1]).astype(int) % pixels.shape[1]
    found = pixels[row, column, :3]
    return linear_to_srgb(found) if found.dtype.kind == "f" else found / np.iinfo(found.dtype).max


def _picture(points: np.ndarray, normals: np.ndarray, colours: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """[SIDE, SIDE, 4] uint8 with straight alpha, lit from the camera, which stands where the trainer's stand."""
    turned = points @ rotation.T
    depth = DISTANCE - turned[:, 2]
    scale = SIDE / 2 / np.tan(HALF_ANGLE) / np.maximum(depth, 1e-3)
    x, y = SIDE / 2 + turned[:, 0] * scale, SIDE / 2 - turned[:, 1] * scale
    light = 0.35 + 0.65 * np.abs((normals @ rotation.T)[:, 2])
    order = np.argsort(-depth)
    order = order[depth[order] > 0.1]
    shaded = np.concatenate([colours * light[:, None], np.ones((len(points), 1))], axis=1)[order]
    across = np.tile(np.arange(DOT), DOT)
    row = ((y[order] - 0.5)[:, None] + np.sort(across)).astype(int).reshape(-1)
    column = ((x[order] - 0.5)[:, None] + across).astype(int).reshape(-1)
    values = np.repeat(np.round(255 * np.clip(shaded, 0, 1)).astype(np.uint8), DOT * DOT, axis=0)
    seen = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[row[seen], column[seen]] = values[seen]  # of several the last, which is the nearest, stays
    return picture

"""Pictures of a reference mesh, drawn without torch and without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Sequence

import numpy as np

from topforge import wavefront
from topforge.wavefront import Material, MeshFileError
from topforge_capture import text
from topforge_capture.canvas import FAINT, Canvas
from topforge_capture.capture import CaptureError
from topforge_capture.images import linear_to_srgb, load_pixels
from topforge_capture.mesh_check import DISTANCE, HALF_ANGLE
from topforge_capture.obj_reader import ObjMesh
from topforge_capture.visibility import facing, rotation, visible

SIDE, SAMPLES = 260, 2
"""Pixels along a picture, samples along a pixel."""
NEAREST = 0.1
"""Distance from the camera at which a triangle is no longer drawn."""
GREY = (0.5, 0.5, 0.5)
TURNS = 8
MARGIN, HEAD = 24, 62


def write(folder: Path, path: Path, mesh: ObjMesh | None, report: Dict[str, Any]) -> None:
    """Writes `contact_sheet.png`, a turn around the mesh, and `cameras.png`, it from the six sides."""
    turns = [(rotation(0.4, 2 * np.pi * k / TURNS), "%d°" % (360 * k // TURNS)) for k in range(TURNS)]
    sides = [((0.0, 0.0), "+z"), ((0.0, -np.pi / 2), "+x"), ((0.0, np.pi), "-z"), ((0.0, np.pi / 2), "-x")]
    sides += [((np.pi / 2, 0.0), "+y"), ((-np.pi / 2, 0.0), "-y")]
    materials = () if mesh is None else _materials(path)
    for name, views in (
        ("contact_sheet.png", turns),
        ("cameras.png", [(rotation(*angles), "from " + side) for angles, side in sides]),
    ):
        columns = len(views) // 2
        canvas = Canvas(2 * MARGIN + columns * SIDE, HEAD + MARGIN + 2 * (SIDE + 20))
        canvas.text(MARGIN, 24, path.name, 20)
        canvas.text(MARGIN, 46, text.verdict(report), 13, FAINT)
        for number, (turn, caption) in enumerate(views):
            x, y = MARGIN + number % columns * SIDE, HEAD + number // columns * (SIDE + 20)
            if mesh is not None:
                canvas.paste(x, y, _picture(mesh, materials, turn))
            canvas.text(x + SIDE / 2, y + SIDE + 8, caption, 12, FAINT, "mm")
        canvas.save(folder / name)


def _materials(path: Path) -> Sequence[Material]:
    """The mesh's materials; none where its file of them cannot be read, which the check has said."""
    try:
        return wavefront.materials_of(path)
    except MeshFileError:
        return ()


def _colours(mesh: ObjMesh, materials: Sequence[Material], chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Base colours [N, 3] in [0, 1], sRGB-encoded; grey where the files do not say."""
    colours = np.tile(np.array(GREY), (len(chosen), 1))
    described = {material.name: material for material in materials}
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


def _picture(mesh: ObjMesh, materials: Sequence[Material], turn: np.ndarray) -> np.ndarray:
    """[SIDE, SIDE, 4] uint8 with straight alpha, lit from the camera, which stands where the trainer's stand."""
    side = SIDE * SAMPLES
    turned = mesh.positions.astype(np.float64) @ turn.T
    depth = DISTANCE - turned[:, 2]
    scale = side / 2 / np.tan(HALF_ANGLE) / np.maximum(depth, NEAREST)
    placed = np.stack([side / 2 + turned[:, 0] * scale, side / 2 - turned[:, 1] * scale, -depth], axis=1)
    shown = np.flatnonzero((depth[mesh.triangles] > NEAREST).all(axis=1))
    nearest, weights = visible(placed[mesh.triangles[shown]], side)
    seen = nearest >= 0
    chosen = shown[nearest[seen]]
    light = 0.35 + 0.65 * facing(turned, mesh.triangles[chosen])
    samples = np.zeros((side * side, 4))
    samples[seen, :3] = _colours(mesh, materials, chosen, weights[seen]) * light[:, None]
    samples[seen, 3] = 1.0
    pixels = samples.reshape(SIDE, SAMPLES, SIDE, SAMPLES, 4).mean(axis=(1, 3))
    pixels[..., :3] /= np.maximum(pixels[..., 3:], 1e-6)
    drawn: np.ndarray = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return drawn

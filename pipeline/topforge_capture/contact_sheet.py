"""A sheet of all images with their masks outlined, framed by what was found about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import numpy as np

from topforge_capture.canvas import COLOURS, FAINT, INK, SCALE, Canvas
from topforge_capture.checks import Material
from topforge_capture.photo import Photo

MOST = 120
COLUMNS, CELL, GAP, CAPTION, HEAD, MARGIN = 10, 140, 10, 18, 62, 24
OUTLINE = np.array([255, 0, 140], np.uint8)


def write(path: Path, material: Material, report: Dict[str, Any]) -> None:
    """Writes the sheet as PNG. At most 120 images, those with findings first."""
    found = {camera["image"]: camera["severity"] for camera in report["cameras"]}
    order = ["error", "warning", "note", "fine"]
    photos = list(material.survey.photos)
    if len(photos) > MOST:
        photos = sorted(photos, key=lambda photo: order.index(found[material.file(photo)]))[:MOST]
    rows = max(1, -(-len(photos) // COLUMNS))
    width = 2 * MARGIN + COLUMNS * (CELL + GAP) - GAP
    canvas = Canvas(width, HEAD + MARGIN + rows * (CELL + CAPTION + GAP))
    canvas.text(MARGIN, 24, "Images of %s" % material.survey.folder.name, 20)
    shown = "%d of %d images, over grey; outline: where coverage passes one half"
    canvas.text(MARGIN, 46, shown % (len(photos), len(material.survey.photos)), 13, FAINT)
    for index, photo in enumerate(photos):
        x = MARGIN + (index % COLUMNS) * (CELL + GAP)
        y = HEAD + (index // COLUMNS) * (CELL + CAPTION + GAP)
        _draw(canvas, x, y, photo, found[material.file(photo)], material.file(photo))
    canvas.save(path)


def _draw(canvas: Canvas, x: float, y: float, photo: Photo, severity: str, name: str) -> None:
    picture = outlined(photo.thumbnail, CELL * SCALE)
    inset = (CELL - picture.shape[1] / SCALE) / 2, (CELL - picture.shape[0] / SCALE) / 2
    canvas.paste(x + inset[0], y + inset[1], picture, SCALE)
    if severity in ("warning", "error"):
        corners = [(x, y), (x + CELL, y), (x + CELL, y + CELL), (x, y + CELL), (x, y), (x + CELL, y)]
        canvas.line(corners, COLOURS[severity], 3)
    short = name if len(name) <= 21 else "…" + name[-20:]
    canvas.text(x + CELL / 2, y + CELL + 9, short, 11, COLOURS[severity] if severity != "fine" else INK, "mm")


def outlined(thumbnail: np.ndarray, size: int) -> np.ndarray:
    """A thumbnail [h, w, 4] over grey, enlarged to `size` on its longer side, mask outlined: [h', w', 4] uint8."""
    height, width = thumbnail.shape[:2]
    scale = size / max(height, width)
    rows = np.minimum((np.arange(round(height * scale)) / scale).astype(int), height - 1)
    columns = np.minimum((np.arange(round(width * scale)) / scale).astype(int), width - 1)
    large = thumbnail[rows][:, columns]
    alpha = large[..., 3:].astype(np.float32) / 255
    result = np.full(large.shape, 255, np.uint8)
    result[..., :3] = np.round(large[..., :3] * alpha + 226 * (1 - alpha))
    solid = np.pad(alpha[..., 0] > 0.5, 2, mode="edge")
    same = np.ones(alpha.shape[:2], bool)
    for down, right in ((0, 2), (4, 2), (2, 0), (2, 4)):
        same &= solid[down : down + same.shape[0], right : right + same.shape[1]] == solid[2:-2, 2:-2]
    result[~same, :3] = OUTLINE
    return result

"""One picture of what was taken: the pictures in order, and how sharp each is among its neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

from topforge_capture.canvas import COLOURS, FAINT, INK, SCALE, Canvas
from topforge_frames import photos

MOST, COLUMNS, CELL, GAP, CAPTION, HEAD, MARGIN = 120, 10, 140, 10, 18, 62, 24
SOFT = 0.5
"""Pictures of less than this share of their neighbours' sharpness are marked."""


def write(path: Path, images: Path, made: Dict[str, Any]) -> None:
    """Writes the sheet as PNG: at most 120 pictures, evenly chosen."""
    entries: List[Dict[str, Any]] = made["frames"]
    step = max(1.0, len(entries) / MOST)
    shown = [entries[int(index * step)] for index in range(min(len(entries), MOST))]
    rows = max(1, -(-len(shown) // COLUMNS))
    canvas = Canvas(2 * MARGIN + COLUMNS * (CELL + GAP) - GAP, HEAD + MARGIN + rows * (CELL + CAPTION + GAP))
    canvas.text(MARGIN, 24, "%d pictures of %s" % (len(entries), made["source"]), 20)
    words = "below each: sharpness among its neighbours (1 = as sharp as they are)"
    canvas.text(MARGIN, 46, "%d shown; %s; %d blurred" % (len(shown), words, len(made["blurred"])), 13, FAINT)
    for index, entry in enumerate(shown):
        x = MARGIN + (index % COLUMNS) * (CELL + GAP)
        y = HEAD + (index // COLUMNS) * (CELL + CAPTION + GAP)
        thumbnail = photos.thumbnail(images / entry["file"], CELL * SCALE)
        inset = (CELL - thumbnail.shape[1] / SCALE) / 2, (CELL - thumbnail.shape[0] / SCALE) / 2
        canvas.paste(x + inset[0], y + inset[1], thumbnail, SCALE)
        colour = COLOURS["warning"] if entry["relative_sharpness"] < SOFT else INK
        caption = "%s  %.2f" % (Path(entry["file"]).stem[-14:], entry["relative_sharpness"])
        canvas.text(x + CELL / 2, y + CELL + 9, caption, 11, colour, "mm")
    canvas.save(path)

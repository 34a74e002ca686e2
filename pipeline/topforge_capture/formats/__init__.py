"""The formats that captures are read from and written to, in the order in which a folder is tried for them."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

from topforge_capture.capture import CaptureError
from topforge_capture.formats import (
    colmap,
    houdini,
    llff,
    metashape,
    nerf_synthetic,
    nerfstudio,
    neuralangelo,
    realityscan_csv,
    realityscan_xmp,
    usd,
)
from topforge_capture.formats.base import Format, Source

FORMATS: Tuple[Format, ...] = (
    nerf_synthetic.FORMAT,
    neuralangelo.FORMAT,
    nerfstudio.FORMAT,
    llff.FORMAT,
    colmap.FORMAT,
    colmap.TEXT,
    houdini.FORMAT,
    metashape.FORMAT,
    realityscan_csv.FORMAT,
    realityscan_xmp.FORMAT,
    usd.FORMAT,
)
__all__ = ["FORMATS", "NAMES", "Format", "Source", "by_name", "find"]
NAMES = tuple(form.name for form in FORMATS)


def by_name(name: str) -> Format:
    """The format called `name`, one of `NAMES`."""
    return next(form for form in FORMATS if form.name == name)


def find(path: Path, photographs: Optional[Path] = None) -> Optional[Tuple[Format, Source]]:
    """The first format that knows a folder or a file, and where its poses are; None when no one does.

    Raises:
        CaptureError: Alembic, which is not read.
    """
    if path.suffix.lower() == ".abc":
        reason = "%s: Alembic is not read." % path
        fix = "Load it in Houdini and write its cameras as USD (cameras.usda), or use `--to` from another export."
        raise CaptureError("alembic", reason, fix, (path,))
    for form in FORMATS:
        file = form.find(path)
        if file is not None:
            folder = path if path.is_dir() else path.parent
            return form, Source(file, folder, photographs)
    return None

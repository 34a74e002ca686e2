"""Adapter "convert": a capture in the format that a trainer reads, `python -m topforge_capture convert`.

The item form of `topforge convert`, for jobs that make their capture first (`prepare`).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import Collected, Output, Step
from topforge.trainers.capture_step import CaptureStep, read_report

REPORT = "conversion.json"
FORMATS = (
    "nerf-synthetic",
    "neuralangelo",
    "nerfstudio",
    "llff",
    "colmap",
    "colmap-text",
    "houdini",
    "metashape",
    "realityscan",
    "realityscan-xmp",
    "usd",
)
"""The names of topforge_capture.formats, which needs numpy; a test compares them."""
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr", ".hdr")


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
    """What to write."""

    to: str = option("nerf-synthetic", choices=FORMATS, group="Convert", label="Format")
    """Neuralangelo reads "neuralangelo"; TopForge and nvdiffrec read "nerf-synthetic"."""
    undistort: bool = option(True, group="Convert")
    """Resample images of a lens that the format or training does not hold; nothing happens to others."""
    hold_out: int = option(0, unit="views", minimum=0, maximum=1000, group="Convert")
    """One of so many views is for validation, where the capture has no splits; 0 = none."""
    find_box: bool = option(False, group="Convert", label="Find Box")
    """Look where the object is, in its masks' hull or the sparse cloud, and write what the trainer needs of it."""
    box: Optional[Tuple[float, float, float, float]] = option(None, group="Convert")
    """Where the object is, instead: middle x, y, z and size, y up."""
    centre: bool = option(False, group="Convert", label="Center")
    """Move the world so that the box's middle becomes the origin."""
    fit: float = option(0.0, unit="world units", minimum=0.0, maximum=1e6, group="Convert", label="Fit into Side")
    """Also scale the world, so that a mesh_scale of this holds the object; 0 = leave its size, which COLMAP chose
    at will. 2.1 is the default mesh_scale of TopForge and nvdiffrec."""


class ConvertAdapter(CaptureStep):
    """See the module's docstring."""

    name = "convert"
    title = "Convert capture"
    version = "1"
    licence = "TopForge convert: Apache-2.0."
    options = ConvertOptions
    needs_dataset = True

    def steps(self, item: Item, config: ConvertOptions, paths: RunPaths) -> Sequence[Step]:
        """One child."""
        words: List[str] = [str(item.dataset), str(paths.output), "--to", config.to]
        words += ["--hold_out", str(config.hold_out)]
        words += ["--undistort"] if config.undistort else []
        words += ["--centre"] if config.centre else []
        words += ["--fit", repr(config.fit)] if config.fit else []
        if config.box is not None:
            words += ["--box", *("%.9f" % number for number in config.box)]
        elif config.find_box:
            words += ["--box", "auto"]
        return [Step("convert", ("{python}", "-u", "-m", "topforge_capture", "convert", *words))]

    def collect(self, item: Item, config: ConvertOptions, paths: RunPaths) -> Collected:
        """Everything that was written."""
        report = read_report(paths.output / REPORT)
        files = sorted(path.relative_to(paths.output) for path in paths.output.rglob("*") if path.is_file())
        outputs = tuple(Output(path.as_posix(), _role(path)) for path in files)
        metrics = {"%s_views" % split: float(count) for split, count in report["views"].items()}
        provenance = {key: report[key] for key in ("from", "to", "lost", "box", "source_to_result")}
        if report["pixels"] is not None:  # the format could be read back
            metrics["pixels"] = float(report["pixels"])
        return Collected(outputs, metrics, provenance)


def _role(path: Path) -> str:
    if path.suffix.lower() in _PICTURES:
        return "mask" if path.parts[0] == "masks" else "photograph"
    return "data" if path.name == REPORT else "cameras"


ADAPTER = ConvertAdapter()

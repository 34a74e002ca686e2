"""Adapter "frames": the pictures to work with, out of a video or a folder of photographs, `python -m topforge_frames`.

Of a video, the sharpest frame of each stretch; of photographs all, upright as the camera was held, with their masks.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import Collected, Output, Step
from topforge.trainers.capture_step import CaptureStep, read_report

REPORT = "frames.json"
PICTURE = "frames.png"
INSTALL = "pip install numpy imageio pillow imageio-ffmpeg pycolmap"


class FramesOptionError(TopForgeError):
    """Two options contradict each other."""

    def __init__(self, start: float, end: float) -> None:
        super().__init__(
            "frames: end = %g is not after start = %g." % (end, start), "Correct one; end 0 is the video's."
        )


@dataclasses.dataclass(frozen=True)
class FramesOptions:
    """Which pictures to take."""

    by: str = option("count", choices=("count", "per_second", "every"), group="Frames", label="Choose By")
    """How the number of frames of a video is given; photographs are all taken."""
    count: int = option(150, unit="frames", minimum=3, maximum=100000, group="Frames", when=("by", "count"))
    """Frames in all, evenly spread. 50 to 200 around an object; time to find cameras grows with the square."""
    per_second: float = option(
        2.0,
        unit="1/s",
        minimum=0.001,
        maximum=1000.0,
        group="Frames",
        label="Frames per Second",
        when=("by", "per_second"),
    )
    """Frames of each second."""
    every: int = option(
        15, unit="frames", minimum=1, maximum=100000, group="Frames", label="One of Every", when=("by", "every")
    )
    """One of so many frames, as upstream's scripts count (their downsample rate)."""
    sharpest: bool = option(True, group="Frames", label="Take Sharpest")
    """Take the sharpest of each stretch; off takes the one in its middle."""
    blur_limit: float = option(0.25, minimum=0.0, maximum=1.0, group="Frames")
    """Leave out frames less sharp than this share of their neighbours. Photographs are named, never left out."""
    start: float = option(0.0, unit="s", minimum=0.0, group="Frames")
    """Where in the video to begin."""
    end: float = option(0.0, unit="s", minimum=0.0, group="Frames")
    """Where in the video to end; 0 = at its end."""
    maximum_size: int = option(0, unit="pixels", minimum=0, maximum=65536, group="Frames", label="Longest Side")
    """Make larger pictures so small; 0 = leave them."""
    form: str = option("jpg", choices=("jpg", "png"), group="Frames", label="File Form")
    """Frames of a video as JPEG of quality 97, or as PNG without loss. Photographs keep their own."""


class FramesAdapter(CaptureStep):
    """See the module's docstring."""

    name = "frames"
    title = "Pick frames"
    version = "1"
    licence = (
        "TopForge frames: Apache-2.0. It starts ffmpeg (GPL), a program of its own that imageio-ffmpeg (BSD-2) brings."
    )
    options = FramesOptions
    needs_dataset = True
    install = INSTALL

    def validate(self, config: FramesOptions, dataset: Optional[str]) -> None:
        """Refuses an end before the start."""
        if config.end and config.end <= config.start:
            raise FramesOptionError(config.start, config.end)

    def deciding(self, config: FramesOptions) -> Dict[str, Any]:
        """All but the two ways to count that are not used."""
        deciding = super().deciding(config)
        unused = {"count", "per_second", "every"} - {config.by}
        return {key: value for key, value in deciding.items() if key not in unused}

    def steps(self, item: Item, config: FramesOptions, paths: RunPaths) -> Sequence[Step]:
        """One child."""
        settings = self.deciding(config)
        settings["amount"] = float(settings.pop(config.by))
        where = (str(item.dataset), str(paths.output), "--settings", json.dumps(settings, sort_keys=True))
        return [Step("frames", ("{python}", "-u", "-m", "topforge_frames", "frames", *where))]

    def collect(self, item: Item, config: FramesOptions, paths: RunPaths) -> Collected:
        """The pictures, their masks, and the report about them."""
        report = read_report(paths.output / REPORT)
        names = ["images/" + entry["file"] for entry in report["frames"]]
        outputs = [Output(REPORT, "data"), Output(PICTURE, "preview"), *(Output(name, "photograph") for name in names)]
        outputs += [Output(name, "mask") for name in below(paths.output, "masks")]
        shares = [entry["relative_sharpness"] for entry in report["frames"]]
        metrics = {
            "frames": float(len(names)),
            "blurred": float(len(report["blurred"])),
            "least_sharpness": min(shares),
        }
        return Collected(tuple(outputs), metrics, {"frames": {"kind": report["kind"], "source": report["source"]}})


def below(folder: Path, name: str) -> Sequence[str]:
    """Files in a folder of the output, relative to the output, by name; none where it is not there."""
    place = folder / name
    return ["%s/%s" % (name, path.name) for path in sorted(place.iterdir())] if place.is_dir() else []


ADAPTER = FramesAdapter()

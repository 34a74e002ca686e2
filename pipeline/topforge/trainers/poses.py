"""Adapter "poses": the cameras of a folder of images, by COLMAP as pycolmap brings it, `python -m topforge_frames`.

The result is a COLMAP capture without distortion (`images/`, `sparse/0/`, and `masks/` where there were any) that every
reader of captures takes. It needs no GPU.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Dict, Optional, Sequence

from topforge import schema
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import Collected, Output, Report, Step
from topforge.trainers.capture_step import CaptureStep, read_report
from topforge.trainers.frames import INSTALL, below

REPORT = "poses.json"
MODELS = ("SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV", "OPENCV_FISHEYE", "PINHOLE", "SIMPLE_PINHOLE")
_FEATURES = re.compile(r"\] Processed file \[(\d+)/(\d+)\]")
_MATCHES = re.compile(r"\] Processing (?:block|image) \[(\d+)/(\d+)")
_EXTRACTION, _MATCHING, _MAPPING = 0.03, 0.25, 0.5
"""Progress at which COLMAP begins with each."""


@dataclasses.dataclass(frozen=True)
class PosesOptions:
    """How to look for cameras."""

    camera_model: str = option("SIMPLE_RADIAL", choices=MODELS, group="Poses", label="Lens")
    """COLMAP's name of the lens: OPENCV for wide ones, OPENCV_FISHEYE for fisheyes, PINHOLE for rendered pictures."""
    camera: str = option("auto", choices=("auto", "single", "per_image"), group="Poses", label="Cameras")
    """auto: one lens for all where size and focal length agree; per_image: zoom or focus changed in between."""
    matching: str = option("auto", choices=("auto", "exhaustive", "sequential"), group="Poses")
    """exhaustive compares all pairs; sequential neighbours in a video only, which is faster and drifts around a circle.
    auto: exhaustive up to 250 images."""
    overlap: int = option(10, unit="images", minimum=1, maximum=1000, group="Poses")
    """Neighbours that each image is compared with in sequential matching."""
    maximum_size: int = option(
        2000, unit="pixels", minimum=64, maximum=65536, group="Poses", label="Feature Image Size"
    )
    """Features are looked for in images of at most this longer side; the result keeps the full size."""
    maximum_features: int = option(8192, minimum=100, maximum=1000000, group="Poses", label="Features per Image")
    """Most features of an image."""
    robust_features: bool = option(False, group="Poses")
    """Features that bear slanted views and dark places better (affine shape, domain size pooling); much slower."""
    use_masks: bool = option(True, group="Poses")
    """Look for features only where masks (or the images' alpha) are white. Off where the object is plain and what
    stands around it is not, and does not move; masks come along into the result in any case."""
    focal_length: float = option(0.0, unit="mm on 35 mm film", minimum=0.0, maximum=2000.0, group="Poses")
    """The lens's, where you know it: it is then held. 0 = find it, and refuse one that no camera has."""
    minimum_registered: float = option(0.5, minimum=0.0, maximum=1.0, group="Poses", label="Least Share Found")
    """Fail if cameras are found for a smaller share of the images."""
    maximum_error: float = option(2.0, unit="pixels", minimum=0.1, maximum=100.0, group="Poses", label="Largest Error")
    """Fail if features lie further than this from where the cameras see them, in the mean."""
    threads: int = option(0, minimum=0, maximum=1024, group="Poses")
    """Processor cores to use; 0 = all."""
    seed: int = option(0, minimum=0, maximum=2**31 - 1, group="Poses", label="Random Seed")
    """Start of COLMAP's random numbers. With several threads results still differ in the last digits."""


class PosesAdapter(CaptureStep):
    """See the module's docstring."""

    name = "poses"
    title = "Find cameras"
    version = "2"
    licence = "TopForge poses: Apache-2.0; COLMAP, as pycolmap brings it: BSD-3."
    options = PosesOptions
    needs_dataset = True
    install = INSTALL

    def deciding(self, config: PosesOptions) -> Dict[str, Any]:
        """All but the number of threads."""
        return {key: value for key, value in super().deciding(config).items() if key != "threads"}

    def steps(self, item: Item, config: PosesOptions, paths: RunPaths) -> Sequence[Step]:
        """One child; the database and what is rejected stay in its scratch."""
        settings = json.dumps(schema.to_json(config), sort_keys=True)
        where = (str(item.dataset), str(paths.output), "--work", str(paths.work / "colmap"), "--settings", settings)
        return [Step("poses", ("{python}", "-u", "-m", "topforge_frames", "poses", *where))]

    def parse(self, line: str) -> Optional[Report]:
        """The child's lines, and those of COLMAP itself that count images or pairs."""
        for pattern, start, end, what in (
            (_FEATURES, _EXTRACTION, _MATCHING, "features of image %d of %d"),
            (_MATCHES, _MATCHING, _MAPPING, "matching part %d of %d"),
        ):
            found = pattern.search(line)
            if found and int(found.group(2)) > 0:
                done, total = int(found.group(1)), int(found.group(2))
                begun = done if pattern is _FEATURES else done - 1
                progress = start + (end - start) * min(begun / total, 1.0)
                return Report(progress=progress, stage=self.name, message=what % (done, total))
        return super().parse(line)

    def collect(self, item: Item, config: PosesOptions, paths: RunPaths) -> Collected:
        """The capture, and the numbers that tell how good it is."""
        report = read_report(paths.output / REPORT)
        outputs = [Output(REPORT, "data"), *(Output(name, "photograph") for name in below(paths.output, "images"))]
        outputs += [Output(name, "mask") for name in below(paths.output, "masks")]
        outputs += [Output(name, "cameras") for name in below(paths.output, "sparse/0")]
        names = ("images", "registered", "points", "reprojection_error", "track_length", "triangulation_angle")
        metrics = {name: float(report[name]) for name in names}
        metrics["warnings"] = float(len(report["warnings"]))
        provenance = {"lenses": report["lenses"], "matching": report["matching"]}
        remarks = tuple(("%(sentence)s %(fix)s" % warning).rstrip(".") for warning in report["warnings"])
        return Collected(tuple(outputs), metrics, provenance, remarks=remarks)


ADAPTER = PosesAdapter()

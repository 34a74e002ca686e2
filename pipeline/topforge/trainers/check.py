"""Adapter "check": looks at a capture before anything is trained on it, `python -m topforge_capture check`.

A capture with errors makes the item fail with the findings as its reason, so that whatever depends on it never starts.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Sequence, Tuple

from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import MASKS, Collected, Output, Step
from topforge.trainers.capture_step import CaptureStep, NoReportError, read_report

REQUIRED = {"report.json": "data", "cameras.png": "preview", "contact_sheet.png": "preview"}


@dataclasses.dataclass(frozen=True)
class CheckOptions:
    """What is expected of a capture."""

    minimum_views: int = option(8, unit="views", minimum=2, maximum=100000, group="Check")
    """Fewer training views than this are an error. 50 or more give a good shape."""
    mesh_scale: float = option(0.0, unit="world units", minimum=0.0, group="Check")
    """Side of the training box around the origin that the object must fit into; 0 only recommends one."""
    masks: str = option("wanted", choices=MASKS, group="Check")
    """What a view without mask or alpha is: "required" an error, as for TopForge's trainer and nvdiffrec; "wanted" a
    warning; "unused" a note, as for Neuralangelo. The check of a job asks for what its trainer needs."""
    fail_on: str = option("error", choices=("error", "warning"), group="Check")
    """The least severity that makes the check fail, and with it everything that depends on it."""


class CheckAdapter(CaptureStep):
    """See the module's docstring."""

    name = "check"
    title = "Check capture"
    version = "1"
    licence = "TopForge check: Apache-2.0."
    options = CheckOptions
    needs_dataset = True

    def steps(self, item: Item, config: CheckOptions, paths: RunPaths) -> Sequence[Step]:
        """One child. Pictures go to the previews as well: these stay when the check fails and nothing is published."""
        where = ["--json", str(paths.output / "report.json")]
        where += ["--pictures", str(paths.previews), "--pictures", str(paths.output)]
        return [Step("check", command(str(item.dataset), config, where))]

    def told(self, reason: str) -> str:
        """The findings, as about the capture."""
        return "The capture: %s" % reason

    def collect(self, item: Item, config: CheckOptions, paths: RunPaths) -> Collected:
        """The report and its pictures; the numbers of findings are the metrics."""
        for name in REQUIRED:
            path = paths.output / name
            if not path.is_file() or path.stat().st_size == 0:
                raise NoReportError("%s is missing or empty" % path)
        report = read_report(paths.output / "report.json")
        metrics = {"errors": float(report["counts"]["error"]), "warnings": float(report["counts"]["warning"])}
        metrics.update({"%s_views" % split: float(count) for split, count in report["views"].items()})
        box = report["box"]
        if box and math.isfinite(box["mesh_scale"]):
            metrics["recommended_mesh_scale"] = box["mesh_scale"]
        outputs = tuple(Output(path, role) for path, role in REQUIRED.items())
        return Collected(outputs, metrics, {"capture": report["capture"], "box": box})


def command(folder: str, options: CheckOptions, where: Sequence[str]) -> Tuple[str, ...]:
    """The checker's command line; `{python}` stands for the environment's interpreter.

    Args:
        folder: The capture.
        options: What is expected of it.
        where: Further arguments that say where report and pictures go.
    """
    arguments = ["{python}", "-u", "-m", "topforge_capture", "check", folder, *where]
    arguments += ["--minimum-views", str(options.minimum_views), "--mesh-scale", repr(options.mesh_scale)]
    arguments += ["--masks", options.masks]
    return (*arguments, "--fail-on", options.fail_on)


ADAPTER = CheckAdapter()

"""Adapter "check": looks at a capture before anything is trained on it, `python -m topforge_capture check`.

A capture with errors makes the item fail with the findings as its reason, so that whatever depends on it never starts.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any, Dict, Optional, Sequence, Tuple

from topforge.errors import FailureClass, TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import Adapter, Collected, Diagnosis, Output, Report, Step

REQUIRED = {"report.json": "data", "cameras.png": "preview", "contact_sheet.png": "preview"}
SUMMARY = "summary="
"""Begins the checker's last line."""

_PROGRESS = re.compile(r"^progress=([0-9.]+) message=(.*)$")
_MISSING_MODULE = re.compile(r"^(?:ModuleNotFoundError|ImportError): No module named '([^']+)'")


class IncompleteCheckError(TopForgeError):
    """The checker ended well, but a file of its report is not there."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, what: str) -> None:
        super().__init__(
            "The check ended without an error, but %s." % what, "Run it again; keep the log if it repeats."
        )


@dataclasses.dataclass(frozen=True)
class CheckOptions:
    """What is expected of a capture."""

    minimum_views: int = option(8, unit="views", minimum=2, maximum=100000, group="Check")
    """Fewer training views than this are an error. 50 or more give a good shape."""
    mesh_scale: float = option(0.0, unit="world units", minimum=0.0, group="Check")
    """Side of the training box around the origin that the object must fit into; 0 only recommends one."""
    fail_on: str = option("error", choices=("error", "warning"), group="Check")
    """The least severity that makes the check fail, and with it everything that depends on it."""


class CheckAdapter(Adapter):
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

    def parse(self, line: str) -> Optional[Report]:
        """Reads `progress=0.42 message=...`; the other lines are for people."""
        match = _PROGRESS.match(line.strip())
        if not match:
            return None
        try:
            progress = float(match.group(1))
        except ValueError:
            return None  # a torn line
        return Report(progress=min(max(progress, 0.0), 1.0), stage="check", message=match.group(2))

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """The findings, from the summary line; or the package that the environment lacks."""
        for line in reversed(tail):
            missing = _MISSING_MODULE.match(line)
            if missing:
                fix = "Install it there (`pip install numpy imageio`), or choose an environment that has it."
                reason = 'The environment has no Python package "%s", which the check needs.' % missing.group(1)
                return Diagnosis(FailureClass.CONFIG, reason, fix)
            found = summary(line)
            if found and found["reason"]:
                return Diagnosis(FailureClass.CONFIG, "The capture: %s" % found["reason"], found["fix"])
        return None

    def collect(self, item: Item, config: CheckOptions, paths: RunPaths) -> Collected:
        """The report and its pictures; the numbers of findings are the metrics."""
        for name in REQUIRED:
            path = paths.output / name
            if not path.is_file() or path.stat().st_size == 0:
                raise IncompleteCheckError("%s is missing or empty" % path)
        try:
            report = json.loads((paths.output / "report.json").read_text(encoding="utf-8"))
        except ValueError as error:
            raise IncompleteCheckError("%s is not JSON (%s)" % (paths.output / "report.json", error)) from error
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
    return (*arguments, "--fail-on", options.fail_on)


def summary(line: str) -> Optional[Dict[str, Any]]:
    """The content of the checker's last line (errors, warnings, reason, fix); None for any other line."""
    if not line.startswith(SUMMARY):
        return None
    try:
        found = json.loads(line[len(SUMMARY) :])
    except ValueError:
        return None  # a torn line
    return found if isinstance(found, dict) and {"reason", "fix"} <= set(found) else None


ADAPTER = CheckAdapter()

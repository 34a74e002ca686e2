"""nvdiffrec's train.py as a black box: started by its command line, read through its lines and files."""

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List

from benchmarking import process, steps
from benchmarking.curves import Curve

FIRST_ITERATION = r"^iter=\s*\d+,"
AVERAGES = re.compile(r"^AVERAGES: ([\d.]+), ([\d.]+)")
VALIDATED = re.compile(r"^[\d.]+, ([\d.]+)$")
PREVIEWS = ("img_dmtet_pass1_%06d.png", "img_mesh_pass_%06d.png")


@dataclasses.dataclass(frozen=True)
class Upstream:
    """Where it is and what runs it."""

    checkout: Path
    python: str
    """An interpreter that has nvdiffrec's packages."""
    work: Path
    """Folder for runs; `data` in it is a link to the checkout's."""

    def start(self, name: str, config: Dict[str, Any], stop_at: str = "") -> process.Run:
        """Runs train.py with a config in the work folder; `stop_at` as in `process.run`."""
        self.work.mkdir(parents=True, exist_ok=True)
        link = self.work / "data"
        if not link.is_symlink():
            link.symlink_to(self.checkout.resolve() / "data", target_is_directory=True)
        file = self.work / (name + ".json")
        file.write_text(json.dumps(config, indent=1), encoding="utf-8")
        command = [self.python, str(self.checkout.resolve() / "train.py"), "--config", file.name]
        extensions = os.environ.get("TORCH_EXTENSIONS_DIR", str(self.work.resolve() / "extensions"))
        environment = {**os.environ, "TORCH_EXTENSIONS_DIR": extensions}
        environment["PYTHONPATH"] = os.environ.get("UPSTREAM_PYTHONPATH", "")
        return process.run(command, self.work, environment, self.work / (name + ".log"), stop_at)

    def build(self, config: Dict[str, Any]) -> None:
        """Lets it compile its plugin, which no measurement counts: a run that is ended at its first iteration."""
        self.start("build", {**config, "out_dir": "build", "save_interval": 0}, FIRST_ITERATION)

    def record(self, name: str, config: Dict[str, Any]) -> Dict[str, Any]:
        """One whole run: seconds, milliseconds a step, validation scores, memory, the curve of its previews."""
        run = self.start(name, config)
        stamps = steps.passes(run.lines)
        folder = self.work / "out" / config["out_dir"]
        interval = config.get("save_interval", 1000)
        return {
            "seconds": run.seconds,
            "ms": [steps.milliseconds(stamp, [interval]) for stamp in stamps],
            "psnr_pass1": average(folder / "dmtet_validate" / "metrics.txt"),
            "psnr": average(folder / "validate" / "metrics.txt"),
            "peak_gpu_mib": run.peak_gpu_mib,
            "curve": curve(folder, stamps, interval),
            "orbit": validations(run.lines),
            "validation": str(folder / "validate"),
        }


def validations(lines: List[process.Line]) -> Curve:
    """Mean PSNR of the whole orbit at the times it was measured: after pass 1 and at the end."""
    matches = [(line.seconds, VALIDATED.match(line.text)) for line in lines]
    return [(seconds, float(match.group(1))) for seconds, match in matches if match]


def average(file: Path) -> float:
    """The mean PSNR that nvdiffrec wrote, in dB; NaN where a run has no such pass."""
    if not file.is_file():
        return float("nan")
    matches = [AVERAGES.match(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return float(next(match for match in matches if match).group(2))


def curve(folder: Path, stamps: List[List[steps.Stamp]], interval: int) -> Curve:
    """PSNR against seconds, from its previews: result and reference of one validation view side by side.

    Each preview shows another view, the next of the orbit; views differ by up to 5 dB.
    """
    import imageio.v3 as imageio
    import numpy as np

    points = []
    for names, stamp in zip(PREVIEWS[-len(stamps) :], stamps):
        for number in range(stamp[-1][0] // interval + 1 if interval else 0):
            picture = imageio.imread(folder / (names % number)).astype(np.float64) / 255.0
            side = picture.shape[0]
            error = float(((picture[:, :side] - picture[:, side : 2 * side]) ** 2).mean())
            points.append((steps.at(stamp, number * interval), float(-10.0 * np.log10(error))))
    return points

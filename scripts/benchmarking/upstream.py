"""nvdiffrec's train.py as a black box: started by its command line, read through its lines and files."""

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List

from benchmarking import process, steps

FIRST_ITERATION = r"^iter=\s*\d+,"
AVERAGES = re.compile(r"^AVERAGES: ([\d.]+), ([\d.]+)")


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
        return process.run(command, self.work, environment, self.work / (name + ".log"), stop_at)

    def build(self, config: Dict[str, Any]) -> float:
        """Lets it compile its plugin, which no measurement counts: a run that is ended at its first iteration."""
        return self.start("build", {**config, "out_dir": "build", "save_interval": 0}, FIRST_ITERATION).seconds

    def record(self, name: str, config: Dict[str, Any]) -> Dict[str, Any]:
        """One whole run: seconds, milliseconds a step, validation scores, memory, stamps of all progress lines."""
        run = self.start(name, config)
        stamps = steps.passes(run.lines)
        folder = self.work / "out" / config["out_dir"]
        return {
            "seconds": run.seconds,
            "ms": [steps.milliseconds(stamp) for stamp in stamps],
            "psnr_pass1": average(folder / "dmtet_validate" / "metrics.txt"),
            "psnr": average(folder / "validate" / "metrics.txt"),
            "views": views(folder / "validate" / "metrics.txt"),
            "peak_gpu_mib": run.peak_gpu_mib,
            "stamps": stamps,
            "folder": str(folder),
        }


def average(file: Path) -> float:
    """The mean PSNR that nvdiffrec wrote, in dB; NaN where a run has no such pass."""
    if not file.is_file():
        return float("nan")
    matches = [AVERAGES.match(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return float(next(match for match in matches if match).group(2))


def views(file: Path) -> List[float]:
    """PSNR of each validation view, in dB."""
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return [float(row[2]) for row in rows if len(row) == 3]

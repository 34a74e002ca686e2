"""`python -m topforge_train` with nvdiffrec's JSON: its own lines and files say how long it took and how good it is."""

import dataclasses
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List

from benchmarking import process, steps
from benchmarking.curves import Curve

HERE = Path(__file__).resolve().parent
PIPELINE = HERE.parent.parent / "pipeline"
REPORT_INTERVAL = "0.1"
"""Seconds between progress lines, so that many stretches between two of them hold no preview."""
CHECKPOINTS = 100
"""Iterations between checkpoints, the trainer's default."""
MEASURED = re.compile(r"^topforge stage=train .*\bstep=(\d+) psnr=([-\d.e+naif]+)")
CURVE_POINTS = 20
"""Measurements in each pass of the run that draws the curve."""


@dataclasses.dataclass(frozen=True)
class Ours:
    """What runs our trainer."""

    checkout: Path
    """Folder with nvdiffrec's `data`: the meshes that its configs name."""
    work: Path

    def start(self, name: str, config: Dict[str, Any], program: List[str]) -> process.Run:
        """Trains from nothing in a folder of its own, with `data` beside the config as nvdiffrec has it."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "data").symlink_to(self.checkout.resolve() / "data", target_is_directory=True)
        (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        command = [sys.executable, *program, "--config", "config.json", "--dataset", config["ref_mesh"]]
        command += ["--output", "result", "--checkpoints", "checkpoints", "--previews", "previews"]
        environment = {**os.environ, "PYTHONPATH": str(PIPELINE), "TOPFORGE_REPORT_INTERVAL": REPORT_INTERVAL}
        return process.run(command, folder, environment, folder / "log")

    def build(self, config: Dict[str, Any]) -> None:
        """Lets the kernels compile into their cache, which no measurement counts: a few iterations of everything."""
        self.start("build", {**config, "iter": 20, "save_interval": 10}, ["-m", "topforge_train"])

    def timed(self, name: str, config: Dict[str, Any], ranks: int = 1) -> Dict[str, Any]:
        """One whole run as a person starts it, or as an item with several GPUs is started."""
        launch = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
        launch = [*launch, "--nproc_per_node", str(ranks)] if ranks > 1 else []
        run = self.start(name, config, [*launch, "-m", "topforge_train"])
        stamps = steps.passes(run.lines)
        intervals = [config.get("save_interval", 1000), config.get("checkpoint_interval", CHECKPOINTS)]
        summary = json.loads((self.work / name / "result" / "summary.json").read_text(encoding="utf-8"))
        return {
            "seconds": run.seconds,
            "ms": [steps.milliseconds(stamp, intervals) for stamp in stamps],
            "peak_gpu_mib": run.peak_gpu_mib,
            "stamps": stamps,
            "psnr_supersampled": summary["metrics"].get("psnr"),
            "triangles": summary["metrics"]["triangles"],
            "provenance": summary["provenance"],
        }

    def measured(self, name: str, config: Dict[str, Any], stamps: List[List[steps.Stamp]]) -> Dict[str, Any]:
        """The same training measured as nvdiffrec measures, at the times `stamps` of a run that did nothing else."""
        config = {**config, "save_interval": max(1, config["iter"] // CURVE_POINTS), "validation_views": 1000}
        run = self.start(name, config, [str(HERE / "measuring_trainer.py")])
        folder = self.work / name / "result"
        psnr = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["metrics"]["psnr"]
        found = [match for match in (MEASURED.match(line.text) for line in run.lines) if match]
        points = [(int(match.group(1)), float(match.group(2))) for match in found]
        before = [value for step, value in points if step == config["iter"]] if len(stamps) > 1 else []
        return {
            "psnr": psnr,
            "psnr_pass1": before[0] if before else float("nan"),
            "curve": curve(points, stamps, config["iter"]),
            "validation": str(folder / "validate"),
        }


def curve(points: Curve, stamps: List[List[steps.Stamp]], iterations: int) -> Curve:
    """PSNR by step over all passes as PSNR by second of the timed run."""
    found = []
    for step, value in points:
        number = min(step // iterations, len(stamps) - 1)
        found.append((steps.at(stamps[number], step - number * iterations), value))
    return found

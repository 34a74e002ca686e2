"""The adapter for `fake_trainer.py`."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from topforge.trainers.base import Adapter, Collected, Output, Report, Step

LINE = re.compile(r"^step (\d+)/(\d+) loss (\S+)$")


@dataclasses.dataclass(frozen=True)
class FakeOptions:
    notes: str
    """Folder for what tests look at; survives attempts."""
    steps: int = 3
    step_seconds: float = 0.0
    save_every: int = 1
    save_seconds: float = 0.0
    size: int = 64
    seed: int = 0
    kill_at: int = 0
    hang_at: int = 0
    crash_at: int = 0
    out_of_memory_above: int = 0
    fill_bytes: int = 0
    ignore_terminate: bool = False
    daemon: bool = False
    worker: bool = False
    omit_mesh: bool = False
    metric: str = "27.5"


class FakeAdapter(Adapter):
    name = "fake"
    title = "Fake trainer"
    licence = "public domain"
    options = FakeOptions

    def steps(self, item, config, paths):
        paths.config.write_text(json.dumps(dataclasses.asdict(config)))
        trainer = str(Path(__file__).with_name("fake_trainer.py"))
        return [Step("train", ("{python}", "-S", trainer, str(paths.config), str(paths.output), str(paths.checkpoint)))]

    def parse(self, line):
        found = LINE.match(line)
        if not found:
            return None
        return Report(step=int(found.group(1)), total=int(found.group(2)), metrics={"loss": float(found.group(3))})

    def collect(self, item, config, paths):
        json.loads((paths.output / "data.json").read_text())
        outputs = (Output("mesh/mesh.obj", "mesh"), Output("data.json", "data"))
        return Collected(outputs, {"psnr": float(config.metric)}, {"seed": config.seed})

    def lower_settings(self, config):
        if config.size <= 16:
            return None
        lower = dataclasses.replace(config, size=config.size // 2)
        return lower, "size lowered from %d to %d" % (config.size, lower.size)


ADAPTER = FakeAdapter()

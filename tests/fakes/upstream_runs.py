"""What tests of upstream trainers share: running items on fake checkouts as engines do, small captures."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

from topforge import items, results, schema, states
from topforge.errors import EXIT_CODES, FailureClass
from topforge.items import Item, Needs
from topforge.paths import RunPaths
from topforge.planning import config_files, planned_items
from topforge.planning.jobs import Job
from topforge.trainers import registry

REPOSITORY = Path(__file__).resolve().parents[2]
MATRIX = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 3.0], [0.0, 0.0, 0.0, 1.0]]
TIMEOUT = 120.0
TINY = {"iter": 20, "save_interval": 10, "texture_res": [64, 64], "batch": 2}
GREY_LIGHT = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 8\n" + b"\x80\x80\x80\x81" * 32


def write_transforms(folder, split, content):
    (folder / ("transforms_%s.json" % split)).write_text(json.dumps(content))


def read_transforms(folder, split):
    return json.loads((folder / ("transforms_%s.json" % split)).read_text())


def write_poses(folder, count, columns=17):
    """poses_bounds.npy as NumPy writes it."""
    row = [0.0, 1.0, 0.0, 0.0, 16.0, -1.0, 0.0, 0.0, 0.0, 24.0, 0.0, 0.0, 1.0, 3.0, 20.0, 0.1, 10.0]
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }" % (count, columns)
    header = header.ljust(117) + "\n"
    values = (row + [0.0] * columns)[:columns] * count
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    (folder / "poses_bounds.npy").write_bytes(content + struct.pack("<%dd" % len(values), *values))


class Run:
    """One item of an adapter, and what became of it."""

    def __init__(self, folder: Path, adapter: str, dataset, config, needs: Needs):
        self.paths, self.notes = RunPaths(folder / "run"), folder / "notes"
        for each in (self.paths.run, self.notes):
            each.mkdir(exist_ok=True)
        self.adapter = registry.get(adapter)
        options = schema.from_json(self.adapter.options, config, "test")
        job = Job(adapter=adapter, dataset=None if dataset is None else str(dataset), needs=needs)
        options = config_files.with_paths(self.adapter, options, folder)
        job = planned_items.with_dataset(job, self.adapter, options, "test", "")
        self.item: Item = planned_items.make_item(self.adapter, "run", options, job, planned_items.content_of(job))
        items.write(self.paths.item, self.item)

    def cook(self, fault: str = "", retries: int = 0, **variables: str) -> int:
        """Runs it as every engine does; the exit code."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "pipeline"),
            "FAKE_FAULT": fault,
            "FAKE_NOTES": str(self.notes),
            "TOPFORGE_ENV": str(self.notes / "none"),
            "TOPFORGE_CACHE": str(self.notes / "cache"),
            "TOPFORGE_FAKE_GPUS": json.dumps([{"uuid": "GPU-a"}, {"uuid": "GPU-b"}]),
            "TOPFORGE_LEASE_FOLDER": str(self.notes / "leases"),
            **variables,
        }
        command = [sys.executable, "-m", "topforge", "run-item", str(self.paths.run), "--retries", str(retries)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.output = done.stdout + done.stderr
        return done.returncode

    def must_fail(self, fault: str, kind: FailureClass, reason: str) -> None:
        """Runs it: it ends in that class, says why (a regular expression) and what to do, and leaves no result."""
        assert self.cook(fault) == EXIT_CODES[kind], self.output
        assert self.state.failure_class is kind
        assert re.search(reason, self.state.reason), self.state.reason
        assert self.state.fix
        assert not self.paths.manifest.exists()

    @property
    def log(self) -> str:
        return self.paths.latest_log.read_text()

    @property
    def state(self) -> states.State:
        found = states.read(self.paths.state)
        assert found is not None
        return found

    @property
    def complete(self) -> results.Result:
        """What an importer would find."""
        found = results.complete(self.paths.run)
        assert found is not None
        return found

    @property
    def result(self):
        return json.loads(self.paths.manifest.read_text())

    @property
    def configs(self):
        """The config files that the trainer was given, attempt by attempt."""
        return [json.loads(line) for line in (self.notes / "configs.jsonl").read_text().splitlines()]

    @property
    def environments(self):
        return [json.loads(line) for line in (self.notes / "environment.jsonl").read_text().splitlines()]

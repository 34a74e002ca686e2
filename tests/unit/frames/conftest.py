"""Runs items of "frames" and "poses" as any engine does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from topforge import items, results, schema
from topforge.paths import RunPaths
from topforge.planning import jobs, planned_items
from topforge.states import read as read_state
from topforge.trainers import registry

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fakes"))
import textured_scene

VIEWS, WIDTH, HEIGHT, FOCAL, K1 = 24, 320, 240, 300.0, -0.08
PIPELINE = Path(__file__).resolve().parents[3] / "pipeline"


class Ran:
    """An item that was run."""

    def __init__(self, paths, process):
        self.paths, self.process = paths, process
        self.state = read_state(paths.state)
        self.result = results.read(paths.run) if paths.manifest.exists() else None

    def file(self, name):
        return self.paths.result / name

    def outputs(self, role):
        return sorted(output.path for output in self.result.outputs if output.role == role)


def run_item(folder, adapter_name, dataset, **options):
    """Runs one item in `folder` with `topforge run-item`."""
    adapter = registry.get(adapter_name)
    config = schema.from_json(adapter.options, options, adapter_name)
    job = jobs.Job(adapter=adapter_name, dataset=str(dataset))
    item = planned_items.make_item(adapter, "item", config, job, planned_items.content_of(job))
    paths = RunPaths(folder)
    paths.run.mkdir(parents=True)
    items.write(paths.item, item)
    command = [sys.executable, str(PIPELINE / "topforge"), "run-item", str(folder)]
    variables = {**os.environ, "TOPFORGE_LEASE_FOLDER": str(folder / "leases")}
    return Ran(paths, subprocess.run(command, env=variables, capture_output=True, text=True, check=False))


@pytest.fixture
def run(tmp_path):
    """Runs one item in a folder of the test."""

    def one(adapter, dataset, **options):
        return run_item(
            tmp_path / ("run-%s-%d" % (adapter, len(list(tmp_path.iterdir())))), adapter, dataset, **options
        )

    return one


@pytest.fixture(scope="session")
def cameras():
    return dict(zip(("view_%02d" % index for index in range(VIEWS)), textured_scene.orbit(VIEWS)))


@pytest.fixture(scope="session")
def photographs(cameras, tmp_path_factory):
    """Photographs of one lens with barrel distortion."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "images").mkdir()
    for name, camera in cameras.items():
        pixels = textured_scene.render(camera, WIDTH, HEIGHT, FOCAL, K1)
        Image.fromarray(pixels).save(folder / "images" / (name + ".png"))
    return folder

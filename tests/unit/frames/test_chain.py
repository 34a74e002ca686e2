"""From a video to a surface in one job: real frames, cameras and conversion, and a stand-in for Neuralangelo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from topforge import results, schema
from topforge.paths import RunPaths
from topforge.planning import expansion, jobs
from topforge.trainers import convert, registry
from topforge_capture import formats

from .conftest import HEIGHT, PIPELINE, VIEWS, WIDTH

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fakes"))
import neuralangelo as fake

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed: no videos")
pytest.importorskip("pycolmap", reason="pycolmap is not installed: no cameras can be found")


@pytest.fixture
def job(photographs, tmp_path):
    """The job of docs/from-a-video.md, on a walk around the scene of which every second frame is out of focus."""
    stream = imageio_ffmpeg.write_frames(str(tmp_path / "walk.mp4"), (WIDTH, HEIGHT), fps=10, quality=10)
    stream.send(None)
    for path in sorted((photographs / "images").iterdir()):
        picture = Image.open(path).convert("RGB")
        for frame in (picture, picture.filter(ImageFilter.GaussianBlur(2))):
            stream.send(np.asarray(frame))
    stream.close()
    fake.make_checkout(tmp_path / "neuralangelo")
    document = (PIPELINE.parent / "docs" / "from-a-video.md").read_text(encoding="utf-8")
    content = json.loads(document.split("```json")[1].split("```")[0])
    content["dataset"] = "walk.mp4"
    content["prepare"][0]["count"] = VIEWS
    content["environment"]["prefix"] = None
    for config in content["configs"]:
        config.update(checkout="neuralangelo", max_iter=100, resolution=32)
    (tmp_path / "job.json").write_text(json.dumps(content))
    return tmp_path / "job.json"


def cook(path):
    command = [sys.executable, str(PIPELINE / "topforge"), "cook", str(path)]
    own = {"TOPFORGE_ENV": str(path.parent / "none"), "TOPFORGE_CACHE": str(path.parent / "cache")}
    own["TOPFORGE_LEASE_FOLDER"] = str(path.parent / "leases")
    own["TOPFORGE_FAKE_GPUS"] = json.dumps([{"uuid": "GPU-a", "name": "RTX 3090", "mem": 24576}])
    return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)


def test_a_video_becomes_a_surface_and_only_what_changed_is_done_again(job):
    ended = cook(job)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    made = {planned.item.name: planned for planned in expansion.expand(jobs.read(job), job)}
    found = {name: results.read(planned.folder) for name, planned in made.items()}
    assert found["frames"].metrics["frames"] == VIEWS
    taken = json.loads((RunPaths(made["frames"].folder).result / "frames.json").read_text())
    assert [entry["frame"] for entry in taken["frames"]] == list(range(0, 2 * VIEWS, 2)), "the sharp ones"
    assert found["poses"].metrics["registered"] == VIEWS
    assert found["convert"].provenance["trainer"]["box"]["source"] == "points"
    capture = json.loads((RunPaths(made["convert"].folder).result / "transforms.json").read_text())
    assert len(capture["frames"]) == VIEWS
    assert capture["sphere_radius"] > 0
    surfaces = [name for name in made if made[name].item.adapter == "neuralangelo"]
    for name in surfaces:
        assert any(output.role == "mesh" for output in found[name].outputs)
    content = json.loads(job.read_text())
    content["configs"][0]["resolution"] = 48
    job.write_text(json.dumps(content))
    again = cook(job)
    assert again.returncode == 0, again.stdout + again.stderr
    for name in ("frames", "poses", "convert"):
        assert "%s: done before." % name in again.stdout
    assert "object: done before." not in again.stdout


@pytest.mark.parametrize("name", ["frames", "poses", "convert"])
def test_the_guide_has_the_options_as_they_are(name):
    document = (PIPELINE.parent / "docs" / "from-a-video.md").read_text(encoding="utf-8")
    assert schema.markdown_table(registry.get(name).options) in document


def test_the_formats_are_those_that_are_written():
    assert convert.FORMATS == formats.NAMES

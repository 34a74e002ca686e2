"""The trainer end to end on a tiny capture: it learns, resumes to the bit, stops politely, refuses what it must."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as imageio
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

from small_training import LEARNING

from topforge.trainers.builtin_options import extends
from topforge_train.training import checkpoint

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
OPTIONS = {**LEARNING, "iter": 6, "save_interval": 3, "checkpoint_interval": 4}


class Run:
    """One run folder and the command that works on it."""

    def __init__(self, folder, dataset, **options):
        self.folder, self.dataset = folder, dataset
        folder.mkdir(exist_ok=True)
        self.config = folder / "config.json"
        self.config.write_text(json.dumps({**OPTIONS, **options}))

    def start(self):
        command = [sys.executable, "-u", "-m", "topforge_train", "--config", str(self.config)]
        command += ["--dataset", str(self.dataset), "--output", str(self.folder / "output")]
        command += ["--checkpoints", str(self.folder / "checkpoint"), "--previews", str(self.folder / "previews")]
        environment = {**os.environ, "PYTHONPATH": str(PIPELINE)}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(self.folder)
        )

    def finish(self):
        child = self.start()
        text, _ = child.communicate(timeout=180)
        return child.returncode, text

    def stop_after(self, mark):
        """Sends SIGTERM as soon as a line contains `mark`; returns exit code and output."""
        child, lines = self.start(), []
        for line in child.stdout:
            lines.append(line)
            if mark in line:
                child.send_signal(signal.SIGTERM)
        return child.wait(timeout=60), "".join(lines)

    def newest(self):
        saved = sorted((self.folder / "checkpoint").glob("*.ckpt"))[-1]
        header = json.loads(saved.read_bytes().split(b"\n", 1)[0])
        return checkpoint.load(saved.parent, header["identity"], extends)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_capture):
    """An uninterrupted run."""
    run = Run(tmp_path_factory.mktemp("uninterrupted"), tiny_capture)
    code, text = run.finish()
    assert code == 0, text
    run.text = text
    return run


def tensors(state, path=""):
    """All tensors of a nested state by path."""
    if isinstance(state, torch.Tensor):
        yield path, state
    elif isinstance(state, dict):
        for key, value in state.items():
            yield from tensors(value, "%s/%s" % (path, key))
    elif isinstance(state, (list, tuple)):
        for index, value in enumerate(state):
            yield from tensors(value, "%s/%d" % (path, index))


def test_a_run_leaves_everything_a_person_expects(finished):
    output = finished.folder / "output"
    for name in ("mesh/mesh.obj", "mesh/texture_kd.png", "mesh/probe.hdr", "mesh.glb", "asset.usda", "cameras.json"):
        assert (output / name).stat().st_size > 0, name
    assert (output / "dmtet_mesh" / "mesh.obj").is_file()
    assert (output / "validate" / "metrics.txt").read_text().startswith("ID, MSE, PSNR\n0, ")
    previews = sorted(path.name for path in (finished.folder / "previews").iterdir())
    assert previews == [
        "img_dmtet_pass1_000000.png",
        "img_dmtet_pass1_000001.png",
        "img_mesh_pass_000000.png",
        "img_mesh_pass_000001.png",
        "img_mesh_pass_000002.png",
    ]
    summary = json.loads((output / "summary.json").read_text())
    assert summary["metrics"]["psnr"] > 15
    assert summary["provenance"]["backend"] == "warp"


@pytest.mark.parametrize("stop_in", ["pass 1 of 2, iteration 2 ", "pass 2 of 2, iteration 2 "])
def test_resume_is_exact(finished, tmp_path, tiny_capture, stop_in, monkeypatch):
    """Stopped in either pass and started again, a run ends with the very same numbers."""
    monkeypatch.setenv("TOPFORGE_REPORT_INTERVAL", "0")
    run = Run(tmp_path / "stopped", tiny_capture)
    code, text = run.stop_after(stop_in)
    assert code == 143, text
    code, text = run.finish()
    assert code == 0, text
    assert "Resuming pass" in text
    ours, theirs = dict(tensors(run.newest().state)), dict(tensors(finished.newest().state))
    assert ours.keys() == theirs.keys()
    different = [path for path in ours if not torch.equal(ours[path], theirs[path])]
    assert not different


def test_a_finished_training_only_delivers_again(finished):
    code, text = finished.finish()
    assert code == 0, text
    assert "iter=" not in text.replace("iteration", "")


def test_layers_end_in_an_opacity_within_its_limits(tmp_path, tiny_capture, monkeypatch):
    """Two layers deep, in every picture too; stopped in pass 2 and gone on with."""
    monkeypatch.setenv("TOPFORGE_REPORT_INTERVAL", "0")
    run = Run(tmp_path / "layers", tiny_capture, layers=2, kd_min=[0, 0, 0, 0.2], kd_max=[1, 1, 1, 0.9])
    code, text = run.stop_after("pass 2 of 2, iteration 0 ")
    assert code == 143, text
    code, text = run.finish()
    assert code == 0, text
    picture = imageio.imread(run.folder / "output" / "mesh" / "texture_kd.png")
    assert picture.shape == (64, 64, 4)
    assert 0.2 * 255 <= picture[..., 3].min() <= picture[..., 3].max() <= 0.9 * 255 + 1
    assert json.loads((run.folder / "output" / "summary.json").read_text())["metrics"]["psnr"] > 15


def test_another_configuration_is_refused(finished, tmp_path):
    other = Run(finished.folder, finished.dataset, dmtet_grid=12)
    code, text = other.finish()
    assert code == 78
    assert "topforge-reason" in text
    assert "dmtet_grid 16, now 12" in text
    Run(finished.folder, finished.dataset)  # puts the config back for the tests after this one


def test_an_unknown_key_is_refused_with_the_nearest_spelling(tmp_path, tiny_capture):
    code, text = Run(tmp_path / "typo", tiny_capture, learning_rat=0.1).finish()
    assert code == 78
    assert "learning_rate" in text


def test_the_time_budget_ends_training_early_and_still_delivers(tmp_path, tiny_capture):
    run = Run(tmp_path / "budget", tiny_capture, iter=100000, time_budget=4.0, save_interval=0)
    began = time.monotonic()
    code, text = run.finish()
    assert code == 0, text
    assert time.monotonic() - began < 60
    assert (run.folder / "output" / "mesh.glb").is_file()


def test_dmtet_works_as_well(tmp_path, tiny_capture):
    run = Run(tmp_path / "dmtet", tiny_capture, isosurface="dmtet")
    code, text = run.finish()
    assert code == 0, text
    assert json.loads((run.folder / "output" / "summary.json").read_text())["metrics"]["psnr"] > 15

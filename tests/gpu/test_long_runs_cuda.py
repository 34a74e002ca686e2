"""On a GPU, with captured iterations: memory that is not enough, values that are no numbers, several GPUs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from topforge_train.__main__ import open_session, parse
from topforge_train.training import loop
from topforge_train.training.guard import LEFT_OUT
from topforge_train.volume_pass import VolumePass

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def training(borrowed):
    return borrowed("trainer/test_training.py")


@pytest.fixture(scope="module")
def long_runs(borrowed):
    return borrowed("trainer/test_long_runs.py")


def opened(training, folder, dataset, **options):
    """A session on the GPU."""
    config = folder / "config.json"
    config.write_text(json.dumps({**training.OPTIONS, "device": "cuda", "save_interval": 0, **options}))
    names = {"config": config, "dataset": dataset, "output": folder, "checkpoints": folder, "previews": folder}
    return open_session(parse([word for key, value in names.items() for word in ("--" + key, str(value))]))


def test_a_batch_that_does_not_fit_is_computed_in_parts(training, long_runs, tmp_path, tiny_capture):
    """Captured or not: the same gradient, with little more than half of the memory."""
    options = {**training.OPTIONS, "device": "cuda", "save_interval": 0, "batch": 192, "coarse_share": 0.0}
    (tmp_path / "config.json").write_text(json.dumps(options))
    program = Path(__file__).with_name("little_memory.py")
    code, text = long_runs.call(program, tmp_path / "config.json", tiny_capture, tmp_path, folder=tmp_path)
    assert code == 0, text
    found = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
    assert found["parts"] > 1, found
    assert found["said"]
    assert found["apart"] < 0.05, found  # noise is drawn anew for each part


def broken(monkeypatch, steps):
    """Iterations of pass 1 that meet NaN, until the pass has gone back."""
    usual = VolumePass.draw

    def draw(self, step, progress):
        drawn = usual(self, step, progress)
        if step not in steps or any("back to" in sentence for sentence in self.session.setbacks):
            return drawn
        return dataclasses.replace(drawn, numbers={**drawn.numbers, "sign": torch.tensor(float("nan"))})

    monkeypatch.setattr(VolumePass, "draw", draw)


def trained(session):
    """The state after pass 1."""
    training_pass = VolumePass(session)
    loop.train(session, training_pass, None)
    return training_pass


def test_an_iteration_that_meets_nan_is_left_out(training, tmp_path, tiny_capture, monkeypatch):
    broken(monkeypatch, [12])
    session = opened(training, tmp_path, tiny_capture, iter=20)
    training_pass = trained(session)
    assert session.setbacks == ["Pass 1: iteration 12 was left out, it met values that are no numbers"]
    counts = [state["step"].item() for state in training_pass.optimiser.state_dict()["state"].values()]
    assert set(counts) == {19}
    assert all(torch.isfinite(parameter).all() for parameter in training_pass.parameters())


def test_a_spoilt_state_comes_back_while_graphs_are_replayed(training, tmp_path, tiny_capture, monkeypatch):
    broken(monkeypatch, range(130, 131 + LEFT_OUT))
    session = opened(training, tmp_path, tiny_capture, iter=150)
    training_pass = trained(session)
    assert "back to the state of iteration 100" in session.setbacks[-1]
    counts = [state["step"].item() for state in training_pass.optimiser.state_dict()["state"].values()]
    assert set(counts) == {150}


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_with_one_view_each_are_one_with_two(long_runs, tmp_path, tiny_capture):
    options = {"device": "cuda", "iter": 20}
    launcher = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1", "--nproc_per_node", "2"]
    words = long_runs.trainer_words(tmp_path / "two", tiny_capture, **options)
    code, text = long_runs.call(*launcher, *words, folder=tmp_path)
    assert code == 0, text
    code, text = long_runs.call(
        *long_runs.trainer_words(tmp_path / "one", tiny_capture, batch=2, **options), folder=tmp_path
    )
    assert code == 0, text
    one, two = (long_runs.summary(tmp_path / name / "output") for name in ("one", "two"))
    assert two["provenance"]["processes"] == 2
    assert two["metrics"]["psnr"] == pytest.approx(one["metrics"]["psnr"], abs=0.3)

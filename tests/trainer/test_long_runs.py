"""Longer runs, and several processes, with the real trainer: as people start them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

from small_training import LEARNING

from topforge import schema
from topforge.errors import FailureClass
from topforge.items import Needs
from topforge.paths import RunPaths
from topforge.planning import fingerprint, jobs, planned_items
from topforge.trainers.builtin import ADAPTER
from topforge.trainers.builtin_options import BuiltinOptions, extends
from topforge_train.training import checkpoint
from topforge_train.training.distributed import tensors_by_path

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
OPTIONS = {**LEARNING, "iter": 4, "save_interval": 0, "checkpoint_interval": 3, "coarse_share": 0.0}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PIPELINE), "OMP_NUM_THREADS": "1", "TOPFORGE_REPORT_INTERVAL": "0"}


def call(*words, folder, timeout=300):
    """Exit code and output of a command."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=ENVIRONMENT,
        cwd=str(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def trainer_words(folder, dataset, **options):
    """Arguments of a training in `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**OPTIONS, **options}))
    words = ["-m", "topforge_train", "--config", folder / "config.json", "--dataset", dataset]
    words += ["--output", folder / "output", "--checkpoints", folder / "checkpoint", "--previews", folder / "previews"]
    return words


def newest(folder):
    """The newest saved state below `folder`."""
    saved = sorted(folder.glob("*.ckpt"))[-1]
    return checkpoint.load(folder, json.loads(saved.read_bytes().split(b"\n", 1)[0])["identity"], extends)


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_capture):
    """A finished run as `topforge train` leaves it."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "config.json").write_text(json.dumps(OPTIONS))
    words = ["train", folder / "config.json", "--dataset", tiny_capture, "--out", folder / "bob"]
    code, text = call("-m", "topforge", *words, folder=folder)
    assert code == 0, text
    return RunPaths(folder / "bob")


def test_a_finished_run_keeps_one_state(trained):
    assert [path.name for path in trained.checkpoint.iterdir()] == ["pass1-0000004.ckpt"]


def test_a_finished_run_is_trained_longer(trained):
    before = {path: path.stat().st_mtime_ns for path in trained.run.rglob("*")}
    code, text = call("-m", "topforge", "extend", trained.run, "--iter", "9", folder=trained.run)
    assert code == 0, text
    (longer,) = [path for path in trained.run.parent.glob("bob-*") if path.is_dir()]
    log = (longer / "attempt-1.log").read_text()
    assert "Resuming pass 2 at iteration 4." in log
    assert "Pass 2 is extended from iteration 4 to 9." in log
    assert "pass 1 of 2" not in log
    assert newest(longer / "checkpoint").step == 9
    assert (longer / "result" / "mesh.glb").is_file()
    assert {path: path.stat().st_mtime_ns for path in trained.run.rglob("*")} == before
    code, text = call("-m", "topforge", "extend", trained.run, "--iter", "9", folder=trained.run)
    assert code == 0, text
    assert not (longer / "attempt-2.log").exists()


def test_an_interrupted_run_is_trained_longer_from_its_first_pass(tmp_path, tiny_capture):
    """Stopped in pass 1 and extended: pass 1 goes on to the new end, and pass 2 has all of it."""
    words = trainer_words(tmp_path / "run", tiny_capture, iter=40)
    child = subprocess.Popen(
        [sys.executable, *map(str, words)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in child.stdout:
        if "pass 1 of 2, iteration 2 " in line:
            child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 143
    stopped = newest(tmp_path / "run" / "checkpoint")
    assert (stopped.training_pass, stopped.progress) == (0, stopped.step / 40)
    code, text = call(*trainer_words(tmp_path / "run", tiny_capture, iter=45), folder=tmp_path)
    assert code == 0, text
    assert "Pass 1 is extended from iteration %d to 45." % stopped.step in text
    saved = newest(tmp_path / "run" / "checkpoint")
    assert (saved.training_pass, saved.step) == (1, 45)
    assert saved.plain["timeline"]["lead"] == 0.0


def test_the_budget_counts_from_the_start_of_the_process(tmp_path, tiny_capture):
    """Nothing is left for training after seconds of setting up: it says so, and delivers what there is."""
    code, text = call(*trainer_words(tmp_path / "run", tiny_capture, time_budget=0.5), folder=tmp_path)
    assert code == 0, text
    assert "Pass 1 ends after 0 of 4 iterations: its share of time_budget is used up." in text
    assert "Pass 2 ends after 0 of 4 iterations" in text
    assert (tmp_path / "run" / "output" / "mesh.glb").is_file()


def test_two_processes_with_one_view_each_are_one_with_two(tmp_path, tiny_capture):
    """The same views against the same backgrounds in each iteration: the same steps but for rounding and noise."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    code, text = call(*launcher, *trainer_words(tmp_path / "two", tiny_capture), folder=tmp_path)
    assert code == 0, text
    assert text.count("stage=done") == 1
    code, text = call(*trainer_words(tmp_path / "one", tiny_capture, batch=2), folder=tmp_path)
    assert code == 0, text
    code, text = call(*trainer_words(tmp_path / "half", tiny_capture), folder=tmp_path)
    assert code == 0, text
    one, two = (summary(tmp_path / name / "output") for name in ("one", "two"))
    assert (one["provenance"]["processes"], two["provenance"]["processes"]) == (1, 2)
    assert two["metrics"]["psnr"] == pytest.approx(one["metrics"]["psnr"], abs=0.05)
    lights = [newest(tmp_path / name / "checkpoint").state["light"] for name in ("one", "two", "half")]
    arrays = [np.concatenate([t.numpy().ravel() for _, t in tensors_by_path(light)]) for light in lights]
    agree, differ = (np.abs(arrays[0] - other).mean() for other in arrays[1:])
    assert agree < 0.05 * differ


def test_a_job_for_two_gpus_starts_torchrun(tmp_path, tiny_capture):
    config = schema.from_json(BuiltinOptions, OPTIONS, "test")
    for count, expected in ((1, False), (2, True)):
        job = jobs.Job(dataset=str(tiny_capture), needs=Needs(gpus=count))
        item = planned_items.make_item(ADAPTER, "bob", config, job, fingerprint.of_dataset(tiny_capture))
        (step,) = ADAPTER.steps(item, config, RunPaths(tmp_path))
        assert ("torch.distributed.run" in step.arguments) is expected
    assert step.arguments[step.arguments.index("--nproc_per_node") + 1] == "2"


def test_what_one_of_two_processes_says_is_what_the_item_fails_with(tmp_path, tiny_capture):
    """torchrun ends with 1 and words of its own; class, reason and fix are the trainer's."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = trainer_words(tmp_path / "run", tiny_capture, train_res=[17, 17])
    code, text = call(*launcher, *words, folder=tmp_path)
    assert code == 1
    found = ADAPTER.diagnose(code, text.splitlines()[-200:])
    assert found.failure_class is FailureClass.CONFIG
    assert "train_res" in found.reason


def test_a_stop_asks_all_processes_to_save_and_they_go_on(tmp_path, tiny_capture):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = [*launcher, *trainer_words(tmp_path / "run", tiny_capture, iter=60, checkpoint_interval=0)]
    child = subprocess.Popen(
        [sys.executable, *map(str, words)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in child.stdout:
        if "pass 1 of 2, iteration 3 " in line:
            child.send_signal(signal.SIGTERM)
    child.wait(60)
    stopped = newest(tmp_path / "run" / "checkpoint")
    assert 4 <= stopped.step <= 3 + 2 * 8
    code, text = call(*trainer_words(tmp_path / "run", tiny_capture, iter=60), folder=tmp_path)
    assert code == 0, text
    assert "Resuming pass 1 at iteration %d." % stopped.step in text

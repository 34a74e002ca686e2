"""run-item when nothing is broken, and when the item itself is: what is written, said, kept and refused."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import harness
from harness import make_item, manifest, run, start, state, wait_for

from topforge import items, results
from topforge.items import EnvironmentSpec, Item, Needs
from topforge.running import run_item
from topforge.states import Status

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
TWO_GPUS = json.dumps([{"uuid": "GPU-a", "mem": 8000}, {"uuid": "GPU-b", "mem": 11264}])


@pytest.fixture(autouse=True)
def _end_runners():
    yield
    harness.end_all()


def test_an_item_runs_to_a_complete_result(tmp_path):
    paths = make_item(tmp_path, steps=4)
    done = run(paths)
    assert done.returncode == 0, done.stderr
    assert results.is_complete(paths.run, items.read(paths.item).key, verify=True)
    found = results.read(paths.run)
    assert found.metrics == {"psnr": 27.5}
    assert found.licences == ("public domain",)
    assert found.provenance["config"]["steps"] == 4
    assert found.provenance["attempts"][0]["steps"][0]["exit_code"] == 0
    assert found.provenance["environment"]["python"]
    assert state(paths).status is Status.DONE
    assert not paths.work.exists()
    assert not paths.checkpoint.exists()
    assert not list(paths.run.glob(".tmp-*"))
    assert [line.split(",")[:4] for line in paths.metrics.read_text().splitlines()][-1] == ["4", "4", "train", "0.25"]
    assert "step 4/4 loss 0.2500" in harness.log(paths)


def test_engines_are_told_in_their_dialects_at_most_twice_a_second(tmp_path):
    paths = make_item(tmp_path, steps=60, step_seconds=0.02, save_every=1000)
    started = time.monotonic()
    lines = run(paths).stdout.splitlines()
    seconds = time.monotonic() - started
    shares = [line for line in lines if line.startswith("PROGRESS: ")]
    assert 3 <= len(shares) <= 2 * seconds + 3
    assert shares[-1] == "PROGRESS: 1000/1000"
    assert [float(line.split()[1]) for line in lines if line.startswith("openjd_progress:")] == sorted(
        float(line.split()[1]) for line in lines if line.startswith("openjd_progress:")
    )
    assert "nan" not in "".join(lines)
    assert len(paths.metrics.read_text().splitlines()) == 61


COMMAND = [sys.executable, str(PIPELINE / "topforge" / "__main__.py"), "run-item"]


def test_a_finished_item_again_does_nothing_and_is_quick(tmp_path):
    """Through the real command line, from the start of the process."""
    paths = make_item(tmp_path, needs=Needs(gpus=1))
    assert run(paths, TOPFORGE_FAKE_GPUS=TWO_GPUS).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in paths.run.rglob("*")}
    seconds = []
    for _ in range(5):
        started = time.monotonic()
        no_gpus = {**os.environ, "TOPFORGE_FAKE_GPUS": "[]"}
        again = subprocess.run([*COMMAND, str(paths.item)], env=no_gpus, stdout=subprocess.PIPE, text=True)
        assert (again.returncode, again.stdout) == (0, "openjd_status: done before\n")
        seconds.append(time.monotonic() - started)
    assert {path: path.stat().st_mtime_ns for path in paths.run.rglob("*")} == before
    assert min(seconds) < 0.3


def test_a_finished_item_imports_nothing_that_does_work(tmp_path):
    paths = make_item(tmp_path)
    run(paths)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from topforge import cli\n"
        "assert cli.main(['run-item', sys.argv[2]]) == 0\n"
        "print(*sys.modules)"
    )
    arguments = [sys.executable, "-S", "-c", code, str(PIPELINE), str(paths.run)]
    loaded = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert "topforge.running.finished" in loaded
    assert not {
        "subprocess",
        "ctypes",
        "numpy",
        "torch",
        "topforge.running.run_item",
        "topforge.environments.environment",
    } & set(loaded)


def test_the_command_line_tells_failures_in_two_lines(tmp_path):
    refused = subprocess.run([*COMMAND, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    assert refused.returncode == 78
    assert refused.stderr.startswith("topforge: %s is no run folder: " % tmp_path)
    assert len(refused.stderr.splitlines()) == 2


def test_verify_finds_altered_outputs_and_runs_again(tmp_path):
    paths = make_item(tmp_path)
    run(paths)
    mesh = paths.result / "mesh" / "mesh.obj"
    good = mesh.read_text()
    mesh.write_text(good.replace("v", "w"))
    assert run(paths).returncode == 0
    assert mesh.read_text() != good
    assert run(paths, "--verify").returncode == 0
    assert mesh.read_text() == good


def test_missing_outputs_are_made_again(tmp_path):
    paths = make_item(tmp_path)
    run(paths)
    (paths.result / "data.json").unlink()
    assert run(paths).returncode == 0
    assert results.is_complete(paths.run)
    assert paths.attempt_log(2).exists()


def test_a_result_of_other_work_is_never_overwritten_without_force(tmp_path):
    paths = make_item(tmp_path)
    run(paths)
    before = paths.manifest.read_bytes()
    harness.rewrite_config(paths, seed=5)
    refused = run(paths)
    assert refused.returncode == 78
    assert str(paths.manifest) in refused.stderr
    assert paths.manifest.read_bytes() == before
    assert run(paths, "--force").returncode == 0
    assert results.read(paths.run).provenance["config"]["seed"] == 5


def test_a_state_that_lags_behind_the_result_is_put_right(tmp_path):
    """The runner was killed between writing result.json and the last state.json."""
    paths = make_item(tmp_path)
    run(paths)
    paths.state.write_text(json.dumps({"status": "running", "progress": 0.9}))
    assert run(paths).returncode == 0
    assert state(paths).status is Status.DONE
    assert not paths.attempt_log(2).exists()


def test_a_result_folder_without_manifest_is_replaced(tmp_path):
    """The runner was killed between the rename and result.json."""
    paths = make_item(tmp_path)
    run(paths)
    paths.manifest.unlink()
    (paths.result / "stray.obj").write_text("old")
    assert run(paths).returncode == 0
    assert not (paths.result / "stray.obj").exists()
    assert results.is_complete(paths.run)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": "many"}, ["steps", "many"]),
        ({"stepz": 3}, ["stepz"]),
    ],
)
def test_a_wrong_config_is_refused_before_anything_starts(tmp_path, change, words):
    paths = make_item(tmp_path, **change)
    refused = run(paths)
    assert refused.returncode == 78
    assert all(word in refused.stderr for word in words)
    found = state(paths)
    assert (found.status, found.failure_class) == (Status.FAILED, "config")
    assert found.fix
    assert not paths.latest_log.exists()


def test_an_item_that_cannot_be_read_is_refused(tmp_path):
    paths = make_item(tmp_path)
    paths.item.write_text('{"format": 1, "name"')
    refused = run(paths)
    assert refused.returncode == 78
    assert "item.json" in refused.stderr


def test_dependencies_must_be_complete(tmp_path):
    first = make_item(tmp_path, "first")
    second = make_item(tmp_path, "second", depends=[str(first.run)])
    refused = run(second)
    assert refused.returncode == 78
    assert str(first.run) in refused.stderr
    run(first)
    assert run(second).returncode == 0


def test_an_item_about_others_needs_one_result_and_is_made_anew_when_one_of_them_changed(tmp_path):
    good, bad = make_item(tmp_path, "good"), make_item(tmp_path, "bad", crash_at=2)
    both = make_item(tmp_path, "both", after=[str(good.run), str(bad.run)])
    refused = run(both)
    assert refused.returncode == 78
    assert "None of the 2 items" in refused.stderr
    assert (run(good).returncode, run(bad).returncode) == (0, 65)
    assert run(both).returncode == 0
    assert run(both).returncode == 0
    assert not both.attempt_log(2).exists()
    harness.rewrite_config(bad, crash_at=0)
    assert run(bad).returncode == 0
    assert run(both).returncode == 0
    assert both.attempt_log(2).exists()


def test_exit_0_is_not_success(tmp_path):
    paths = make_item(tmp_path, omit_mesh=True)
    failed = run(paths)
    assert failed.returncode == 65
    assert "mesh.obj" in state(paths).reason
    assert not paths.manifest.exists()
    assert not paths.result.exists()
    paths = make_item(tmp_path, "nan", metric="nan")
    assert run(paths).returncode == 65
    assert "psnr" in state(paths).reason


def test_a_crash_is_told_with_its_last_error_and_not_tried_again(tmp_path):
    paths = make_item(tmp_path, crash_at=2)
    failed = run(paths)
    assert failed.returncode == 65
    found = state(paths)
    assert found.failure_class == "trainer"
    assert "Traceback" in found.reason
    assert "RuntimeError: loss is not finite" in found.reason
    assert not paths.attempt_log(2).exists()
    assert "openjd_fail: " in failed.stdout


def test_out_of_memory_is_tried_again_with_lower_settings_and_says_so(tmp_path):
    paths = make_item(tmp_path, size=64, out_of_memory_above=32)
    assert run(paths).returncode == 0
    sentence = "size lowered from 64 to 32"
    assert sentence in state(paths).message
    assert sentence in harness.log(paths, 2)
    provenance = manifest(paths)["provenance"]
    assert provenance["lowered"] == [sentence]
    assert provenance["config"]["size"] == 32
    assert provenance["item"]["config"].get("size") == 64
    assert [attempt["outcome"].split(":")[0] for attempt in provenance["attempts"]] == ["oom", "done"]


def test_settings_are_lowered_further_where_once_is_not_enough(tmp_path):
    paths = make_item(tmp_path, size=64, out_of_memory_above=16)
    assert run(paths).returncode == 0
    sentences = ["size lowered from 64 to 32", "size lowered from 32 to 16"]
    assert manifest(paths)["provenance"]["lowered"] == sentences


def test_views_that_came_out_badly_are_remarked_and_the_item_is_done(tmp_path):
    paths = make_item(tmp_path, dataset=str(tmp_path), steps=200, save_every=1000, metric="11.25")
    assert run(paths).returncode == 0
    assert state(paths).status is Status.DONE
    (remark,) = manifest(paths)["provenance"]["remarks"]
    assert remark.startswith("PSNR 11.2 dB, under 20")
    assert "topforge check %s" % tmp_path in remark
    assert state(paths).message == "done; " + remark
    assert remark in re.sub(r"<[^>]+>", "", paths.report.read_text())


@pytest.mark.parametrize(
    ("metric", "steps", "dataset"), [("20", 200, "."), ("11", 199, "."), ("11", 200, "bob.obj"), ("11", 200, None)]
)
def test_good_views_tries_and_pictures_of_a_mesh_are_not_remarked(tmp_path, metric, steps, dataset):
    dataset = None if dataset is None else str(tmp_path / dataset)
    paths = make_item(tmp_path, dataset=dataset, steps=steps, save_every=1000, metric=metric)
    assert run(paths).returncode == 0
    assert manifest(paths)["provenance"]["remarks"] == []
    assert state(paths).message == "done"


def test_out_of_memory_with_nothing_left_to_lower_is_final(tmp_path):
    paths = make_item(tmp_path, size=64, out_of_memory_above=8)
    assert run(paths).returncode == 71
    assert state(paths).failure_class == "oom"
    assert not paths.attempt_log(4).exists()


def test_lower_settings_are_tried_three_times_at_most(tmp_path):
    paths = make_item(tmp_path, size=1024, out_of_memory_above=8)
    assert run(paths).returncode == 71
    assert paths.attempt_log(4).exists()
    assert not paths.attempt_log(5).exists()


def test_a_python_that_is_missing_is_a_config_error(tmp_path):
    paths = make_item(tmp_path)
    item = items.read(paths.item)
    environment = EnvironmentSpec(prefix=str(tmp_path / "no-such-environment"))
    items.write(paths.item, Item(item.name, "fake", item.config, item.key, environment=environment))
    assert run(paths).returncode == 78
    assert "no-such-environment" in state(paths).reason


def test_the_child_gets_the_resolved_environment_and_its_devices(tmp_path):
    paths = make_item(tmp_path, needs=Needs(gpus=1, gpu_memory_mib=9000))
    assert run(paths, TOPFORGE_FAKE_GPUS=TWO_GPUS, WORLD_SIZE="8").returncode == 0
    assert "begin GPU-b" in (harness.notes(paths) / "uses.txt").read_text()
    assert manifest(paths)["provenance"]["devices"] == [{"uuid": "GPU-b", "name": "fake GPU", "memory_mib": 11264}]


def test_an_item_without_gpus_does_not_see_any(tmp_path):
    paths = make_item(tmp_path)
    assert run(paths, TOPFORGE_FAKE_GPUS=TWO_GPUS).returncode == 0
    begin = (harness.notes(paths) / "uses.txt").read_text().splitlines()[0]
    assert re.search(r" begin  \d+$", begin)  # CUDA_VISIBLE_DEVICES is set, and empty


def test_not_waiting_is_told_by_exit_75(tmp_path):
    paths = make_item(tmp_path, steps=1000, step_seconds=0.01)
    first = start(paths)
    harness.says(paths, "step 2/")
    second = run(paths, "--no-wait")
    assert second.returncode == 75
    assert "another runner" in second.stderr
    assert state(paths).status is Status.RUNNING
    harness.terminate(first)
    assert harness.finish(first).returncode == 143


def test_waiting_for_a_gpu_names_the_reason_and_ends_with_the_lease(tmp_path):
    gpu = json.dumps([{"uuid": "GPU-a", "mem": 8000}])
    first = make_item(tmp_path, "first", Needs(gpus=1), steps=1000, step_seconds=0.01)
    second = make_item(tmp_path, "second", Needs(gpus=1))
    holder = start(first, TOPFORGE_FAKE_GPUS=gpu)
    harness.says(first, "step 1/")
    assert run(second, "--no-wait", TOPFORGE_FAKE_GPUS=gpu).returncode == 75
    assert state(second).status is Status.QUEUED
    waiter = start(second, TOPFORGE_FAKE_GPUS=gpu)
    wait_for(lambda: state(second).status is Status.WAITING, "the second item waits")
    assert "waiting for 1 GPU of 1 suitable: GPU 0 is leased by process %d" % holder.pid in state(second).message
    harness.terminate(holder)
    assert harness.finish(holder).returncode == 143
    assert harness.finish(waiter).returncode == 0


def test_the_log_of_each_attempt_stays_and_latest_points_to_the_newest(tmp_path):
    paths = make_item(tmp_path, crash_at=2)
    run(paths)
    run(paths)
    assert "crash" not in paths.attempt_log(1).name
    assert "loss is not finite" in paths.attempt_log(1).read_text()
    assert paths.latest_log.resolve() == paths.attempt_log(2).resolve()


def test_a_runner_in_the_process_itself_leaves_signals_alone(tmp_path):
    sys.path.insert(0, str(harness.RUNNER.parent))
    run_item.registry.MODULES["fake"] = "fake_adapter"
    paths, output = make_item(tmp_path), io.StringIO()
    before = signal.getsignal(signal.SIGINT)
    assert run_item.run(paths.run, output=output) == 0
    assert signal.getsignal(signal.SIGINT) is before
    assert "PROGRESS: 1000/1000" in output.getvalue()

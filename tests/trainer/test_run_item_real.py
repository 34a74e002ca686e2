"""`topforge run-item` with the real trainer when things break.

tests/unit/test_faults.py proves the runner with a fake trainer in dozens of ways; here the whole chain is real, so runs
are shared: one item is interrupted again and again by the fixtures below (each goes on where the one before left it,
as an unlucky night on a farm would), and the tests look at what each stage left behind.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import harness
from harness import finish, is_alive, log, manifest, says, state, wait_for
from small_training import LEARNING

from topforge import items, platform_posix, results, schema
from topforge.items import Needs
from topforge.paths import RunPaths
from topforge.planning import fingerprint, jobs, planned_items
from topforge.running import attempts
from topforge.states import Status
from topforge.trainers.builtin import ADAPTER
from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.export.images import write_radiance
from topforge_train.training import checkpoint

REPOSITORY = Path(__file__).resolve().parents[2]
ONE_GPU = json.dumps([{"uuid": "GPU-a", "mem": 8000}])
OPTIONS = {**LEARNING, "iter": 100, "save_interval": 0, "checkpoint_interval": 4}


def make_item(folder: Path, dataset: Path, **options) -> RunPaths:
    """A run folder with an item of the built-in trainer, made as a job makes it."""
    config = schema.from_json(BuiltinOptions, {**OPTIONS, **options}, "test")
    job = jobs.Job(dataset=str(dataset), needs=Needs(gpus=1, grace_seconds=60))
    folder.mkdir(parents=True, exist_ok=True)
    paths = RunPaths(folder)
    items.write(paths.item, planned_items.make_item(ADAPTER, folder.name, config, job, fingerprint.of_dataset(dataset)))
    return paths


def start(paths: RunPaths, *flags: str, largest_file: int = 0) -> subprocess.Popen:
    """Starts `topforge run-item` as any engine would, on a machine with one (pretended) GPU.

    `largest_file` is what a file may grow to, in bytes; 0 = no limit.
    """
    variables = {"TOPFORGE_FAKE_GPUS": ONE_GPU, "TOPFORGE_LEASE_FOLDER": str(paths.run.parent / "leases")}
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file,) * 2)) if largest_file else None
    runner = subprocess.Popen(
        [sys.executable, "-m", "topforge", "run-item", str(paths.run), *flags],
        env={**os.environ, **variables, "PYTHONPATH": str(REPOSITORY / "pipeline"), "TOPFORGE_REPORT_INTERVAL": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        preexec_fn=limit,
    )
    harness._started.append(runner)
    return runner


def run(paths: RunPaths, *flags: str, **limits: int) -> subprocess.CompletedProcess:
    return finish(start(paths, *flags, **limits))


def trainer_of(paths: RunPaths) -> int:
    """The process id of the trainer that works on an item."""

    def found():
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"topforge_train" in words and str(paths.checkpoint).encode() in words:
                    return int(entry.name)
        return None

    return wait_for(found, "the trainer of %s" % paths.run)


def saved(paths: RunPaths):
    """(pass, step) of the whole checkpoints, oldest first; fails when one is damaged."""
    found = []
    for file in sorted(paths.checkpoint.glob("*.ckpt")):
        header, _ = checkpoint._read(file)
        found.append((header["pass"], header["step"]))
    return found


def resumed(paths: RunPaths, attempt: int):
    """(pass, step) an attempt went on from, from its log; None when it began anew."""
    for line in log(paths, attempt).splitlines():
        if line.startswith("Resuming pass"):
            words = line.rstrip(".").split()
            return int(words[2]) - 1, int(words[5])
    return None


def lease_is_free(folder: Path) -> bool:
    descriptor = platform_posix.try_lock(folder / "leases" / "GPU-a.lock")
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


def wait_for_saves(paths: RunPaths, count: int = 2) -> None:
    wait_for(lambda: len(list(paths.checkpoint.glob("*.ckpt"))) >= count, "%d checkpoints" % count, 120)


@dataclasses.dataclass
class Stage:
    """An item as a stage of its life left it."""

    paths: RunPaths
    ended: object = None
    saved: list = dataclasses.field(default_factory=list)
    notes: dict = dataclasses.field(default_factory=dict)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    yield tmp_path_factory.mktemp("real")
    harness.end_all()


@pytest.fixture(scope="module", autouse=True)
def _patience():
    """A trainer on a busy machine takes longer to start than a fake one."""
    before, harness.TIMEOUT = harness.TIMEOUT, 180.0
    yield
    harness.TIMEOUT = before


@pytest.fixture(scope="module")
def orphaned(folder, tiny_capture):
    """The runner was killed with -9 while the trainer worked."""
    paths = make_item(folder / "item", tiny_capture)
    runner = start(paths)
    wait_for_saves(paths)
    trainer = trainer_of(paths)
    notes = {"lease while it works": lease_is_free(folder)}
    runner.kill()
    runner.communicate()
    wait_for(lambda: not is_alive(trainer), "the trainer to be gone", 10)
    wait_for(lambda: lease_is_free(folder), "the lease to be free", 10)  # when the guard has looked for others
    notes.update(trainer=trainer, status=state(paths).status)
    stage = Stage(paths, saved=saved(paths), notes=notes)
    shutil.copytree(paths.run, folder / "orphaned")  # for stages beside the main line
    return stage


@pytest.fixture(scope="module")
def stopped(orphaned):
    """Run again: the trainer was killed with -9, tried again, and asked to stop in a burst around a save."""
    paths = orphaned.paths
    runner = start(paths)
    says(paths, "Resuming pass", 2)
    wait_for(lambda: saved_since(paths, orphaned.saved), "a save of the second attempt")
    trainer, kept = trainer_of(paths), saved(paths)
    os.kill(trainer, signal.SIGKILL)
    says(paths, "Resuming pass", 3)
    before = set(paths.checkpoint.glob("*.ckpt"))
    wait_for(lambda: set(paths.checkpoint.iterdir()) - before, "the next save, perhaps not finished yet")
    for number in (signal.SIGTERM, signal.SIGCONT, signal.SIGTERM, signal.SIGTERM):
        runner.send_signal(number)
        time.sleep(0.01)
    ended = finish(runner)
    files = [path.name for path in paths.checkpoint.iterdir()]
    notes = {"kept by the killed trainer": kept, "files": files, "state": state(paths)}
    return Stage(paths, ended, saved(paths), notes)


def saved_since(paths: RunPaths, before: list) -> bool:
    try:
        return bool(set(saved(paths)) - set(before))
    except FileNotFoundError:  # removed while we looked: newer ones are there
        return False


@pytest.fixture(scope="module")
def done(stopped, folder):
    """Run to the end by two runners, the newest checkpoint being truncated before."""
    paths = stopped.paths
    newest = sorted(paths.checkpoint.glob("*.ckpt"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    first = start(paths)
    says(paths, "Resuming pass", 4)
    second = start(paths)
    notes = {"truncated": newest.name, "second": second.stdout.readline()}
    ended = finish(first)
    notes["second code"] = finish(second).returncode
    return Stage(paths, ended, notes=notes)


def test_a_killed_runner_leaves_no_process_and_no_lease(orphaned):
    assert orphaned.notes["lease while it works"] is False
    assert not is_alive(orphaned.notes["trainer"])
    assert orphaned.notes["status"] is Status.RUNNING  # nobody was left to say otherwise


def test_the_next_run_goes_on_from_the_last_checkpoint(orphaned, stopped):
    assert resumed(orphaned.paths, 2) == orphaned.saved[-1]


def test_a_killed_trainer_is_tried_again_within_the_same_run(stopped):
    assert "signal 9" in log(stopped.paths, 2)
    resumed_at = resumed(stopped.paths, 3)
    assert resumed_at is not None
    assert resumed_at >= stopped.notes["kept by the killed trainer"][-1]


def test_a_burst_of_signals_around_a_save_ends_in_a_whole_checkpoint(stopped):
    assert stopped.ended.returncode == 143, stopped.ended.stderr
    found = stopped.notes["state"]
    assert (found.status, found.failure_class) == (Status.CANCELLED, None)
    assert "it stopped when asked" in found.message
    assert len(stopped.saved) == 2
    assert stopped.saved[-1] > resumed(stopped.paths, 3)
    assert not [name for name in stopped.notes["files"] if not name.endswith(".ckpt")]


def test_a_truncated_checkpoint_gives_the_one_before_and_is_named(stopped, done):
    assert "%s is damaged" % done.notes["truncated"] in log(done.paths, 4)
    assert resumed(done.paths, 4) == stopped.saved[0]


def test_a_second_runner_waits_and_finds_the_result(done):
    assert "another runner" in done.notes["second"]
    assert done.notes["second code"] == 0
    assert not done.paths.attempt_log(5).exists()


def test_after_all_that_the_result_is_published_whole(done):
    paths = done.paths
    assert done.ended.returncode == 0, done.ended.stderr
    assert state(paths).status is Status.DONE
    listed = {output["path"]: output for output in manifest(paths)["outputs"]}
    present = {path.relative_to(paths.result).as_posix(): path for path in paths.result.rglob("*") if path.is_file()}
    assert listed.keys() == present.keys()
    for name, path in present.items():
        content, output = path.read_bytes(), listed[name]
        assert (output["size"], output["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), name
    assert results.is_complete(paths.run, verify=True)
    assert manifest(paths)["metrics"]["psnr"] > 15
    assert paths.report.is_file()
    left = [path.name for path in paths.run.iterdir() if path.name.startswith((".tmp-", "checkpoint", "work"))]
    assert left == ["checkpoint"]  # the last state, for `topforge extend`
    assert len(list(paths.checkpoint.iterdir())) == 1
    assert lease_is_free(paths.run.parent)


def test_a_finished_item_begins_no_attempt(done):
    """How quickly is measured by `scripts/benchmark_core.py`."""
    before = sorted(done.paths.run.glob("attempt-*.log"))
    assert run(done.paths).returncode == 0
    assert sorted(done.paths.run.glob("attempt-*.log")) == before


def beside(orphaned, folder, name: str, **options) -> RunPaths:
    """A copy of the interrupted item, perhaps with another configuration written into it."""
    paths = RunPaths(folder / name)
    shutil.copytree(folder / "orphaned", paths.run)
    if options:
        make_item(paths.run, Path(items.read(paths.item).dataset), **options)
    return paths


def test_a_checkpoint_of_another_configuration_is_kept_aside(orphaned, folder):
    """Documented in docs/run-item.md: never handed to the trainer, named in the log, back when that work comes back."""
    key = items.read(orphaned.paths.item).key
    paths = beside(orphaned, folder, "other", iter=2)
    aside = paths.foreign_checkpoint(key)
    runner = start(paths)
    says(paths, "pass 1 of 2", 2)
    assert "belong to other work; refused, and kept aside in %s" % aside.name in log(paths, 2)
    kept = sorted(path.name for path in aside.iterdir())
    assert kept == sorted(path.name for path in (folder / "orphaned" / "checkpoint").iterdir())
    assert finish(runner).returncode == 0
    assert resumed(paths, 2) is None
    before = manifest(paths)
    forced = run(paths, "--force")  # a result under --force: made anew, and nothing of the old one left
    assert forced.returncode == 0, forced.stderr
    after = manifest(paths)
    assert resumed(paths, 3) is None
    assert after["finished"] > before["finished"]
    assert after["key"] == before["key"]
    assert results.is_complete(paths.run, verify=True)
    same = {output["path"]: output["sha256"] for output in before["outputs"] if output["path"].startswith("mesh/")}
    assert same == {o["path"]: o["sha256"] for o in after["outputs"] if o["path"].startswith("mesh/")}  # one seed


def check_disk_full(paths: RunPaths, ended, before: list) -> None:
    assert ended.returncode == 74, ended.stderr
    found = state(paths)
    assert (found.status, found.failure_class) == (Status.FAILED, "infra")
    assert str(paths.run) in found.reason
    assert "bytes" in found.reason
    assert saved(paths)[-1] >= before[-1]
    assert not list(paths.run.rglob(".tmp-*"))
    assert not paths.attempt_log(3).exists()
    assert not paths.manifest.exists()


def test_a_checkpoint_that_finds_no_room(orphaned, folder):
    """As without root: RLIMIT_FSIZE refuses large files."""
    paths = beside(orphaned, folder, "limited")
    size = max(path.stat().st_size for path in paths.checkpoint.iterdir())
    check_disk_full(paths, run(paths, largest_file=size // 2), orphaned.saved)
    assert re.search(r"pass0-\d+\.ckpt of \d+ bytes could not be written: .*File too large", state(paths).reason)


@pytest.mark.slow  # the same failure as above, from the disk itself
def test_a_disk_that_fills_up_during_a_save(orphaned, folder):
    disk = folder / "disk"
    disk.mkdir()
    size = attempts.LEAST_FREE_BYTES + (8 << 20)
    mount = ["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        paths = beside(orphaned, folder, "disk/item")
        runner = start(paths)
        says(paths, "Resuming pass", 2)
        free = shutil.disk_usage(str(disk)).free
        with (disk / "somebody else's").open("wb") as stream:
            stream.write(b"x" * (free - (128 << 10)))
        check_disk_full(paths, finish(runner), orphaned.saved)
        assert re.search(r"\.ckpt of \d+ bytes could not be written: .*No space left", state(paths).reason)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_training_that_diverges_says_so(folder, tiny_capture):
    """Under a fixed light so bright that the squared error is infinite, on every machine."""
    light = folder / "blinding.hdr"
    write_radiance(light, np.full((16, 32, 3), 1e30, np.float32))
    paths = make_item(folder / "diverged", tiny_capture, loss="mse", learn_light=False, envmap=str(light))
    ended = run(paths)
    found = state(paths)
    assert ended.returncode == 65, log(paths)
    assert (found.status, found.failure_class) == (Status.FAILED, "trainer")
    assert re.search(r"diverged in pass 1 at iteration 0 \(image=inf", found.reason)
    assert "learning_rate" in found.fix
    assert not paths.attempt_log(2).exists()  # the same seed would end the same way


def drop_alpha(capture: Path) -> str:
    import imageio.v3 as imageio

    file = capture / "train" / "r_03.png"
    imageio.imwrite(file, imageio.imread(file)[..., :3])
    return "has no alpha channel and no mask"


def drop_image(capture: Path) -> str:
    (capture / "train" / "r_03.png").unlink()
    return "r_03"


@pytest.mark.parametrize("spoil", [drop_alpha, drop_image])
def test_a_bad_capture_ends_before_any_training(folder, tiny_capture, spoil):
    capture = folder / spoil.__name__ / "capture"
    shutil.copytree(tiny_capture, capture)
    words = spoil(capture)
    paths = make_item(folder / spoil.__name__ / "item", capture)
    ended = run(paths)
    assert ended.returncode == 78, ended.stderr
    found = state(paths)
    assert (found.status, found.failure_class) == (Status.FAILED, "config")
    assert words in found.reason
    assert "r_03" in found.reason
    assert found.fix
    assert "iter=" not in log(paths)
    assert not paths.attempt_log(2).exists()

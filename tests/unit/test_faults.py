"""run-item when things break: killed runners and trainers, full and read-only disks, deaf children, daemons, races.

Real processes throughout. What must hold afterwards: no process is left, no lease is held, the state says what
happened, and running the item again continues from the last good checkpoint.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import harness
from harness import finish, is_alive, log, make_item, recorded_process, run, says, start, state, wait_for

from topforge import items, platform_posix, results
from topforge.items import Needs
from topforge.paths import RunPaths
from topforge.running import attempts
from topforge.states import Status

ONE_GPU = json.dumps([{"uuid": "GPU-a", "mem": 8000}])
TWO_GPUS = json.dumps([{"uuid": "GPU-a", "mem": 8000}, {"uuid": "GPU-b", "mem": 8000}])
BRIEF_GRACE = Needs(gpus=1, grace_seconds=0.5)


@pytest.fixture(autouse=True)
def _end_runners():
    yield
    harness.end_all()


def last_saved(paths: RunPaths) -> int:
    """The step of the newest checkpoint."""
    return max((int(path.stem.split("-")[1]) for path in paths.checkpoint.glob("step-*.json")), default=0)


def resumed_at(paths: RunPaths, attempt: int = 0) -> int:
    """The step at which an attempt resumed, from its log; 0 if it started anew."""
    lines = [line for line in log(paths, attempt).splitlines() if line.startswith("resumed at step")]
    return int(lines[0].split()[3]) if lines else 0


def lease_is_free(paths: RunPaths) -> bool:
    """Whether the only GPU can be leased, by asking another item to run on it."""
    probe = make_item(paths.run.parent, "probe", Needs(gpus=1))
    return run(probe, "--no-wait", "--force", TOPFORGE_FAKE_GPUS=ONE_GPU).returncode == 0


def test_runner_killed(tmp_path):
    """No orphan, not even a worker and a daemon; the lease is free; the next run resumes and its log shows it."""
    paths = make_item(tmp_path, needs=BRIEF_GRACE, steps=40, step_seconds=0.03, worker=True, daemon=True)
    runner = start(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    says(paths, "saved step 3")
    left = [recorded_process(paths, name) for name in ("trainer", "worker", "daemon")]
    runner.kill()
    runner.wait()
    for pid in left:
        wait_for(lambda pid=pid: not is_alive(pid), "process %d to be gone" % pid, 5)
    assert state(paths).status is Status.RUNNING  # nobody was left to say otherwise
    assert lease_is_free(paths)
    saved = last_saved(paths)
    harness.rewrite_config(paths)  # same content, same key
    again = run(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    assert again.returncode == 0, again.stderr
    assert resumed_at(paths, 2) == saved >= 3
    assert json.loads((paths.result / "data.json").read_text())["first"] == saved


def test_the_trainer_itself_holds_the_lease(tmp_path):
    """Not only its runner: whatever becomes of that, the device is taken while the trainer lives."""
    paths = make_item(tmp_path, needs=BRIEF_GRACE, steps=1000, step_seconds=0.02)
    runner = start(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    says(paths, "step 1/")
    assert recorded_process(paths, "trainer") in platform_posix.holders(tmp_path / "leases" / "GPU-a.lock")
    harness.terminate(runner)
    finish(runner)


def test_whole_group_of_the_runner_killed(tmp_path):
    """As schedulers do it; the guard is in a session of its own and survives to clean up."""
    paths = make_item(tmp_path, needs=BRIEF_GRACE, steps=1000, step_seconds=0.02, worker=True, daemon=True)
    environment = {"TOPFORGE_FAKE_GPUS": ONE_GPU, "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases")}
    runner = subprocess.Popen(
        [sys.executable, str(harness.RUNNER), str(paths.run)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    says(paths, "saved step 1")
    left = [recorded_process(paths, name) for name in ("trainer", "worker", "daemon")]
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    for pid in left:
        wait_for(lambda pid=pid: not is_alive(pid), "process %d to be gone" % pid, 5)
    assert lease_is_free(paths)


def test_trainer_killed_is_tried_again_and_resumes(tmp_path):
    paths = make_item(tmp_path, steps=8, kill_at=5)
    done = run(paths)
    assert done.returncode == 0, done.stderr
    assert "SIGKILL" in log(paths, 1) or "signal 9" in log(paths, 1)
    assert resumed_at(paths, 2) == 4
    outcomes = [attempt["outcome"].split(":")[0] for attempt in harness.manifest(paths)["provenance"]["attempts"]]
    assert outcomes == ["infra", "done"]


def test_trainer_killed_every_time_gives_up_and_says_why(tmp_path):
    paths = make_item(tmp_path, steps=1000, step_seconds=0.01, save_every=10000)
    runner = start(paths)
    for attempt in (1, 2, 3):
        says(paths, "step 1/", attempt)
        os.kill(recorded_process(paths, "trainer"), signal.SIGKILL)
        wait_for(lambda attempt=attempt: "attempt %d ended" % attempt in log(paths, attempt), "attempt %d" % attempt)
    assert finish(runner).returncode == 74
    found = state(paths)
    assert (found.status, found.failure_class, found.attempt) == (Status.FAILED, "infra", 3)
    assert "signal 9" in found.reason
    assert "resumes" in found.fix


def test_terminated_during_a_save(tmp_path):
    """The save is finished, not torn; nothing is left; the next run resumes from it."""
    paths = make_item(tmp_path, needs=Needs(gpus=1, grace_seconds=20), steps=30, step_seconds=0.02, save_seconds=0.4)
    runner = start(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    says(paths, "saved step 1")
    wait_for(lambda: list(paths.checkpoint.glob(".tmp-*")), "a save in progress")
    for number in (signal.SIGTERM, signal.SIGCONT, signal.SIGTERM):
        runner.send_signal(number)
    ended = finish(runner)
    assert ended.returncode == 143
    assert state(paths).status is Status.CANCELLED
    assert not is_alive(recorded_process(paths, "trainer"))
    assert lease_is_free(paths)
    saved = last_saved(paths)
    assert saved >= 2
    harness.rewrite_config(paths)
    second = start(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    says(paths, "resumed at step %d" % saved, 2)
    harness.terminate(second)
    finish(second)


def test_interrupted_at_the_keyboard_is_cancelled(tmp_path):
    paths = make_item(tmp_path, steps=1000, step_seconds=0.02)
    runner = start(paths)
    says(paths, "step 2/")
    runner.send_signal(signal.SIGINT)
    assert finish(runner).returncode == 143
    found = state(paths)
    assert (found.status, found.failure_class) == (Status.CANCELLED, None)
    assert last_saved(paths) >= 2


def test_preemption_is_a_failure_of_its_own_class(tmp_path):
    paths = make_item(tmp_path, steps=1000, step_seconds=0.02, save_every=10000)
    runner = start(paths)
    says(paths, "step 2/")
    runner.send_signal(signal.SIGUSR1)
    assert finish(runner).returncode == 143
    found = state(paths)
    assert (found.status, found.failure_class) == (Status.FAILED, "preempted")
    assert last_saved(paths) >= 2


def test_a_child_that_ignores_the_request_is_killed(tmp_path):
    paths = make_item(tmp_path, needs=BRIEF_GRACE, steps=10000, step_seconds=0.02, ignore_terminate=True, worker=True)
    runner = start(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    says(paths, "saved step 2")
    trainer, worker = recorded_process(paths, "trainer"), recorded_process(paths, "worker")
    asked = time.monotonic()
    harness.terminate(runner)
    assert finish(runner).returncode == 143
    assert 0.5 <= time.monotonic() - asked < 5
    assert not is_alive(trainer)
    assert not is_alive(worker)
    found = state(paths)
    assert found.status is Status.CANCELLED
    assert "was killed" in found.message
    assert last_saved(paths) >= 2
    assert lease_is_free(paths)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_ctrl_c_after_a_request_kills_at_once(tmp_path, first):
    paths = make_item(tmp_path, needs=Needs(grace_seconds=60), steps=10000, step_seconds=0.02, ignore_terminate=True)
    runner = start(paths)
    says(paths, "saved step 2")
    trainer = recorded_process(paths, "trainer")
    runner.send_signal(first)
    time.sleep(0.5)
    assert is_alive(trainer)
    asked = time.monotonic()
    runner.send_signal(signal.SIGINT)
    assert finish(runner).returncode == 143
    assert time.monotonic() - asked < 5
    assert not is_alive(trainer)
    assert state(paths).status is (Status.FAILED if first == signal.SIGUSR1 else Status.CANCELLED)
    assert "was killed" in state(paths).message


def test_a_repeated_request_of_an_engine_is_no_impatience(tmp_path):
    paths = make_item(tmp_path, needs=BRIEF_GRACE, steps=10000, step_seconds=0.02, ignore_terminate=True)
    runner = start(paths, TOPFORGE_FAKE_GPUS=ONE_GPU)
    says(paths, "saved step 2")
    asked = time.monotonic()
    for _ in range(3):
        harness.terminate(runner)
        time.sleep(0.05)
    assert finish(runner).returncode == 143
    assert time.monotonic() - asked >= 0.5


def test_a_hung_trainer_is_stopped_and_tried_again(tmp_path):
    paths = make_item(tmp_path, needs=Needs(silence_limit_seconds=0.5, grace_seconds=0.3), steps=6, hang_at=4)
    done = run(paths)
    assert done.returncode == 0, done.stderr
    assert "needs.silence_limit_seconds" in log(paths, 1)
    assert resumed_at(paths, 2) == 3


def test_the_total_limit_has_its_own_message_and_is_final(tmp_path):
    paths = make_item(tmp_path, needs=Needs(time_limit_seconds=0.5, grace_seconds=5), steps=1000, step_seconds=0.02)
    assert run(paths).returncode == 78
    found = state(paths)
    assert "needs.time_limit_seconds" in found.reason
    assert not paths.attempt_log(2).exists()
    assert last_saved(paths) >= 2


def test_two_runners_one_item(tmp_path):
    """One works, the other waits without touching the state, then finds the result."""
    paths = make_item(tmp_path, steps=20, step_seconds=0.03)
    first = start(paths)
    says(paths, "step 2/")
    second = start(paths)
    assert "another runner" in second.stdout.readline()
    assert state(paths).process == first.pid
    assert finish(first).returncode == 0
    assert finish(second).returncode == 0
    assert not paths.attempt_log(2).exists()
    assert (harness.notes(paths) / "uses.txt").read_text().count("begin") == 1


def test_two_runners_and_the_first_dies(tmp_path):
    paths = make_item(tmp_path, steps=20, step_seconds=0.03)
    first = start(paths)
    says(paths, "saved step 2")
    second = start(paths)
    assert "another runner" in second.stdout.readline()
    first.kill()
    first.wait()
    assert finish(second).returncode == 0
    assert resumed_at(paths, 2) >= 2
    uses = [line.split() for line in (harness.notes(paths) / "uses.txt").read_text().splitlines()]
    assert [use[1] for use in uses] == ["begin", "begin", "end"]


def test_a_runner_that_waits_can_be_cancelled_and_leaves_the_state_alone(tmp_path):
    paths = make_item(tmp_path, steps=1000, step_seconds=0.02)
    first = start(paths)
    says(paths, "step 2/")
    second = start(paths)
    second.stdout.readline()
    harness.terminate(second)
    assert finish(second).returncode == 143
    assert state(paths).status is Status.RUNNING
    harness.terminate(first)
    finish(first)


def stopped_after(paths: RunPaths, text: str) -> None:
    """Runs an item until its log says `text`, then cancels it."""
    attempt = attempts.next_number(paths)
    runner = start(paths)
    says(paths, text, attempt)
    harness.terminate(runner)
    assert finish(runner).returncode == 143


def test_a_truncated_newest_checkpoint_falls_back_to_the_one_before(tmp_path):
    paths = make_item(tmp_path, steps=30, step_seconds=0.02)
    stopped_after(paths, "saved step 4")
    newest = max(paths.checkpoint.glob("step-*.json"))
    newest.write_bytes(newest.read_bytes()[:-20])
    assert run(paths).returncode == 0
    assert "%s is damaged" % newest.name in log(paths, 2)
    assert resumed_at(paths, 2) == int(newest.stem.split("-")[1]) - 1


def test_a_checkpoint_of_another_config_is_refused_kept_and_used_again(tmp_path):
    paths = make_item(tmp_path, steps=30, step_seconds=0.02)
    first_key = items.read(paths.item).key
    stopped_after(paths, "saved step 4")
    saved = last_saved(paths)
    harness.rewrite_config(paths, seed=9)
    stopped_after(paths, "saved step 2")
    assert "belong to other work; refused" in log(paths, 2)
    assert resumed_at(paths, 2) == 0
    assert paths.foreign_checkpoint(first_key).exists()
    harness.rewrite_config(paths, seed=0, steps=30)
    item = items.read(paths.item)
    items.write(paths.item, items.Item(item.name, item.adapter, item.config, first_key))
    assert run(paths).returncode == 0
    assert resumed_at(paths, 3) == saved
    assert not list(paths.run.glob("checkpoint*"))


@pytest.fixture
def small_disk(tmp_path):
    """A disk with little more room than an attempt must find; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = attempts.LEAST_FREE_BYTES + (8 << 20)
    mount = ["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_disk_full(small_disk):
    """Exit 74 with path and bytes; own temporaries gone, checkpoint kept; with room again it resumes and completes."""
    paths = make_item(small_disk, steps=4, fill_bytes=attempts.LEAST_FREE_BYTES + (16 << 20))
    assert run(paths).returncode == 74
    found = state(paths)
    assert found.failure_class == "infra"
    assert str(paths.run) in found.reason
    assert "bytes are needed" in found.reason
    assert not paths.work.exists()
    assert not list(paths.run.rglob(".tmp-*"))
    assert last_saved(paths) == 4
    assert not paths.manifest.exists()
    assert not paths.attempt_log(2).exists()
    harness.rewrite_config(paths)
    item = items.read(paths.item)
    items.write(paths.item, items.Item(item.name, item.adapter, {**item.config, "fill_bytes": 0}, item.key))
    assert run(paths).returncode == 0
    assert resumed_at(paths, 2) == 4


def test_a_disk_that_is_full_already_is_refused_before_the_start(small_disk):
    paths = make_item(small_disk)
    with (small_disk / "other").open("wb") as stream:
        stream.write(b"x" * (12 << 20))
    refused = run(paths)
    assert refused.returncode == 74
    assert "disk" in refused.stderr
    assert not paths.latest_log.exists()


def test_files_limited_in_size(tmp_path):
    """As without root: RLIMIT_FSIZE makes large writes fail."""
    paths = make_item(tmp_path, steps=4, fill_bytes=1 << 20)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))  # noqa: E731
    environment = {**os.environ, "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases")}
    command = [sys.executable, str(harness.RUNNER), str(paths.run)]
    ended = subprocess.run(command, env=environment, preexec_fn=limit, stdout=subprocess.DEVNULL, timeout=30)
    assert ended.returncode == 74
    assert "is full" in state(paths).reason
    assert last_saved(paths) == 4
    assert run(paths).returncode == 0
    assert resumed_at(paths, 2) == 4


def test_a_log_that_cannot_grow_stops_the_trainer(tmp_path):
    """Our own writing fails, not the trainer's: it must not run on unseen."""
    paths = make_item(tmp_path, steps=100000, save_every=1000000)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, 1 << 15))  # noqa: E731
    environment = {**os.environ, "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases")}
    command = [sys.executable, str(harness.RUNNER), str(paths.run)]
    ended = subprocess.run(command, env=environment, preexec_fn=limit, stdout=subprocess.DEVNULL, timeout=30)
    assert ended.returncode == 74
    assert not is_alive(recorded_process(paths, "trainer"))


def test_a_read_only_run_folder_is_refused_before_the_start(tmp_path):
    paths = make_item(tmp_path)
    if os.geteuid() == 0:
        bind = ["mount", "--bind", str(paths.run), str(paths.run)]
        mounts = (bind, ["mount", "-o", "remount,ro,bind", str(paths.run)])
        if any(subprocess.run(mount, stderr=subprocess.DEVNULL).returncode for mount in mounts):
            pytest.skip("root writes everywhere, and a read-only mount is not allowed here")
    else:
        paths.run.chmod(0o555)
    try:
        refused = run(paths)
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", str(paths.run)], check=True)
        else:
            paths.run.chmod(0o755)
    assert refused.returncode == 78
    assert "cannot be written" in refused.stderr
    assert str(paths.run) in refused.stderr
    assert not (harness.notes(paths) / "trainer.pid").exists()


def test_a_daemon_does_not_survive_a_finished_item(tmp_path):
    paths = make_item(tmp_path, needs=Needs(gpus=1), daemon=True)
    assert run(paths, TOPFORGE_FAKE_GPUS=ONE_GPU).returncode == 0
    daemon = recorded_process(paths, "daemon")
    assert not is_alive(daemon)
    assert "left processes behind, which were killed: %d" % daemon in log(paths)
    assert lease_is_free(paths)


def test_six_items_on_two_gpus_never_share(tmp_path):
    all_paths = [make_item(tmp_path, "item-%d" % i, Needs(gpus=1), steps=10, step_seconds=0.02) for i in range(6)]
    runners = [start(paths, TOPFORGE_FAKE_GPUS=TWO_GPUS) for paths in all_paths]
    assert [finish(runner).returncode for runner in runners] == [0] * 6
    lines = "".join((harness.notes(paths) / "uses.txt").read_text() for paths in all_paths).splitlines()
    holder = {}
    for _, what, device, pid in sorted(line.split() for line in lines):
        if what == "begin":
            assert device not in holder, "two trainers on %s" % device
            holder[device] = pid
        else:
            assert holder.pop(device) == pid
    assert {line.split()[2] for line in lines} == {"GPU-a", "GPU-b"}


def test_a_gpu_that_is_too_small_is_refused_at_once(tmp_path):
    paths = make_item(tmp_path, needs=Needs(gpus=1, gpu_memory_mib=24000))
    started = time.monotonic()
    refused = run(paths, TOPFORGE_FAKE_GPUS=TWO_GPUS)
    assert refused.returncode == 78
    assert time.monotonic() - started < 5
    assert "23.4 GiB" in state(paths).reason
    assert "7.8 GiB" in state(paths).reason


def test_without_a_driver_an_item_that_needs_a_gpu_is_refused(tmp_path):
    paths = make_item(tmp_path, needs=Needs(gpus=1))
    refused = run(paths, PATH=str(tmp_path))
    assert refused.returncode == 78
    assert "nvidia-smi is not installed" in refused.stderr


def test_random_points_of_death(tmp_path):
    """Runner killed at random moments, again and again: never a manifest without outputs, and in the end it is done."""
    paths = make_item(tmp_path, steps=12, step_seconds=0.01)
    chance = random.Random(7)
    for _ in range(12):
        runner = start(paths)
        time.sleep(chance.uniform(0.05, 0.5))
        runner.kill()
        runner.communicate()
        assert results.is_complete(paths.run, verify=True) == paths.manifest.exists()
    assert run(paths).returncode == 0
    assert results.is_complete(paths.run, verify=True)
    assert state(paths).status is Status.DONE
    assert not list(paths.run.glob(".tmp-*"))

"""What the tests of run-item share: making items, starting runners, waiting for things to happen."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List

from topforge import items, states
from topforge.items import Item, Needs
from topforge.paths import RunPaths

_started: List[subprocess.Popen] = []
RUNNER = Path(__file__).with_name("run_fake_item.py")
TIMEOUT = 30.0


NO_NEEDS = Needs()


def make_item(
    folder: Path, name: str = "run", needs: Needs = NO_NEEDS, depends=(), after=(), dataset=None, **config
) -> RunPaths:
    """A run folder with an item of the fake adapter; its key follows the config, as a job's would."""
    paths = RunPaths(folder / name)
    notes = folder / (name + "-notes")
    for each in (paths.run, notes):
        each.mkdir(parents=True, exist_ok=True)
    config = {"notes": str(notes), **config}
    key = items.compute_key("fake", "1", config, "", ())
    order = {"depends": tuple(depends), "after": tuple(after)}
    items.write(paths.item, Item(name, "fake", config, key, needs=needs, dataset=dataset, **order))
    return paths


def notes(paths: RunPaths) -> Path:
    return paths.run.with_name(paths.run.name + "-notes")


def start(paths: RunPaths, *flags: str, **variables: str) -> subprocess.Popen:
    """Starts a runner in a process of its own."""
    leases = paths.run.parent / "leases"
    environment = {**os.environ, "TOPFORGE_LEASE_FOLDER": str(leases), **variables}
    for name in {"CUDA_VISIBLE_DEVICES", "CUE_GPU_CORES"} - set(variables):
        environment.pop(name, None)
    runner = subprocess.Popen(
        [sys.executable, str(RUNNER), str(paths.run), *flags],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    _started.append(runner)
    return runner


def end_all() -> None:
    """Kills the runners that a failed test left; their guards do the rest."""
    for runner in _started:
        if runner.poll() is None:
            runner.kill()
            runner.communicate()
    _started.clear()


def finish(runner: subprocess.Popen) -> subprocess.CompletedProcess:
    """Waits for a runner, but not for ever."""
    try:
        output, errors = runner.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        runner.kill()
        raise
    return subprocess.CompletedProcess(runner.args, runner.returncode, output, errors)


def run(paths: RunPaths, *flags: str, **variables: str) -> subprocess.CompletedProcess:
    return finish(start(paths, *flags, **variables))


def wait_for(condition, what: str = "condition", timeout: float = TIMEOUT):
    """Polls until `condition()` is true and returns its value."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited %.0f s in vain for: %s" % (timeout, what))


def log(paths: RunPaths, attempt: int = 0) -> str:
    """The text of an attempt's log; of the newest by default."""
    path = paths.attempt_log(attempt) if attempt else paths.latest_log
    return path.read_text() if path.exists() else ""


def says(paths: RunPaths, text: str, attempt: int = 0) -> None:
    wait_for(lambda: text in log(paths, attempt), "%r in the log" % text)


def state(paths: RunPaths) -> states.State:
    found = states.read(paths.state)
    assert found is not None
    return found


def recorded_process(paths: RunPaths, name: str) -> int:
    """The process id that the fake trainer noted in `NAME.pid`."""
    path = notes(paths) / (name + ".pid")
    return int(wait_for(lambda: path.exists() and path.read_text(), str(path)))


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def rewrite_config(paths: RunPaths, **changes) -> None:
    """Changes item.json as expanding an edited job into the same folder would."""
    item = items.read(paths.item)
    config = {**item.config, **changes}
    items.write(
        paths.item, dataclasses.replace(item, config=config, key=items.compute_key("fake", "1", config, "", ()))
    )


def manifest(paths: RunPaths) -> dict:
    return json.loads(paths.manifest.read_text())


def terminate(runner: subprocess.Popen) -> None:
    runner.send_signal(signal.SIGTERM)

"""result.json: strict reading, and publishing that is seen whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from topforge import results
from topforge.paths import RunPaths
from topforge.results import OutputFile, Result, ResultError
from topforge.running import publish
from topforge.trainers.base import Output

OUTPUTS = (
    Output("mesh/mesh.obj", "mesh"),
    Output("mesh/kd.png", "texture:base_color"),
    Output("cameras.json", "cameras"),
)
KEY = "ab" * 32


def made(folder: Path) -> RunPaths:
    """A run folder whose trainer has just ended."""
    paths = RunPaths(folder)
    for output in OUTPUTS:
        path = paths.output / output.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(output.role * 3)
    return paths


def result(paths: RunPaths) -> Result:
    files = publish.examine(paths.output, OUTPUTS, {"psnr": 27.5})
    return Result(paths.run, KEY, "run", "fake", 1.5, files, {"psnr": 27.5}, {"lowered": []}, ("public domain",))


@pytest.fixture
def published(tmp_path) -> RunPaths:
    paths = made(tmp_path)
    publish.publish(paths, result(paths))
    return paths


def test_what_is_published_is_read_back(published):
    found = results.read(published.run)
    assert [output.path for output in found.outputs] == [output.path for output in OUTPUTS]
    digest = hashlib.sha256(b"meshmeshmesh").hexdigest()
    assert found.outputs[0] == OutputFile("mesh/mesh.obj", "mesh", 12, digest)
    assert found.path(found.outputs[0]).read_text() == "meshmeshmesh"
    assert found.with_role("texture") == (found.outputs[1],)
    assert found.metrics == {"psnr": 27.5}
    assert results.to_json(found) == json.loads(published.manifest.read_text())


def test_complete_means_every_file_with_its_size(published):
    assert results.is_complete(published.run)
    assert results.is_complete(published.run, KEY)
    assert not results.is_complete(published.run, "cd" * 32)
    (published.result / "cameras.json").write_text("short")
    assert not results.is_complete(published.run)
    (published.result / "cameras.json").unlink()
    assert not results.is_complete(published.run)


def test_only_verifying_sees_changed_content_of_the_same_size(published):
    (published.result / "mesh/mesh.obj").write_text("MESHmeshmesh")
    assert results.is_complete(published.run)
    assert not results.is_complete(published.run, verify=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda raw: raw.pop("key"), "key"),
        (lambda raw: raw.update(colour=1), "colour"),
        (lambda raw: raw.update(name=3), "name"),
        (lambda raw: raw.update(format=99), "newer"),
        (lambda raw: raw.pop("format"), "format"),
        (lambda raw: raw["outputs"][0].pop("size"), "outputs"),
        (lambda raw: raw["outputs"][0].update(size="12"), "outputs"),
        (lambda raw: raw["outputs"][0].update(path="../../etc/passwd"), "inside"),
        (lambda raw: raw["outputs"][0].update(path="/etc/passwd"), "inside"),
        (lambda raw: raw["metrics"].update(psnr=float("nan")), "finite"),
        (lambda raw: raw["metrics"].update(psnr="27"), "finite"),
        (lambda raw: raw.update(licences=[1]), "licences"),
    ],
)
def test_what_is_not_a_result_is_refused_by_name(published, change, problem):
    raw = json.loads(published.manifest.read_text())
    change(raw)
    published.manifest.write_text(json.dumps(raw))
    with pytest.raises(ResultError, match=problem) as error:
        results.read(published.run)
    assert str(published.manifest) in error.value.reason
    assert not results.is_complete(published.run)


def test_no_result_and_torn_json_are_no_result(tmp_path):
    with pytest.raises(ResultError, match="not finished"):
        results.read(tmp_path)
    (tmp_path / "result.json").write_text('{"format": 1, "key')
    with pytest.raises(ResultError, match="JSON"):
        results.read(tmp_path)
    assert not results.is_complete(tmp_path)


@pytest.mark.parametrize(
    ("outputs", "metrics", "problem"),
    [
        ((Output("mesh/none.obj", "mesh"),), {}, "missing"),
        ((Output("mesh", "mesh"),), {}, "missing"),
        ((Output("../item.json", "data"),), {}, "outside"),
        ((Output("/etc/hostname", "data"),), {}, "outside"),
        ((Output("link.txt", "data"),), {}, "outside"),
        (OUTPUTS + OUTPUTS[:1], {}, "twice"),
        (OUTPUTS, {"psnr": float("nan")}, "psnr"),
        (OUTPUTS, {"psnr": float("inf")}, "psnr"),
    ],
)
def test_what_is_not_sound_is_not_published(tmp_path, outputs, metrics, problem):
    paths = made(tmp_path)
    (tmp_path / "item.json").write_text("{}")
    (paths.output / "link.txt").symlink_to(tmp_path / "item.json")
    with pytest.raises(publish.UnsoundResultError, match=problem) as error:
        publish.examine(paths.output, outputs, metrics)
    assert error.value.exit_code == 65


def killed_at(line: int, action) -> bool:
    """Runs `action` in a child that is killed with -9 before the `line`-th line of ours; False if it got through."""
    child = os.fork()
    if child == 0:
        left = [line]

        def trace(frame, event, argument):
            if "topforge" not in frame.f_code.co_filename:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            action()
        finally:
            sys.settrace(None)
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.fixture
def _fsync_is_quick(monkeypatch):
    """A killed process loses nothing that was written; forcing to disk matters for power cuts only, and takes long."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.usefixtures("_fsync_is_quick")
def test_killed_anywhere_there_is_no_manifest_or_all_outputs_are_complete(tmp_path):
    """Every line of publishing over an older, damaged result is a point of death; afterwards publishing succeeds."""
    line, seen = 0, set()
    while True:
        line += 1
        folder = tmp_path / str(line)
        paths = made(folder)
        paths.result.mkdir()
        (paths.result / "old.obj").write_text("stale")
        paths.manifest.write_text('{"format": 1}')
        ready = result(paths)
        killed = killed_at(line, lambda paths=paths, ready=ready: publish.publish(paths, ready))
        complete = results.is_complete(folder, KEY, verify=True)
        damaged = paths.manifest.exists() and json.loads(paths.manifest.read_text()) != {"format": 1} and not complete
        assert not damaged, "killed before line %d: result.json without its outputs" % line
        seen.add((paths.manifest.exists(), paths.result.exists(), complete))
        if not complete:
            shutil.rmtree(str(paths.work), ignore_errors=True)
            made(folder)
            publish.publish(paths, result(paths))
        assert results.is_complete(folder, KEY, verify=True)
        if not killed:
            break
    assert line > 25
    assert {(False, False, False), (False, True, False), (True, True, True)} <= seen


@pytest.mark.usefixtures("_fsync_is_quick")
def test_killed_while_withdrawing_there_is_no_manifest_without_outputs(tmp_path):
    line, killed = 0, True
    while killed:
        line += 1
        paths = made(tmp_path / str(line))
        publish.publish(paths, result(paths))
        killed = killed_at(line, lambda paths=paths: publish.withdraw(paths))
        assert results.is_complete(paths.run, KEY) == paths.manifest.exists()
    assert not paths.result.exists()

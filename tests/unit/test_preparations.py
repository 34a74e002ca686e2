"""A job's `prepare`: items in a row, each from the result of the one before, cooked for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import nvdiffmodeling

from topforge import items, results, states
from topforge.environments import private_environment
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.planning import expansion, jobs

PIPELINE = Path(__file__).parent.parent.parent / "pipeline"
UPPER = "tr a-z A-Z < {dataset} > {output}/text"
DOUBLE = "cat {dataset}/text {dataset}/text > {output}/text"


def step(script, **more):
    return {"adapter": "command", "arguments": ["sh", "-c", script], "outputs": ["text"], **more}


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Writes a job that prepares a text in two items; returns its path."""
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOPFORGE_ENV", str(tmp_path / "no-environment"))
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "words.txt").write_text("abc\n")

    def write(double=DOUBLE, **more):
        train = {"arguments": ["sh", "-c", "sed s/A/{letter}/ {dataset}/text > {output}/text"], "outputs": ["text"]}
        content = {
            "adapter": "command",
            "dataset": "words.txt",
            "prepare": [step(UPPER, name="upper"), step(double, name="double")],
            "configs": [{"name": "train", **train, "values": {"letter": "x"}}],
            "wedge": {"values.letter": ["x", "y"]},
            "check": False,
            "report": False,
            **more,
        }
        (folder / "job.json").write_text(json.dumps(content))
        return folder / "job.json"

    return write


def cook(path):
    command = [sys.executable, str(PIPELINE / "topforge"), "cook", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def plan(path):
    return {planned.item.name: planned for planned in expansion.expand(jobs.read(path), path)}


def text(planned):
    return (RunPaths(planned.folder).result / "text").read_text()


def test_each_item_works_on_the_result_of_the_one_before(job):
    path = job()
    ended = cook(path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    made = plan(path)
    assert list(made) == ["upper", "double", "train-x", "train-y"]
    assert text(made["upper"]) == "ABC\n"
    assert text(made["double"]) == "ABC\nABC\n"
    assert text(made["train-x"]) == "xBC\nxBC\n"
    assert text(made["train-y"]) == "yBC\nyBC\n"


def test_a_second_cook_does_nothing_and_a_changed_item_only_what_follows_it(job):
    path = job()
    cook(path)
    again = cook(path)
    assert "4 done before" in again.stdout
    before = plan(path)
    after = plan(job(double="cat {dataset}/text > {output}/text"))
    assert after["upper"].item.key == before["upper"].item.key
    for name in ("double", "train-x", "train-y"):
        assert after[name].item.key != before[name].item.key
    changed = cook(path)
    assert changed.returncode == 0, changed.stdout
    assert "3 done, 1 done before" in changed.stdout
    assert text(after["train-x"]) == "xBC\n"


def test_another_dataset_is_other_work_all_along(job):
    path = job()
    before = plan(path)
    (path.parent / "words.txt").write_text("abcd\n")
    after = plan(path)
    assert not {each.item.key for each in before.values()} & {each.item.key for each in after.values()}


def test_a_tree_that_was_moved_is_still_done(job, tmp_path):
    path = job()
    cook(path)
    shutil.move(str(path.parent), str(tmp_path / "elsewhere"))
    ended = cook(tmp_path / "elsewhere" / "job.json")
    assert "4 done before" in ended.stdout
    moved = plan(tmp_path / "elsewhere" / "job.json")
    item = items.read(RunPaths(moved["train-x"].folder).item)
    assert item.dataset == str(RunPaths(moved["double"].folder).result)


def test_what_fails_takes_what_follows_with_it(job):
    path = job(double="exit 3")
    ended = cook(path)
    assert ended.returncode == 65
    assert "1 done, 1 failed, 2 skipped" in ended.stdout
    assert results.is_complete(plan(path)["upper"].folder)


def test_the_check_waits_for_the_capture_too(job):
    made = plan(job(check=True, report=True))
    assert list(made) == ["upper", "double", "check", "train-x", "train-y", "report"]
    assert made["check"].item.depends == (str(made["double"].folder),)
    assert made["check"].item.dataset == str(RunPaths(made["double"].folder).result)
    assert made["train-x"].item.depends == (str(made["double"].folder), str(made["check"].folder))


def test_a_part_of_a_result_is_the_dataset_of_what_follows(job):
    """Of the first item a folder is left; a file of it is what the second reads, and a file of that the trainings."""
    write = [step("mkdir {output}/in && cp {dataset} {output}/in/text", name="folder", outputs=["in/text"])]
    double = step("cat {dataset} {dataset} > {output}/text", name="double", result="text")
    train = {"arguments": ["sh", "-c", "cp {dataset} {output}/text"], "outputs": ["text"]}
    path = job(prepare=[{**write[0], "result": "in/text"}, double], configs=[{"name": "train", **train}], wedge={})
    ended = cook(path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    made = plan(path)
    assert text(made["train"]) == "abc\nabc\n"
    whole = plan(job(prepare=[*write, double], configs=[{"name": "train", **train}], wedge={}))
    assert whole["folder"].item.key == made["folder"].item.key
    assert whole["double"].item.key != made["double"].item.key


MESH = "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nusemtl a\nf 1/1/1 2/2/1 3/3/1\n"


def test_a_mesh_that_an_item_makes_is_checked_when_it_is_there(job, tmp_path):
    """The file that upstream's trainers cannot read is found by the item that would train on it, not before."""
    checkout = nvdiffmodeling.make_checkout(tmp_path / "nvdiffmodeling")
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    (meshes / "words.obj").write_text(MESH.replace("usemtl a\n", ""))
    (meshes / "m.mtl").write_text("newmtl a\nbsdf pbr\nKd 0.5 0.5 0.5\nKs 0 0.5 0\n")
    make = "cp {dataset}/words.obj {output}/mesh.obj && cp {dataset}/m.mtl {output}"
    entry = {"adapter": "command", "arguments": ["sh", "-c", make], "outputs": ["mesh.obj", "m.mtl"], "name": "make"}
    config = {"name": "learn", "checkout": str(checkout), "base_mesh": "data/sphere.obj"}
    more = {"dataset": str(meshes), "configs": [config], "wedge": {}, "needs": {"gpus": 1}}
    path = job(prepare=[{**entry, "result": "mesh.obj"}], adapter="nvdiffmodeling", **more)
    learn = plan(path)["learn"]
    assert learn.item.dataset.endswith("result/mesh.obj")
    ended = cook(path)
    assert "1 done, 1 failed" in ended.stdout
    state = states.read(RunPaths(learn.folder).state)
    assert "a face before the first `usemtl`" in state.reason
    missing = plan(job(prepare=[{**entry, "result": "msh.obj"}], adapter="nvdiffmodeling", **more))["learn"]
    cook(path)
    assert "there is no such file" in states.read(RunPaths(missing.folder).state).reason


def test_preparing_runs_in_topforges_own_environment_and_needs_no_gpu(job, tmp_path):
    path = job(environment={"prefix": "/trainers/own"}, needs={"gpus": 1})
    made = plan(path)
    assert made["train-x"].item.environment.prefix == "/trainers/own"
    assert made["upper"].item.environment.prefix is None
    assert (made["upper"].item.needs.gpus, made["train-x"].item.needs.gpus) == (0, 1)
    python = private_environment.python_of(tmp_path / "no-environment")
    python.parent.mkdir(parents=True)
    python.touch()
    assert plan(path)["upper"].item.environment.prefix == str(tmp_path / "no-environment")
    given = job(prepare=[step(UPPER, environment={"prefix": "given"})])
    assert plan(given)["command"].item.environment.prefix == str(given.parent / "given")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"arguments": ["true"]}, r"prepare\[0\].*adapter"),
        ({"adapter": "frmes"}, 'mean "frames"'),
        ({"adapter": "frames", "cuont": 5}, r"prepare\[0\].*cuont"),
        ({"adapter": "frames", "count": 1}, r"prepare\[0\].*count"),
        ({"adapter": "frames", "start": 5, "end": 4}, "end = 4"),
        ({"adapter": "poses", "name": 4}, r"prepare\[0\].*name"),
        ({"adapter": "poses", "result": 4}, r"prepare\[0\].*result"),
        ({"adapter": "poses", "environment": {"prefx": "x"}}, "prefx"),
    ],
)
def test_a_mistake_in_an_entry_is_told_with_its_place(job, entry, told):
    path = job(prepare=[entry])
    with pytest.raises(TopForgeError, match=told):
        expansion.expand(jobs.read(path), path)


def test_there_must_be_something_to_begin_with(job):
    path = job(prepare=[{"adapter": "frames"}], dataset=None)
    with pytest.raises(TopForgeError, match="needs a dataset"):
        expansion.expand(jobs.read(path), path)
    path = job(prepare=[{"adapter": "frames"}], dataset="gone.mp4")
    with pytest.raises(TopForgeError, match=r"gone\.mp4"):
        expansion.expand(jobs.read(path), path)

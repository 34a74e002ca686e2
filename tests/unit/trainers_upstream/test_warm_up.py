"""Extensions are built once for a machine, under a lock of ours, and stale locks are swept before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import nvdiffrec as fake
import pytest
from upstream_runs import TINY

from topforge import platform_posix
from topforge.errors import EXIT_CODES, FailureClass
from topforge.items import EnvironmentSpec, Item
from topforge.trainers.nvdiffrec import UPSTREAM
from topforge.trainers.upstream import checkout, pictures, variables, warm_up

PROGRAM = Path(warm_up.__file__)


def start(folder, *words):
    environment = {**os.environ, warm_up.VARIABLE: str(folder)}
    return subprocess.Popen([sys.executable, str(PROGRAM), "--trainer", "nvdiffrec", *words],
                            env=environment, stdout=subprocess.PIPE, text=True)  # fmt: skip


def lock(folder, age):
    path = folder / "renderutils_plugin" / "lock"
    path.parent.mkdir(parents=True)
    path.write_text("")
    os.utime(str(path), (time.time() - age, time.time() - age))
    return path


def test_a_stale_lock_is_removed_and_a_young_one_is_not(tmp_path):
    stale, young = lock(tmp_path / "a", 4000), lock(tmp_path / "b", 5)
    for folder, words in ((tmp_path / "a", "removing the stale lock"), (tmp_path / "b", "but young")):
        output, _ = start(folder).communicate(timeout=30)
        assert words in output
    assert not stale.exists()
    assert young.exists()


def test_a_lock_that_a_build_holds_stays(tmp_path):
    held = lock(tmp_path, 4000)
    with held.open():
        output, _ = start(tmp_path).communicate(timeout=30)
    assert "belongs to a build of process %d" % os.getpid() in output
    assert held.exists()


def test_it_builds_once_and_ends_the_trainer(tmp_path):
    script = "import sys, time; print('Building', flush=True); print('iter=    0', flush=True); time.sleep(600)"
    words = ("--stamp", "abc", "--until", "^iter=", "--", sys.executable, "-c", script)
    first, _ = start(tmp_path, *words).communicate(timeout=30)
    assert "the extensions work" in first
    again, _ = start(tmp_path, *words).communicate(timeout=30)
    assert "are there already" in again
    other, _ = start(tmp_path, "--stamp", "def", *words[2:]).communicate(timeout=30)
    assert "the extensions work" in other


def test_a_trainer_that_ends_before_has_failed(tmp_path):
    child = start(tmp_path, "--stamp", "abc", "--until", "^iter=", "--", sys.executable, "-c", "print('nothing')")
    child.communicate(timeout=30)
    assert child.returncode == 1
    assert not list(tmp_path.glob(".topforge-warm-up-*"))


def test_two_at_once_build_one_after_the_other(tmp_path):
    ours = platform_posix.try_lock(tmp_path / ".topforge-warm-up.lock")
    child = start(tmp_path, "--stamp", "abc", "--until", "^iter=", "--", sys.executable, "-c", "print('iter=0')")
    assert "waiting: another run builds" in child.stdout.readline()
    os.close(ours)
    assert "the extensions work" in child.communicate(timeout=30)[0]


@pytest.mark.parametrize("trainer", ["nvdiffrec", "nvdiffmodeling"])
def test_a_warm_up_item_starts_the_trainer_on_its_smallest_example(make_run, request, trainer):
    clone = request.getfixturevalue(trainer + "_checkout")
    run = make_run("warm-up", None, trainer=trainer, checkout=str(clone))
    assert run.cook(TORCH_EXTENSIONS_DIR=str(run.notes / "extensions")) == 0, run.output
    assert [output["path"] for output in run.result["outputs"]] == ["warm_up.json"]
    (given,) = run.configs
    assert given["iter"] == 10
    assert given["save_interval"] == 0
    assert (Path(run.environments[0]["TORCH_EXTENSIONS_DIR"]).name).startswith("%s-%s-py" % (trainer, fake.COMMIT[:12]))
    assert "building the extensions" in run.log


def test_each_commit_has_its_own_extensions(make_run, nerf, nvdiffrec_checkout):
    """What one commit's kernels were compiled to, a run of another must not load, nor build over it meanwhile."""
    pytest.importorskip("torch")
    folders = []
    for commit in ("1" * 40, "2" * 40):
        (nvdiffrec_checkout / ".git" / "HEAD").write_text(commit)
        run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), **TINY)
        run.cook("mip")
        folders.append(Path(run.environments[-1]["TORCH_EXTENSIONS_DIR"]).name)
        assert folders[-1].startswith("nvdiffrec-%s-py" % commit[:12])
    assert folders[0] != folders[1]


def test_an_unpacked_archive_is_known_by_its_place(tmp_path):
    names = {checkout.builds(UPSTREAM, str(tmp_path / name), {}) for name in ("a", "b")}
    assert len(names) == 2
    assert checkout.builds(UPSTREAM, None, {}) == "nvdiffrec"
    assert checkout.builds(UPSTREAM, None, {UPSTREAM.variable: str(tmp_path / "a")}) in names


def test_a_warm_up_tells_what_the_environment_lacks(make_run, nvdiffrec_checkout):
    run = make_run("warm-up", None, trainer="nvdiffrec", checkout=str(nvdiffrec_checkout))
    assert run.cook("tcnn") == EXIT_CODES[FailureClass.CONFIG]
    assert "tinycudann found no GPU" in run.state.reason


def test_every_run_sweeps_first(make_run, nerf, nvdiffrec_checkout):
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), **TINY)
    run.cook("mip")
    assert run.log.index('step "extensions"') < run.log.index('step "train"')


def test_a_preview_that_is_being_written_waits(tmp_path):
    folder, previews = tmp_path / "out", tmp_path / "previews"
    folder.mkdir()
    whole, torn = folder / "img_1.png", folder / "img_2.png"
    fake.png(whole)
    torn.write_bytes(whole.read_bytes()[:-9])
    assert pictures.pick_up(folder, ["img_*.png"], previews) == 1
    assert pictures.pick_up(folder, ["img_*.png"], previews) == 0
    torn.write_bytes(whole.read_bytes())
    assert pictures.pick_up(folder, ["img_*.png"], previews) == 1
    assert pictures.pick_up(tmp_path / "nowhere", ["*"], previews) == 0


def test_what_a_person_sets_wins_and_no_two_trainers_share_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path))
    given = EnvironmentSpec(mode="kartaverse", variables=(("WORLD_SIZE", "4"),))
    item = Item("run", "nvdiffrec", {}, "0" * 64, environment=given)
    one, other = (dict(variables.of(item, name)) for name in ("nvdiffrec", "nvdiffmodeling"))
    assert "WORLD_SIZE" not in one
    assert one["TORCH_EXTENSIONS_DIR"] != other["TORCH_EXTENSIONS_DIR"]
    plain = dict(variables.of(Item("run", "nvdiffrec", {}, "0" * 64), "nvdiffrec"))
    assert plain["WORLD_SIZE"] == "1"
    assert "TORCH_EXTENSIONS_DIR" not in plain, "the environment edit has set it"

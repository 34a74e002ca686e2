"""Training longer from a saved state: what may change, where states go, and that the earlier run stays as it is."""

import dataclasses

import pytest

from topforge import cli, items, schema
from topforge.paths import RunPaths
from topforge.planning import fingerprint, jobs, planned_items, preparations
from topforge.running import checkpoints
from topforge.trainers.builtin import ADAPTER
from topforge.trainers.builtin_options import BuiltinOptions
from topforge.verbs import extend


@pytest.fixture
def capture(tmp_path):
    folder = tmp_path / "capture"
    folder.mkdir()
    (folder / "photo.png").write_text("pixels")
    return folder


def make_run(tmp_path, capture, states=("pass1-0000100.ckpt",), content=None, **options):
    config = schema.from_json(BuiltinOptions, {"iter": 100, **options}, "test")
    job = jobs.Job(dataset=str(capture))
    content = content or fingerprint.of_dataset(capture)
    planned = planned_items.planned(
        planned_items.make_item(ADAPTER, "bob", config, job, content, (), (("iter", "100"),)), tmp_path
    )
    paths = RunPaths(planned.folder)
    paths.checkpoint.mkdir(parents=True)
    items.write(paths.item, planned.item)
    checkpoints.claim(paths, planned.item.key)
    for name in states:
        paths.checkpoint.mkdir(exist_ok=True)
        (paths.checkpoint / name).write_text("state")
    return paths


def longer(paths, **ends):
    return extend.longer(items.read(paths.item), paths.run, ends)


def test_the_longer_item_is_the_one_a_job_with_that_end_would_make(tmp_path, capture):
    paths = make_run(tmp_path, capture)
    item = longer(paths, iter=250)
    config = schema.from_json(BuiltinOptions, {"iter": 250}, "test")
    content = fingerprint.of_dataset(capture)
    assert item == planned_items.make_item(
        ADAPTER, "bob", config, jobs.Job(dataset=str(capture)), content, (), item.labels
    )
    assert item.labels == (("iter", "250"),)


@pytest.mark.parametrize("ends", [{}, {"iter": 100}, {"iter": 99}, {"iter": 200, "time_budget": 10.0}])
def test_what_is_no_later_end_is_refused(tmp_path, capture, ends):
    paths = make_run(tmp_path, capture)
    with pytest.raises(extend.NotExtendableError, match="is no later end" if ends else "no later end is named"):
        longer(paths, **ends)


def test_states_of_another_version_of_the_trainer_are_refused(tmp_path, capture, monkeypatch):
    paths = make_run(tmp_path, capture)
    monkeypatch.setattr(ADAPTER, "version", "before")
    with pytest.raises(extend.NotExtendableError, match="another version of TopForge"):
        longer(paths, iter=250)


def test_a_run_on_what_another_item_made_is_extended(tmp_path, capture):
    """The fingerprint of such a dataset is the key of the item that makes it, not a hash of its files."""
    paths = make_run(tmp_path, capture, content=preparations.content_of_result("0" * 64))
    assert longer(paths, iter=250).content == items.read(paths.item).content


def test_more_time_alone_will_do(tmp_path, capture):
    paths = make_run(tmp_path, capture, time_budget=60)
    assert longer(paths, time_budget=120.0).config["time_budget"] == 120.0
    assert longer(paths, time_budget=0.0).config["time_budget"] == 0.0


def test_a_changed_capture_is_refused(tmp_path, capture):
    paths = make_run(tmp_path, capture)
    (capture / "photo.png").write_text("others")
    with pytest.raises(extend.NotExtendableError, match="changed since"):
        longer(paths, iter=200)


def test_states_are_handed_on_and_stay(tmp_path, capture):
    paths = make_run(tmp_path, capture, states=("pass1-0000100.ckpt", ".tmp-torn"))
    key, heir = items.read(paths.item).key, RunPaths(tmp_path / "longer")
    heir.run.mkdir()
    checkpoints.hand_on(paths, key, heir, "new")
    assert "used again" in checkpoints.claim(heir, "new")
    assert [path.name for path in heir.checkpoint.iterdir()] == ["pass1-0000100.ckpt"]
    assert (paths.checkpoint / "pass1-0000100.ckpt").exists()
    (heir.checkpoint / "pass1-0000200.ckpt").write_text("later")
    checkpoints.hand_on(paths, key, heir, "new")  # the same command again: its own states count
    assert not heir.foreign_checkpoint("new").exists()


def test_states_of_other_work_or_none_are_refused(tmp_path, capture):
    heir = RunPaths(tmp_path / "longer")
    heir.run.mkdir()
    paths = make_run(tmp_path, capture)
    with pytest.raises(checkpoints.NoStatesError):
        checkpoints.hand_on(paths, "another key", heir, "new")
    empty = make_run(tmp_path, capture, states=(), seed=1)
    with pytest.raises(checkpoints.NoStatesError):
        checkpoints.hand_on(empty, items.read(empty.item).key, heir, "new")
    assert not list(heir.run.iterdir())


def test_after_publication_only_the_last_states_may_stay(tmp_path, capture):
    paths = make_run(tmp_path, capture)
    paths.foreign_checkpoint("other").mkdir()
    checkpoints.settle(paths, keep=True)
    assert [path.name for path in sorted(paths.run.glob("checkpoint*"))] == ["checkpoint"]
    checkpoints.settle(paths, keep=False)
    assert not list(paths.run.glob("checkpoint*"))


def test_the_option_decides_whether_they_stay():
    assert ADAPTER.keeps_states(BuiltinOptions())
    assert not ADAPTER.keeps_states(dataclasses.replace(BuiltinOptions(), keep_checkpoint=False))


def test_the_verb_lists_the_new_folder_beside_the_old_one(tmp_path, capture, capsys):
    paths = make_run(tmp_path, capture)
    assert cli.main(["extend", str(paths.run), "--iter", "200", "--dry-run"]) == 0
    assert longer(paths, iter=200).key[:8] in capsys.readouterr().out
    assert cli.main(["extend", str(paths.run), "--iter", "50"]) == 78
    assert "no later end" in capsys.readouterr().err

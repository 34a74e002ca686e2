from __future__ import annotations

import dataclasses
import json

import pytest

from topforge import items
from topforge.errors import TopForgeError

ITEM = items.Item(
    name="train",
    adapter="topforge",
    config={"iterations": 5, "learning_rate": [0.1, [0.2, 0.3]], "display": [{"bsdf": "kd"}]},
    key="ab" * 32,
    dataset="/data/Kännchen",
    depends=("/out/check-1",),
    environment=items.EnvironmentSpec(prefix="/venv", variables=(("A", "1"),)),
    needs=items.Needs(gpus=1, gpu_memory_mib=8000, grace_seconds=5),
    labels=(("iterations", "5"),),
)


def changed(tmp_path, **changes):
    path = tmp_path / "item.json"
    content = {**items.to_json(ITEM), **changes}
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}), encoding="utf-8")
    return path


def test_written_and_read_is_the_same_item(tmp_path):
    items.write(tmp_path / "item.json", ITEM)
    assert items.read(tmp_path / "item.json") == ITEM


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": 2}, "format is 2, this TopForge reads up to 1"),
        ({"format": ...}, "no `format` number"),
        ({"format": True}, "no `format` number"),
        ({"key": ...}, "key is missing"),
        ({"key": 5}, "key = 5"),
        ({"adaptor": "x"}, 'adaptor is not an option (did you mean "adapter"'),
        ({"needs": {"gpus": "1"}}, 'needs.gpus = "1"'),
        ({"needs": {"gpu": 1}}, 'did you mean "needs.gpus"'),
        ({"labels": [["a"]]}, "labels[0]"),
        ({"config": []}, "config = []"),
        ({"depends": "/out"}, "depends ="),
    ],
)
def test_a_wrong_item_is_refused_with_file_key_and_value(tmp_path, changes, expected):
    path = changed(tmp_path, **changes)
    with pytest.raises(TopForgeError) as caught:
        items.read(path)
    assert str(path) in caught.value.reason
    assert expected in caught.value.reason
    assert caught.value.fix


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": 1', "null"])
def test_a_cut_off_or_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "item.json").write_text(content)
    with pytest.raises(TopForgeError, match=r"item\.json"):
        items.read(tmp_path / "item.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TopForgeError, match=r"is no run folder: there is no item\.json"):
        items.read(tmp_path / "item.json")


def test_key_depends_on_every_part_and_on_nothing_else():
    parts = ("topforge", "1", {"b": 1, "a": 2}, "f", ("k",))
    same = items.compute_key("topforge", "1", {"a": 2, "b": 1}, "f", ("k",))
    assert items.compute_key(*parts) == same
    others = [("x", "1", {"a": 2}, "f", ("k",)), (*parts[:1], "2", *parts[2:]), (*parts[:3], "g", parts[4])]
    keys = {same, *(items.compute_key(*other) for other in others), items.compute_key(*parts[:4], ("k", "k"))}
    assert len(keys) == 5


def test_item_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ITEM.name = "x"  # type: ignore[misc]


def test_paths_in_a_tree_are_written_relative_and_move_with_it(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    run = here / "out" / "train-1"
    run.mkdir(parents=True)
    item = dataclasses.replace(
        ITEM, dataset=str(here / "capture"), depends=(str(here / "out" / "check-1"),), after=("/elsewhere/a-1",)
    )
    written = items.portable(item, run, here)
    assert (written.dataset, written.depends, written.after) == ("../../capture", ("../check-1",), ("/elsewhere/a-1",))
    items.write(run / "item.json", written)
    assert items.read(run / "item.json") == item
    here.rename(there)
    moved = items.read(there / "out" / "train-1" / "item.json")
    assert moved.dataset == str(there / "capture")
    assert moved.depends == (str(there / "out" / "check-1"),)
    assert moved.after == ("/elsewhere/a-1",)


def test_paths_stay_absolute_where_the_run_folder_is_outside_of_the_tree(tmp_path):
    item = dataclasses.replace(ITEM, dataset=str(tmp_path / "tree" / "capture"))
    assert items.portable(item, tmp_path / "out" / "a-1", tmp_path / "tree") == item
    assert items.portable(item, tmp_path / "treehouse" / "a-1", tmp_path / "tree") == item

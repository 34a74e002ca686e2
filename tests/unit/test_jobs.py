from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from topforge import schema
from topforge.errors import TopForgeError
from topforge.planning import expansion, fingerprint, item_names, jobs


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / "a.png").write_bytes(b"picture")
    return tmp_path


def command(*words, **options):
    return {"arguments": list(words), **options}


def expand(folder, **changes):
    path = folder / "job.json"
    path.write_text(json.dumps({"adapter": "command", "check": False, "report": False, **changes}))
    return expansion.expand(jobs.read(path), path)


def names(plan):
    return [planned.item.name for planned in plan]


def test_configs_come_from_files_patterns_and_the_job_itself(folder):
    for name in ("b", "a"):
        (folder / (name + ".json")).write_text(json.dumps(command("echo", name)))
    (folder / "more").mkdir()
    (folder / "more" / "a.json").write_text(json.dumps(command("echo", "another a")))
    inline = [{"name": "quick", **command("echo", "q")}, command("echo", "r")]
    plan = expand(folder, configs=["*.json", "more/a.json", *inline])
    assert names(plan) == ["a", "b", "a-2", "quick", "config-4"]
    assert plan[2].item.config["arguments"] == ["echo", "another a"]


def test_the_same_job_gives_the_same_items(folder):
    changes = {"configs": [command("echo")], "wedge": {"outputs": [["a"], ["b"], []]}, "dataset": "capture"}
    assert expand(folder, **changes) == expand(folder, **changes)


def test_run_folders_are_found_again_when_the_wedge_grows(folder):
    def at(*values):
        return {
            planned.folder for planned in expand(folder, configs=[command("echo")], wedge={"outputs": list(values)})
        }

    assert at(["a"], ["b"]) < at(["c"], ["a"], ["b"])


def test_run_folder_is_name_and_start_of_the_key_below_the_output(folder):
    (planned,) = expand(folder, configs=[command("echo")], output="results")
    assert planned.folder == folder / "results" / ("config-" + planned.item.key[:8])


def test_keys_follow_config_and_dataset_content_and_nothing_else(folder):
    def key(**changes):
        return expand(folder, **{"configs": [command("echo")], "dataset": "capture", **changes})[0].item.key

    first = key()
    assert key(parallel=3, output="elsewhere", needs={"gpus": 1}, environment={"prefix": "venv"}) == first
    assert key(configs=[command("echo", "x")]) != first
    (folder / "capture" / "a.png").write_bytes(b"Picture")
    os.utime(folder / "capture" / "a.png", ns=(1, 1))
    assert key() != first


def test_gates_do_not_decide_the_key_but_are_waited_for(folder):
    without = expand(folder, configs=[command("echo")], dataset="capture")
    gated = expand(folder, configs=[command("echo")], dataset="capture", check=True)
    assert names(gated) == ["check", "config"]
    assert gated[1].item.depends == (str(gated[0].folder),)
    assert gated[1].item.key == without[0].item.key


def test_the_check_asks_for_the_masks_that_the_trainer_needs(folder):
    for adapter, masks in (("topforge", "required"), ("command", "wanted")):
        configs = [command("echo")] if adapter == "command" else [{}]
        plan = expand(folder, adapter=adapter, configs=configs, dataset="capture", check=True)
        assert names(plan)[0] == "check"
        assert plan[0].item.config["masks"] == masks


def test_the_report_comes_last_and_follows_what_it_is_about(folder):
    changes = {"configs": [command("echo")], "dataset": "capture", "check": True, "report": True}
    first, again = expand(folder, **changes), expand(folder, **{**changes, "wedge": {"outputs": [["a"], ["b"]]}})
    assert names(first) == ["check", "config", "report"]
    assert first[2].item.after == (str(first[1].folder),)
    assert first[2].item.depends == ()
    assert first[2].item.config["title"] == "job"
    assert first[2].item.key != again[-1].item.key


def test_relative_paths_start_at_the_job_file(folder):
    (planned,) = expand(folder, configs=[command("echo")], dataset="capture", environment={"prefix": "venv"})
    assert planned.item.dataset == str(folder / "capture")
    assert planned.item.environment.prefix == str(folder / "venv")


def test_a_file_that_an_option_names_starts_at_the_config_file_and_counts_by_its_content(folder):
    def planned(envmap):
        (folder / "configs").mkdir(exist_ok=True)
        config = {"envmap": envmap, "learn_light": False}
        (folder / "configs" / "bob.json").write_text(json.dumps(config))
        return expand(folder, adapter="topforge", dataset="capture", configs=["configs/bob.json"])[0].item

    (folder / "studio.hdr").write_bytes(b"light")
    first = planned("../studio.hdr")
    assert first.config["envmap"] == str(folder / "studio.hdr")
    (folder / "configs" / "studio.hdr").write_bytes(b"light")
    assert planned("studio.hdr").key == first.key
    (folder / "configs" / "studio.hdr").write_bytes(b"dusk")
    assert planned("studio.hdr").key != first.key
    with pytest.raises(TopForgeError, match=r"envmap = .*none.hdr: there is no such file"):
        planned("none.hdr")


@pytest.mark.parametrize("rate", [[], [0.1, 0.1, 0.1], [[0.1], 0.1], [[0.1, 0.1, 0.1]]])
def test_step_sizes_are_of_two_passes_and_of_geometry_and_material(folder, rate):
    with pytest.raises(TopForgeError, match="learning_rate"):
        expand(folder, adapter="topforge", dataset="capture", configs=[{"learning_rate": rate}])


def test_labels_tell_the_wedged_values(folder):
    plan = expand(folder, configs=[command("echo")], wedge={"outputs": [["a.obj"], []]})
    assert [planned.item.labels for planned in plan] == [(("outputs", '["a.obj"]'),), (("outputs", "[]"),)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"adapter": "comand"}, 'There is no adapter named "comand"'),
        ({"adaptor": "command"}, 'did you mean "adapter"'),
        ({"format": 2}, "format = 2"),
        ({"dataset": "capture2"}, "there is no such file or folder"),
        ({"configs": ["missing.json"]}, "missing.json."),
        ({"configs": ["missing*.json"]}, 'no file matches "missing*.json"'),
        ({"configs": [{"argumnets": ["a"]}]}, 'configs[0]: argumnets is not an option (did you mean "arguments"'),
        ({"configs": [{"arguments": []}]}, "a list of 1 to 10000 entries"),
        ({"configs": [{"name": 3}]}, "name must be text"),
        ({"configs": [command("a"), command("a")]}, "would give the same result"),
        ({"configs": [command("a")], "wedge": {"outputs": [["a"], 3, [4]]}}, "2 problems"),
        ({"configs": [command("a", outputs=["../x"])]}, "is not a relative path"),
        ({"configs": [command("cat", "{dataset}")]}, "{dataset}"),
        ({"adapter": "topforge", "configs": [{}]}, "needs a dataset"),
        ({"combine": "zap"}, 'did you mean "zip"'),
        ({"parallel": 0}, "parallel = 0"),
    ],
)
def test_mistakes_are_told_before_anything_runs(folder, changes, expected):
    with pytest.raises(TopForgeError) as caught:
        expand(folder, **changes)
    assert expected in caught.value.reason
    assert caught.value.fix


def test_ten_thousand_items_of_the_real_trainer_in_two_seconds(folder):
    wedge = {
        "learning_rate": {"from": 0.001, "to": 0.1, "count": 100, "scale": "log"},
        "iter": {"from": 100, "to": 1090, "count": 100},
    }
    plan = expand(folder, adapter="topforge", dataset="capture", configs=[{"name": "bob"}], wedge=wedge)
    assert len({planned.folder for planned in plan}) == len({planned.item.key for planned in plan}) == 10_000
    assert plan[1].item.name == "bob-0.001-110"


def test_names_are_safe_short_and_unique():
    assert item_names.safe("Kännchen rot/..") == "K_nnchen_rot"
    assert item_names.safe("///") == "item"
    assert len(item_names.wedged("x" * 50, (("a", "y" * 50),))) <= 60
    unique = item_names.Unique("check")
    assert [unique(name) for name in ("Check", "a", "A", "a-2", "a")] == ["Check-2", "a", "A-2", "a-2-2", "a-3"]


def test_fingerprint_is_of_names_and_contents_not_of_place_or_time(folder, tmp_path):
    first = fingerprint.of_dataset(folder / "capture")
    os.utime(folder / "capture" / "a.png", ns=(5, 5))
    (folder / "capture" / ".hidden").write_text("x")
    assert fingerprint.of_dataset(folder / "capture") == first
    (folder / "capture").rename(folder / "moved")
    assert fingerprint.of_dataset(folder / "moved") == first
    (folder / "moved" / "a.png").rename(folder / "moved" / "b.png")
    assert fingerprint.of_dataset(folder / "moved") != first


def test_fingerprint_reads_unchanged_files_only_once(folder, monkeypatch):
    read = []
    original = fingerprint._hash_file
    monkeypatch.setattr(fingerprint, "_hash_file", lambda path: read.append(path.name) or original(path))
    (folder / "capture" / "deep").mkdir()
    (folder / "capture" / "deep" / "b.png").write_bytes(b"b")
    first = fingerprint.of_dataset(folder / "capture")
    assert sorted(read) == ["a.png", "b.png"]
    assert fingerprint.of_dataset(folder / "capture") == first
    assert len(read) == 2
    (folder / "capture" / "deep" / "b.png").write_bytes(b"longer")
    assert fingerprint.of_dataset(folder / "capture") != first
    assert len(read) == 3


def test_fingerprint_works_with_a_torn_or_unwritable_cache(folder, tmp_path, monkeypatch):
    first = fingerprint.of_dataset(folder / "capture")
    (cache,) = (tmp_path / "cache" / "fingerprints").iterdir()
    cache.write_text("{")
    assert fingerprint.of_dataset(folder / "capture") == first
    monkeypatch.setenv("TOPFORGE_CACHE", "/dev/null/no")
    assert fingerprint.of_dataset(folder / "capture") == first


def test_an_empty_dataset_is_refused(folder):
    (folder / "capture" / "a.png").unlink()
    with pytest.raises(TopForgeError, match="is empty"):
        fingerprint.of_dataset(folder / "capture")


def test_the_documentation_has_the_job_keys_as_they_are():
    document = (Path(__file__).parent.parent.parent / "docs" / "jobs.md").read_text(encoding="utf-8")
    assert schema.markdown_table(jobs.Job) in document


def test_the_documented_example_expands_as_documented(folder):
    document = (Path(__file__).parent.parent.parent / "docs" / "jobs.md").read_text(encoding="utf-8")
    example = json.loads(document.split("```json")[1].split("```")[0])
    (folder / "configs").mkdir()
    (folder / "configs" / "bob.json").write_text("{}")
    (folder / "captures").mkdir()
    (folder / "capture").rename(folder / "captures" / "bob")
    (folder / "job.json").write_text(json.dumps(example))
    found = names(expansion.expand(jobs.read(folder / "job.json"), folder / "job.json"))
    assert len(found) == 8
    assert found[:3] == ["check", "bob-0.003-dmtet", "bob-0.003-flexicubes"]
    assert found[-2:] == ["bob-0.03-flexicubes", "report"]

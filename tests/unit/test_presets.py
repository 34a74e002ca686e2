"""Presets: valid for every trainer, and below a config's own words."""

from __future__ import annotations

import argparse
import json

import pytest

from topforge import cli, schema
from topforge.planning import presets
from topforge.trainers import registry
from topforge.trainers.builtin_options import BuiltinOptions
from topforge.verbs import cook, train


def configuration(*words):
    """What `topforge train WORDS` would run."""
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    train.add_options(parser, words)
    return train.configuration(registry.get("topforge"), parser.parse_args(words))


def test_file_and_flags_win_over_the_preset(tmp_path):
    config = tmp_path / "mine.json"
    config.write_text(json.dumps({"iter": 10}))
    words = (str(config), "--out", "run", "--preset", "draft", "--dmtet_grid", "20")
    made = configuration(*words)
    assert (made.iter, made.dmtet_grid, made.isosurface) == (10, 20, "flexicubes")
    assert configuration("--out", "run", "--preset", "standard") == BuiltinOptions()


def test_a_config_keeps_the_isosurface_that_it_names(tmp_path):
    config = tmp_path / "mine.json"
    for keys, expected in (({}, "flexicubes"), ({"isosurface": "dmtet"}, "dmtet")):
        config.write_text(json.dumps({"dmtet_grid": 128, **keys}))
        assert configuration(str(config), "--out", "run").isosurface == expected
        assert configuration(str(config), "--out", "run", "--preset", "high").isosurface == expected


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), True),
        (("--preset", "high"), True),
        (("--preset", "draft"), False),
        (("--iter", "100"), False),
        (("--time_budget", "60"), False),
        (("--gpus", "1"), False),
    ],
)
def test_what_a_cpu_has_long_to_do_with_is_told_before_it_begins(tmp_path, monkeypatch, capfd, words, told):
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / "a.png").write_bytes(b"x")
    monkeypatch.setattr(cook, "run_plan", lambda *_: 0)
    assert cli.main(["train", "--dataset", str(tmp_path / "capture"), "--out", str(tmp_path / "r"), *words]) == 0
    assert ("On the CPU 2 x 5000 iterations take long" in capfd.readouterr().err) == told


def test_a_misspelt_preset_is_refused_with_the_nearest_name():
    with pytest.raises(presets.UnknownPresetError, match=r'"drafd".*Did you mean "draft"'):
        configuration("--out", "run", "--preset", "drafd")
    with pytest.raises(presets.UnknownPresetError, match="It has none"):
        presets.values(registry.get("command"), "draft")


@pytest.mark.parametrize("adapter", registry.trainers(), ids=lambda adapter: adapter.name)
def test_presets_are_valid_configurations(adapter):
    for name in adapter.presets:
        config = schema.from_json(adapter.options, presets.values(adapter, name), name)
        if not hasattr(config, "checkout"):  # against a checkout: tests/unit/trainers_upstream
            adapter.validate(config, "capture")


def test_companions_are_no_trainers():
    assert [adapter.name for adapter in registry.trainers()][:1] == ["topforge"]
    assert not {"check", "report"} & {adapter.name for adapter in registry.trainers()}

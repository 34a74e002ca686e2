"""Buttons and menus, as hython presses and opens them."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making

from topforge.errors import TopForgeError
from topforge.trainers import registry


@pytest.fixture
def net(standin, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(making.environment(tmp_path)))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    return making.network(standin.session())


@pytest.mark.parametrize("name", list(registry.get("topforge").presets))
def test_a_preset_sets_what_presets_name_and_leaves_the_rest(net, name):
    from topforge_houdini import parameters

    node = making.ours(net, "train")
    adapter = registry.get("topforge")
    making.set_options(node, "topforge", mesh_scale=3.5, iter=77)
    node.parm("preset").set(name)
    node.hdaModule().apply_preset({"node": node})
    values = parameters.config_values(adapter, node.evalParmTuple)
    assert values.pop("mesh_scale") == 3.5
    defaults = {field.name: field.default for field in parameters.options(adapter)}
    chosen = {option: value for option, value in adapter.presets[name].items() if value != defaults[option]}
    assert json.loads(json.dumps(values)) == json.loads(json.dumps(chosen))


def test_the_menu_of_environments_lists_what_is_there_without_starting_anything(net, tmp_path, monkeypatch):
    import subprocess

    from topforge_houdini import menus

    other = making.environment(tmp_path / "other")
    monkeypatch.setenv("VIRTUAL_ENV", str(other))
    monkeypatch.setattr(subprocess, "Popen", None)
    menu = menus.environments()
    assert menu[0] == ""
    assert "TopForge's own" in menu[1]
    assert str(other) in menu[::2]
    assert len(menu) % 2 == 0


def test_the_menu_of_presets_is_the_trainers(net):
    node = making.ours(net, "train")
    assert node.parm("preset").menuItems() == tuple(registry.get("topforge").presets)
    node.parm("trainer").set("command")
    assert node.parm("preset").menuItems() == ()


def test_another_trainer_has_no_preset_until_one_is_chosen(net):
    node = making.ours(net, "train")
    node.parm("preset").set("draft")
    for trainer, preset in (("neuralangelo", ""), ("topforge", "standard")):
        node.parm("trainer").set(trainer)
        node.hdaModule().choose_trainer({"node": node})
        assert node.evalParm("preset") == preset
        assert preset in node.parm("preset").menuItems()
    node.parm("trainer").set("neuralangelo")
    node.hdaModule().choose_trainer({"node": node})
    node.hdaModule().apply_preset({"node": node})
    assert node.evalParm("neuralangelo_max_iter") == 500000


def test_run_folder_and_report_of_the_newest_run(net):
    node = making.command(net)
    with pytest.raises(TopForgeError, match="Cook a TopForge node first"):
        node.hdaModule().open_run_folder({"node": node})
    making.cook(node)
    run = Path(making.inner(node)[0].stringAttribValue("topforge_run"))
    assert node.hdaModule().open_run_folder({"node": node}) == run
    with pytest.raises(TopForgeError, match="There is no report yet"):
        node.hdaModule().open_report({"node": node})
    (run / "report.html").write_text("<html>")
    assert node.hdaModule().open_report({"node": node}) == run / "report.html"


def test_check_now_without_a_capture_and_without_numpy(net, tmp_path):
    node = making.ours(net, "train")
    with pytest.raises(TopForgeError, match=r"Capture \(dataset\) is empty"):
        node.hdaModule().check_now({"node": node})
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    with pytest.raises(TopForgeError, match="could not be checked"):
        node.hdaModule().check_now({"node": node})


def test_check_now_reports_on_a_capture(net, monkeypatch):
    if sys.prefix == sys.base_prefix:
        pytest.skip("this Python is in no environment")
    monkeypatch.setenv("TOPFORGE_ENV", sys.prefix)
    sample = Path(__file__).resolve().parents[2] / "hip" / "sample_capture"
    node = making.ours(net, "train")
    node.parm("dataset").set(str(sample))
    assert "56" in node.hdaModule().check_now({"node": node})

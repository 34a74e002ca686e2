"""The environment as exported attributes, and in Houdini's own nodes."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making

SHOW = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


@pytest.fixture
def prefix(tmp_path):
    return making.environment(tmp_path)


@pytest.fixture
def net(standin, prefix, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(prefix))
    net = making.network(standin.session())
    monkeypatch.setenv("PYTHONHOME", "/opt/hfs/python")
    monkeypatch.setenv("WORLD_SIZE", "4")
    return net


def test_variables_are_exported_attributes(net, prefix):
    node = making.ours(net, "environment")
    node.setParms({"environmentvariables": 1})
    node.setParms({"variablename1": "MINE", "variablevalue1": "1"})
    node.cookWorkItems(block=True)
    (item,) = making.inner(node, "items")
    assert item.environment["VIRTUAL_ENV"] == str(prefix)
    assert item.environment["PATH"].startswith(str(prefix / "bin"))
    assert item.environment["MINE"] == "1"


def test_what_must_be_unset_is_named_and_set_to_nothing_only_where_that_is_the_same(net):
    node = making.ours(net, "environment")
    node.cookWorkItems(block=True)
    (item,) = making.inner(node, "items")
    unset = item.stringAttribArray("topforge_unset")
    assert {"PYTHONHOME", "WORLD_SIZE"} <= set(unset)
    assert item.environment["PYTHONHOME"] == ""
    assert "WORLD_SIZE" not in item.environment
    assert "topforge_unset" not in item.environment


def test_each_item_above_gets_them_and_keeps_its_own(net):
    node = making.ours(net, "environment")
    making.wedge(net, "size", [1, 2], node, "int")
    node.cookWorkItems(block=True)
    items = making.inner(node, "items")
    assert [item.intAttribValue("size") for item in items] == [1, 2]
    assert all("VIRTUAL_ENV" in item.environment for item in items)


def test_a_missing_environment_is_an_error_on_the_node(net):
    node = making.ours(net, "environment")
    node.parm("environment").set("/nowhere/env")
    told = "%s: Environment Path (environment) /nowhere/env: there is no such folder" % node.path()
    assert told in making.complaint(node)


def test_explain_writes_every_line_into_the_node(net, prefix):
    node = making.ours(net, "environment")
    node.parm("explain").pressButton()
    text = node.parm("explanation").eval()
    assert str(prefix) in text
    assert "PYTHONHOME" in text
    assert "Removed" in text


def test_the_bare_route_runs_the_environments_python_with_its_variables(net, prefix, tmp_path):
    """Environment Edit and Generic Generator as filled by the buttons, with the scheduler's part."""
    ours = making.ours(net, "environment")
    ours.setParms({"environmentvariables": 1})
    ours.setParms({"variablename1": "MINE", "variablevalue1": "\\$HOME"})
    edit, generator = net.createNode("environmentedit", "edit"), net.createNode("genericgenerator", "run")
    making.wedge(net, "size", [1], edit, "int")
    generator.setInput(0, edit)
    generator.parm("pdg_command").set('python3 -c "%s" "%s/seen.json"' % (SHOW.replace('"', "'"), tmp_path))
    ours.setParms({"editnode": "../edit", "generatornode": "../run"})
    ours.hdaModule().fill_edit({"node": ours, "unset": True})
    ours.parm("fillgenerator").pressButton()
    scheduler = net.node("localscheduler")
    assert {"PYTHONHOME", "WORLD_SIZE"} <= set(scheduler.parm("local_envunset").eval().split())
    assert generator.parm("pdg_command").eval().startswith('"%s/bin/python" -c ' % prefix)
    generator.cookWorkItems(block=True)
    assert [item.state.name for item in generator.getPDGNode().workItems] == ["CookedSuccess"]
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["VIRTUAL_ENV"] == str(prefix)
    assert seen["MINE"] == "$HOME"
    assert not {"PYTHONHOME", "WORLD_SIZE"} & set(seen)


def test_filling_again_replaces_and_unsetting_is_only_done_when_asked(net):
    ours, edit = making.ours(net, "environment"), net.createNode("environmentedit", "edit")
    edit.setParms({"environment": 99})
    ours.parm("editnode").set("../edit")
    ours.parm("filledit").pressButton()
    names = [edit.parm("varname%d" % number).eval() for number in range(1, edit.parm("environment").eval() + 1)]
    assert "PATH" in names
    assert "PYTHONHOME" not in names
    assert net.node("localscheduler").parm("local_envunset").eval() == ""


@pytest.mark.parametrize(("value", "expected"), [("", "names no node"), ("../other", "is of type merge")])
def test_another_node_is_refused(net, value, expected):
    ours = making.ours(net, "environment")
    net.createNode("merge", "other")
    ours.parm("editnode").set(value)
    with pytest.raises(Exception, match=expected):
        ours.hdaModule().fill_edit({"node": ours})

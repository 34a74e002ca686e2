"""Work items of the check node."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making


@pytest.fixture
def net(standin, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(making.environment(tmp_path)))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    return making.network(standin.session())


def test_an_item_checks_the_nodes_capture_with_its_options(net, tmp_path):
    node = making.ours(net, "checkdataset", "check")
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    making.set_options(node, "check", minimum_views=3)
    making.generate(node)
    (item,) = making.inner(node, "items")
    core = making.item_of(item)
    assert (core.adapter, core.name, core.config["minimum_views"]) == ("check", "check", 3)
    assert core.dataset == str(tmp_path / "capture") == item.stringAttribValue("dataset")
    assert item.stringAttribValue("trainer") == "check"
    assert item.attrib("report") is None


def test_each_item_above_brings_its_capture_and_all_that_are_missing_are_told(net, tmp_path):
    node = making.ours(net, "checkdataset", "check")
    good = str(making.capture(tmp_path / "good"))
    above = making.wedge(net, "dataset", [good, "no1", "no2"], node)
    text = making.complaint(node)
    assert "2 problems" in text
    assert str(tmp_path / "no1") in text
    assert str(tmp_path / "no2") in text
    above.parm("generate").set(above.parm("generate").eval().replace("no1", good).replace("no2", good))
    making.generate(node)
    assert len(making.inner(node, "items")) == 3  # the same work three times: the first does it


def test_a_train_node_below_takes_the_capture_and_waits_for_the_check(net, tmp_path):
    check = making.ours(net, "checkdataset", "check")
    check.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    train = making.ours(net, "train")
    train.setInput(0, check)
    making.generate(train)
    core = making.item_of(making.inner(train, "items")[0])
    assert core.dataset == str(tmp_path / "capture")
    assert core.depends == (making.inner(check, "items")[0].stringAttribValue("topforge_run"),)


def test_problems_name_the_node(net):
    node = making.ours(net, "checkdataset", "check")
    assert "%s: Capture (dataset) is empty" % node.path() in making.complaint(node)

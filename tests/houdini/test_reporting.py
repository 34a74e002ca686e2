"""Work items of the report node."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making

from topforge.paths import RunPaths


@pytest.fixture
def net(standin, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(making.environment(tmp_path)))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    return making.network(standin.session())


def reported(net, train, **parms):
    node = making.ours(net, "report")
    node.setInput(0, train)
    node.setParms(parms)
    return node


def test_one_page_about_all_items_above(net):
    train = making.command(net, values={"size": 5})
    making.wedge(net, "size", [1, 2], train, "int")
    report = reported(net, train, title="Sizes")
    assert making.cook(report) == ["CookedSuccess"]
    (item,) = making.inner(report)
    runs = [below.stringAttribValue("topforge_run") for below in making.inner(train)]
    core = making.item_of(item)
    assert core.after == tuple(runs)
    assert core.config["title"] == "Sizes"
    page = Path(item.stringAttribValue("report")).read_text(encoding="utf-8")
    assert "Sizes" in page
    assert all(name in page for name in ("train-1", "train-2"))


def test_the_page_is_made_anew_when_what_it_is_about_has_changed(net):
    train = making.command(net)
    report = reported(net, train)
    assert making.cook(report) == ["CookedSuccess"]
    (item,) = making.inner(report)
    page = Path(item.stringAttribValue("report"))
    run = RunPaths(Path(making.inner(train)[0].stringAttribValue("topforge_run")))
    before = page.stat().st_mtime_ns
    net.dirtyAllWorkItems(False)
    assert making.cook(report) == ["CookedCache"]
    assert page.stat().st_mtime_ns == before
    run.manifest.unlink()
    net.dirtyAllWorkItems(False)
    assert making.cook(report) == ["CookedSuccess"]
    assert page.stat().st_mtime_ns > before


def test_failed_items_are_on_the_page(net):
    train = making.command(net, code="import sys; sys.exit({fails})", values={"fails": 0})
    making.wedge(net, "fails", [0, 3], train, "int")
    report = reported(net, train)
    assert making.cook(report) == ["CookedSuccess"]
    assert sorted(item.state.name for item in making.inner(train)) == ["CookedFail", "CookedSuccess"]
    page = Path(making.inner(report)[0].stringAttribValue("report")).read_text(encoding="utf-8")
    assert "1 of 2 runs finished" in page


def test_without_failed_items_the_page_waits_in_vain(net):
    train = making.command(net, code="import sys; sys.exit({fails})", values={"fails": 0})
    making.wedge(net, "fails", [0, 3], train, "int")
    report = reported(net, train, includefailed=0)
    making.cook(report)
    assert not any(item.state.name == "CookedSuccess" for item in making.inner(report))


def test_items_of_other_nodes_are_no_runs(net):
    report = making.ours(net, "report")
    making.wedge(net, "size", [1], report, "int")
    assert "none of the work items above belongs to a TopForge node" in making.complaint(report)

"""What the training monitor is told."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making

LINES = "import sys; [print('PROGRESS: %d/4' % i, flush=True) for i in range(5)]"


@pytest.fixture
def net(standin, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(making.environment(tmp_path)))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    return making.network(standin.session())


def test_a_node_without_runs_has_no_models(net):
    node = making.ours(net, "train")
    assert node.hdaModule().ml_description(node) == []


def test_every_run_that_tells_something_is_a_model(net):
    node = making.command(net, values={"size": 5})
    making.wedge(net, "size", [1, 2], node, "int")
    making.cook(node)
    runs = sorted(Path(item.stringAttribValue("topforge_run")) for item in making.inner(node))
    (runs[0] / "metrics.csv").write_text(
        "step,total,stage,seconds_each,loss,psnr,attempt,seconds\n1,40,train,.1,0.5,,1,1\n2,40,train,.1,0.4,21.0,1,2\n3,4"
    )
    (runs[0] / "previews").mkdir()
    (runs[0] / "previews" / "a.png").write_bytes(b"x")
    (runs[1] / "metrics.csv").write_text("step,total,stage,attempt,seconds\n")
    (model,) = node.hdaModule().ml_description(node)
    assert (model["name"], model["first_epoch"], model["max_epochs"]) == ("train-1", 1, 40)
    assert [plot["name"] for plot in model["plots"]] == ["Loss", "PSNR (dB)", "seconds each"]
    assert {plot["csv_file"] for plot in model["plots"]} == {str(runs[0] / "metrics.csv")}
    assert model["test_results"] == [str(runs[0] / "previews" / "a.png")]

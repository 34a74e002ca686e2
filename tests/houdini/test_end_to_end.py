"""Networks of our nodes cooked to the end: real child processes, the real trainer, a tiny capture.

One cook after another on the same network, as a person works: the tests of this file run in order and share it.
"""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making

from topforge import results, states
from topforge.paths import RunPaths

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="this Python, and so torch, is in no environment")

OPTIONS = {
    "iter": 6,
    "batch": 1,
    "train_res": [32, 32],
    "texture_res": [64, 64],
    "learning_rate": [[0.03, 0.01], [0.001, 0.01]],
    "dmtet_grid": 16,
    "mesh_scale": 3.0,
    "probe_res": 16,
    "hash_log2_size": 10,
    "save_interval": 3,
    "checkpoint_interval": 4,
    "threads": 1,
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder for the whole file, and the capture in it."""
    folder = tmp_path_factory.mktemp("end_to_end")
    making.balls(folder / "capture")
    return folder


@pytest.fixture
def net(standin, shared, monkeypatch):
    """A network in a scene that lies beside the capture, so that all tests share the run folders."""
    monkeypatch.setenv("TOPFORGE_ENV", sys.prefix)
    monkeypatch.setenv("TOPFORGE_CACHE", str(shared / "cache"))
    monkeypatch.setenv("TOPFORGE_LEASE_FOLDER", str(shared / "leases"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name, value in {"PYTHONHOME": "/opt/hfs/python", "PYTHONPATH": "/opt/hfs/houdini/python3.11libs"}.items():
        monkeypatch.setenv(name, value)  # as in a session of Houdini: every child must shrug this off
    hou = standin.session()
    hou.hipFile.setName(str(shared / "scene.hip"))
    return making.network(hou)


def trainer(net, **options):
    node = making.ours(net, "train")
    node.parm("dataset").set("$HIP/capture")
    making.set_options(node, "topforge", **{**OPTIONS, **options})
    return node


def paths_of(item) -> RunPaths:
    return RunPaths(Path(item.stringAttribValue("topforge_run")))


def complaints(*nodes) -> str:
    """Errors of our nodes' insides, and what their items logged."""
    lines = [error for node in nodes for child in node.children() for error in child.errors()]
    return "\n".join(lines + [str(item.logMessages) for node in nodes for item in making.inner(node)])


def attempts(item) -> int:
    return len(list(paths_of(item).run.glob("attempt-*.log")))


def test_a_cook_trains_and_tells(net):
    check = making.ours(net, "checkdataset", "check")
    check.parm("dataset").set("$HIP/capture")
    node = trainer(net)
    node.parm("dataset").set("")
    node.setInput(0, check)
    assert making.cook(node) == ["CookedSuccess"], complaints(node)
    (item,) = making.inner(node)
    paths = paths_of(item)
    assert results.is_complete(paths.run, making.item_of(item).key, verify=True)
    assert item.floatAttribValue("psnr") > 5.0
    assert item.floatAttribValue("psnr") == results.read(paths.run).metrics["psnr"]
    assert item.intAttribValue("step") > 0
    assert item.stringAttribValue("eta") == ""
    assert Path(item.stringAttribValue("preview")).is_file()
    assert Path(item.stringAttribValue("report")).is_file()
    outputs = {file.tag: file for file in item.outputFiles}
    assert {"file/json", "file/geo", "file/geo/usd", "file/image"} <= set(outputs)
    assert all(Path(file.local_path).is_file() for file in item.outputFiles)
    assert making.item_of(item).depends == (making.inner(check)[0].stringAttribValue("topforge_run"),)
    assert node.hdaModule().ml_description(node)[0]["max_epochs"] == 2 * OPTIONS["iter"]  # two passes


def test_dirtied_and_cooked_again_it_comes_from_the_cache(net):
    node = trainer(net)
    assert making.cook(node) == ["CookedCache"]  # in a new session even: the run folder is found by its key
    net.dirtyAllWorkItems(False)
    assert making.cook(node) == ["CookedCache"]
    (item,) = making.inner(node)
    assert attempts(item) == 1
    assert item.floatAttribValue("psnr") > 5.0
    assert Path(item.stringAttribValue("preview")).is_file()


def test_written_anew_it_still_trains_nothing(net):
    node = trainer(net)
    node.parm("pdg_cachemode").set("2")
    assert making.cook(node) == ["CookedSuccess"]
    (item,) = making.inner(node)
    assert attempts(item) == 1
    assert "file/geo/usd" in {file.tag for file in item.outputFiles}


def test_only_what_changed_is_trained(net):
    node = trainer(net)
    values = making.wedge(net, "seed", [0, 1], node, "int")
    assert making.cook(node) == ["CookedSuccess", "CookedSuccess"]
    values.parm("generate").set(values.parm("generate").eval().replace("[0, 1]", "[0, 2]"))
    assert sorted(making.cook(node)) == ["CookedCache", "CookedSuccess"]
    node.parm("timelimit").set(1000.0)
    assert making.cook(node) == ["CookedCache", "CookedCache"]
    node.parm("topforge_iter").set(5)
    assert making.cook(node) == ["CookedSuccess", "CookedSuccess"]


def test_a_wedge_ends_in_one_report(net):
    node = trainer(net)
    making.wedge(net, "seed", [0, 1], node, "int")
    report = making.ours(net, "report")
    report.setInput(0, node)
    report.parm("title").set("Seeds")
    assert making.cook(report) == ["CookedSuccess"]
    assert [item.state.name for item in making.inner(node)] == ["CookedCache", "CookedCache"]
    page = Path(making.inner(report)[0].stringAttribValue("report")).read_text(encoding="utf-8")
    assert "Seeds" in page
    assert "2 of 2 runs finished" in page


def wait_for(condition, what, seconds=120.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain for %s" % what)


def alive(marker: str) -> list[int]:
    """Processes with this text in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                found += [int(entry.name)] if marker in words else []
        except OSError:
            continue
    return found


def test_cancelled_half_way_nothing_is_left_running_and_the_next_cook_goes_on(net):
    node = trainer(net, seed=9, iter=60)
    node.cookWorkItems(block=False)
    (item,) = wait_for(lambda: making.inner(node), "the work item")
    paths = paths_of(item)
    wait_for(lambda: len(list(paths.checkpoint.glob("*"))) > 1, "checkpoints")
    node.cancelCook()
    wait_for(lambda: making.inner(node)[0].state.name == "CookedCancel", "the cancelled state")
    wait_for(lambda: not alive(paths.run.name), "the end of the trainer", 10.0)
    assert states.read(paths.state).status.value == "running"  # killed: nobody could write more
    saved = sorted(path.name for path in paths.checkpoint.glob("*"))
    assert saved
    assert not paths.manifest.exists()
    assert making.cook(node) == ["CookedSuccess"]
    log = paths.attempt_log(2).read_text()
    assert "resum" in log.lower(), log
    steps = [int(row.split(",")[0]) for row in paths.metrics.read_text().splitlines()[1:] if row.split(",")[-2] == "2"]
    assert min(steps) > 4  # not from the start


def test_nothing_trains_on_a_capture_that_fails_its_check(net, shared):
    broken = shared / "broken"
    shutil.copytree(shared / "capture", broken)
    (broken / "train" / "r_03.png").write_bytes(b"not a picture")
    check = making.ours(net, "checkdataset", "check")
    check.parm("dataset").set("$HIP/broken")
    node = trainer(net)
    node.parm("dataset").set("")
    node.setInput(0, check)
    node.cookWorkItems(block=True)
    assert [item.state.name for item in making.inner(check)] == ["CookedFail"]
    assert "r_03.png" in complaints(check)
    assert not any(item.state.name in ("CookedSuccess", "CookedFail") for item in making.inner(node))
    items = making.inner(node, "items")
    assert items
    assert [attempts(item) for item in items] == [0] * len(items)

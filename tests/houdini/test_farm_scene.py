"""The farm scene cooked on a stand-in of HQueue: other processes, another environment, tags, cancel."""

import os
import sys
import threading
import time
import xmlrpc.client
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent / "standin"))

import hqueue
import making

from topforge import results
from topforge.paths import RunPaths

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="this Python, and so torch, is in no environment")

REPOSITORY = Path(__file__).resolve().parents[2]
OPTIONS = {
    "iter": 3,
    "batch": 1,
    "train_res": [32, 32],
    "texture_res": [32, 32],
    "isosurface": "dmtet",
    "dmtet_grid": 16,
    "mesh_scale": 3.0,
    "probe_res": 16,
    "hash_log2_size": 10,
    "save_interval": 3,
    "checkpoint_interval": 2,
    "threads": 1,
}
SESSION = {"PYTHONHOME": "/opt/hfs/python", "HOUDINI_PATH": "/opt/hfs/houdini", "HFS": "/opt/hfs", "STUDIO": "session"}
"""What a session of Houdini has and a machine of the farm has not."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The shared drive, and a tiny capture on it."""
    folder = tmp_path_factory.mktemp("farm")
    making.balls(folder / "capture")
    return folder


@pytest.fixture
def farm(shared, monkeypatch):
    """Started from within the session, whose environment must not reach it."""
    for name, value in SESSION.items():
        monkeypatch.setenv(name, value)
    with hqueue.Farm(shared) as farm:
        yield farm


@pytest.fixture
def net(standin, shared, farm, monkeypatch):
    """The network of hip/topforge_farm.hip, with what its note tells a person to set, on the CPU."""
    monkeypatch.setenv("TOPFORGE_ENV", sys.prefix)
    monkeypatch.setenv("TOPFORGE_CACHE", str(shared / "cache"))
    hou = standin.session()
    hou.hipFile.load(str(REPOSITORY / "hip" / "topforge_farm.hip"), True, False)
    hou.hipFile.setName(str(shared / "scene.hip"))
    net = hou.node("/tasks/topforge")
    net.node("hqueue").parm("address").set(farm.address)
    net.node("hqueue").parm("pdg_tickperiod").set(0.1)
    net.node("check").parm("dataset").set("$HIP/capture")
    making.set_options(net.node("train"), "topforge", **OPTIONS)
    net.node("train").parm("gpus").set(0)
    return net


def complaints(net):
    nodes = [net.node(name) for name in ("check", "train", "report")]
    lines = [error for node in nodes for child in node.children() for error in child.errors()]
    return "\n".join(lines + [str(item.logMessages) for node in nodes for item in making.inner(node)])


def processes(marker):
    """Processes with this text in their command line: number -> environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            other = entry.name.isdigit() and int(entry.name) != os.getpid()
            if other and marker in (entry / "cmdline").read_bytes().decode("utf-8", "replace"):
                pairs = (entry / "environ").read_bytes().decode("utf-8", "replace").split("\0")
                found[int(entry.name)] = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        except OSError:
            continue
    return found


def wait_for(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain for %s" % what)


class Watch:
    """Which jobs ran together, and what environments their processes had, looked at all the while."""

    def __init__(self, address, marker):
        self.together, self.environments = set(), {}
        self._address, self._marker, self._over = address, marker, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *problem):
        self._over.set()
        self._thread.join()

    def _look(self):
        server = xmlrpc.client.ServerProxy(self._address)
        while not self._over.wait(0.05):
            self.together.add(tuple(server.getJobIdsByStatus(["running"])))
            self.environments.update(processes(self._marker))


def test_the_scene_trains_on_the_farm_one_item_at_a_time(net, farm, shared):
    seeds = making.wedge(net, "seed", [0, 1], net.node("train"), "int")
    seeds.setInput(0, net.node("check"))
    code = seeds.parm("generate").eval().replace("index=number", "index=number, parent=upstream_items[0]")
    seeds.parm("generate").set(code)
    with Watch(farm.address, str(shared / "topforge" / "train")) as watch:
        states = making.cook(net.node("train"))
    assert states == ["CookedSuccess", "CookedSuccess"], complaints(net)
    items = making.inner(net.node("train"))
    assert len({item.stringAttribValue("topforge_run") for item in items}) == 2
    for item in items:
        run = RunPaths(Path(item.stringAttribValue("topforge_run"))).run
        assert results.is_complete(run, making.item_of(item).key, verify=True)
        assert item.floatAttribValue("psnr") == results.read(run).metrics["psnr"]  # told over TCP, from the farm
    jobs = farm.hqueue.getJobs([item.intAttribValue("hqueue_jobid") for item in items])
    assert [job["tags"] for job in jobs] == [["single:gpu"], ["single:gpu"]]
    assert {len(ids) for ids in watch.together} <= {0, 1}, "two trainings on one machine"
    assert {ids[0] for ids in watch.together if ids} == {job["id"] for job in jobs}
    assert watch.environments
    for variables in watch.environments.values():
        assert not set(SESSION) & set(variables)
        assert "JOBID" in variables
    assert making.cook(net.node("report")) == ["CookedSuccess"], complaints(net)
    assert [item.state.name for item in making.inner(net.node("train"))] == ["CookedSuccess", "CookedSuccess"]


def test_what_a_job_on_the_farm_has_in_its_environment(net, farm, shared):
    look = net.createNode("genericgenerator", "look")
    look.parm("topscheduler").set("../hqueue")
    look.parm("pdg_command").set("env")
    look.cookWorkItems(block=True)
    (item,) = look.getPDGNode().workItems
    assert item.state.name == "CookedSuccess", look.errors()
    output = farm.hqueue.getJobOutput(item.intAttribValue("hqueue_jobid"))
    found = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    assert not set(SESSION) & set(found)
    assert found["HQROOT"] == found["PDG_DIR"] == str(shared.resolve())
    assert found["HQSERVER"] == farm.address
    assert {"HQCLIENT", "HQCLIENTARCH", "JOBID", "PDG_RESULT_SERVER"} <= set(found)
    others = {
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PATH",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "HOUDINI_MAXTHREADS",
        "LC_CTYPE",
    }
    assert {name for name in found if not name.startswith(("PDG_", "HQ", "JOBID"))} <= others


def test_cancelled_nothing_is_left_on_the_farm(net, farm):
    making.set_options(net.node("train"), "topforge", **{**OPTIONS, "iter": 100000, "seed": 7})
    net.node("train").cookWorkItems(block=False)
    (item,) = wait_for(lambda: making.inner(net.node("train")), "the work item")
    run = Path(item.stringAttribValue("topforge_run"))
    wait_for(lambda: len(processes(run.name)) > 1, "the trainer")
    net.node("train").cancelCook()
    wait_for(lambda: item.state.name == "CookedCancel", "the cancelled state", 10.0)
    wait_for(lambda: not processes(run.name), "the end of the trainer", 5.0)
    assert farm.hqueue.getJob(item.intAttribValue("hqueue_jobid"), ["status"]) == {"status": "cancelled"}


def sleeping(farm, *tags, **more):
    return farm.hqueue.newjob({"name": "sleep", "command": "sleep 0.4", "tags": list(tags), **more})[0]


@pytest.mark.parametrize(
    ("tags", "together"),
    [((["single:gpu"], ["single:gpu"]), False), ((["single:gpu"], ["single:other"]), True), (([], []), True),
     ((["single"], []), False)],
)  # fmt: skip
def test_tags_say_what_may_run_together(farm, tags, together):
    with Watch(farm.address, "no such process") as watch:
        ids = [sleeping(farm, *some) for some in tags]
        wait_for(lambda: farm.hqueue.getJobIdsByStatus(["succeeded"]) == ids, "both jobs", 10.0)
    assert (tuple(ids) in watch.together) is together


def test_without_a_number_of_processors_a_job_has_the_machine(net, farm):
    net.node("hqueue").parm("hqueue_is_CPU_number_set").set(0)
    look = net.createNode("genericgenerator", "look")
    look.parm("topscheduler").set("../hqueue")
    look.parm("pdg_command").set("true")
    look.cookWorkItems(block=True)
    (item,) = look.getPDGNode().workItems
    assert farm.hqueue.getJob(item.intAttribValue("hqueue_jobid"), ["tags"])["tags"] == ["single:gpu", "single"]


def test_a_failing_job_and_an_unreachable_farm_are_told(net):
    look = net.createNode("genericgenerator", "look")
    look.parm("topscheduler").set("../hqueue")
    look.parm("pdg_command").set("echo so it goes; false")
    look.cookWorkItems(block=True)
    (item,) = look.getPDGNode().workItems
    assert item.state.name == "CookedFail"
    assert "is failed" in "\n".join(look.errors())
    net.node("hqueue").parm("address").set("http://127.0.0.1:1")
    look.cookWorkItems(block=True)
    assert "cannot be submitted to HQueue at http://127.0.0.1:1" in "\n".join(look.errors())

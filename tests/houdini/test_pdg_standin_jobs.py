"""Processes of the stand-in's local scheduler: each trap of the real one, with a real child."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from pathlib import Path

import pytest

DUMP = "import json, os; json.dump(dict(os.environ), open(os.environ['PDG_DIR'] + '/environment.json', 'w'))"
REPORT = "import os, sys; sys.path.insert(0, os.environ['PDG_SCRIPTDIR']); import pdgcmd\n"


def environment(network, *sources, **parameters):
    """What the child of one cook sees."""
    run = network.python(DUMP, *sources, **parameters)
    network.cook(run)
    assert network.states(run) == ["CookedSuccess"], network.errors(run)
    return json.loads((network.folder / "environment.json").read_text())


def log(network, item):
    return Path(item.logURI[len("file://") :]).read_text()


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path("/proc/%d/stat" % pid).read_text().split()[2] != "Z"


# environment


def test_a_child_sees_the_whole_environment_of_the_session(network, monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "ANYTHING"):
        monkeypatch.setenv(name, "/opt/hfs/" + name.lower())
    seen = environment(network)
    assert seen["PYTHONHOME"] == "/opt/hfs/pythonhome"
    assert seen["QT_PLUGIN_PATH"] == "/opt/hfs/qt_plugin_path"
    assert seen["ANYTHING"] == "/opt/hfs/anything"


def test_a_foreign_python_that_is_not_isolated_breaks_on_it(network, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/opt/hfs/python")
    run = network.python("print('works')")
    network.cook(run)
    assert network.states(run) == ["CookedSuccess"]
    run.set(pdg_command=run.values["pdg_command"].replace(" -I ", " "))
    network.context.dirty(run)
    network.cook(run)
    assert network.states(run) == ["CookedFail"]


def test_exported_attributes_replace_variables_and_the_rest_do_not_reach_the_child(network, monkeypatch):
    monkeypatch.setenv("CUDA_HOME", "/session")
    body = """
item = item_holder.addWorkItem(index=0)
item.setStringAttrib("CUDA_HOME", "/env")
item.setAttribFlag("CUDA_HOME", pdg.attribFlag.EnvExport, True)
item.setStringAttrib("SECRET", "no")
"""
    seen = environment(network, network.processor(body))
    assert seen["CUDA_HOME"] == "/env"
    assert "SECRET" not in seen


def test_the_order_is_session_item_pdg_scheduler_scene_and_unset_last(network, monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("HIP", "/scene")
    body = """
item = item_holder.addWorkItem(index=0)
for name in ("A", "B", "PDG_INDEX"):
    item.setStringAttrib(name, "item")
    item.setAttribFlag(name, pdg.attribFlag.EnvExport, True)
"""
    local = network.scheduler.set(local_envmulti=3, local_envunset="B C")
    local.set(local_envname1="A", local_envvalue1="parm", local_envname2="C", local_envvalue2="parm")
    local.set(local_envname3="PATH", local_envvalue3="/first")
    seen = environment(network, network.processor(body))
    assert seen["A"] == "parm"
    assert "B" not in seen
    assert "C" not in seen
    assert seen["PDG_INDEX"] == "0"
    assert seen["PATH"] == "/first:" + os.environ["PATH"]
    assert seen["HIP"]


def test_job_parameters_of_the_node_win_over_the_schedulers(network, monkeypatch):
    monkeypatch.setenv("A", "1")
    monkeypatch.setenv("B", "1")
    network.scheduler.set(local_envunset="A")
    run = network.python(DUMP).spare(local_envunset="B")
    network.cook(run)
    seen = json.loads((network.folder / "environment.json").read_text())
    assert "A" in seen
    assert "B" not in seen


def test_what_pdg_tells_its_jobs(network):
    seen = environment(network, network.processor("item_holder.addWorkItem(index=4)"))
    item = network.items(network.add("genericgenerator", name="run"))[0]
    assert (seen["PDG_ITEM_NAME"], seen["PDG_ITEM_ID"], seen["PDG_INDEX"]) == (item.name, str(item.id), "4")
    assert seen["PDG_DIR"] == str(network.folder)
    assert Path(seen["PDG_SCRIPTDIR"], "pdgcmd.py").is_file()
    assert seen["PDG_RESULT_SERVER"].startswith("127.0.0.1:")
    assert (seen["PDG_RPC_TIMEOUT"], seen["PDG_RPC_MAX_ERRORS"], seen["HOUDINI_PACKAGE_SKIP"]) == ("1", "5", "1")
    data = json.loads(gzip.decompress(Path(seen["PDG_TEMP"], "data", item.name + ".json.gz").read_bytes()))
    assert data["name"] == item.name


# commands


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("A=1 /bin/true", "executable not found: A=1"),
        ("no-such-program --x", "executable not found: no-such-program"),
        ("/bin/echo 'unclosed", "No closing quotation"),
        ("/bin/sh -c 'exit 3'", "exit code 3"),
        ("/bin/echo __PDG_NONSENSE__", "__PDG_NONSENSE__"),
    ],
)
def test_commands_that_fail_say_why(network, command, reason):
    run = network.shell(command)
    network.cook(run)
    assert network.states(run) == ["CookedFail"]
    assert reason in network.errors(run)
    assert reason in network.items(run)[0].logMessages


def test_there_is_no_shell_unless_it_is_asked_for(network):
    command = "/bin/echo a && touch %s/made > $HOME" % network.folder
    run = network.shell(command)
    (item,) = network.cook(run)
    assert log(network, item) == "a && touch %s/made > $HOME\n" % network.folder
    assert not (network.folder / "made").exists()
    run.set(shellcommand=1, pdg_command="A=1 && touch %s/made$A" % network.folder)
    network.context.dirty(run)
    network.cook(run)
    assert (network.folder / "made1").exists()


def test_attributes_are_evaluated_at_generation_and_tokens_when_scheduled(network):
    items = network.processor("item_holder.addWorkItem(index=2).setStringAttrib('a', 'before')")
    run = network.shell("/bin/echo `@a` __PDG_ITEM_NAME__ __PDG_INDEX__ __PDG_DIR__", items)
    network.cook(run, generate_only=True)
    item = network.items(run)[0]
    assert item.command == "/bin/echo before __PDG_ITEM_NAME__ __PDG_INDEX__ __PDG_DIR__"
    moved = network.folder / "moved"
    network.scheduler.set(pdg_workingdir=str(moved))
    network.cook(run)
    assert log(network, item) == "before %s 2 %s\n" % (item.name, moved)
    assert item.localizePath("__PDG_DIR__/x") == "%s/x" % moved


def test_output_goes_to_the_log_of_the_item(network):
    run = network.shell("/bin/sh -c 'echo out; echo err >&2'", network.processor("item_holder.addWorkItem(index=0)"))
    (item,) = network.cook(run)
    assert log(network, item) == "out\nerr\n"
    assert item.logURI.endswith("/pdgtemp/logs/%s.log" % item.name)


def test_slots_limit_what_runs_at_once(network):
    code = """
import os, time
folder = os.environ["PDG_DIR"] + "/running"
os.makedirs(folder, exist_ok=True)
mine = os.path.join(folder, str(os.getpid()))
open(mine, "w").close()
print(len(os.listdir(folder)))
time.sleep(0.2)
os.remove(mine)
"""
    items = network.processor("for i in range(4):\n    item_holder.addWorkItem(index=i)")
    run = network.python(code, items)
    counts = [int(log(network, item)) for item in network.cook(run)]
    assert max(counts) == 2
    network.scheduler.set(local_single=1)
    network.context.dirty(run)
    assert [int(log(network, item)) for item in network.cook(run)] == [1, 1, 1, 1]


def test_exit_codes_as_warning_ignored_or_tried_again(network):
    script = "/bin/sh -c 'echo x >> %s/tries; test $(wc -l < %s/tries) -gt 2'" % (network.folder, network.folder)
    run = network.shell(script)
    network.scheduler.set(local_echandleby=2)
    network.cook(run)
    assert network.states(run) == ["CookedSuccess"]
    assert len((network.folder / "tries").read_text().split()) == 3
    for handling in (1, 3):
        network.scheduler.set(local_echandleby=handling)
        run = network.shell("/bin/false", name="handled%d" % handling)
        network.cook(run)
        assert network.states(run) == ["CookedSuccess"]
        assert bool(network.context.messages(run)[1]) == (handling == 1)


def test_a_time_limit_kills(network):
    network.scheduler.set(local_enabletimeout=1, local_maxtime=0.3)
    run = network.shell("/bin/sleep 60")
    network.cook(run)
    assert network.states(run) == ["CookedFail"]
    assert "killed" in network.errors(run)


# cancel


def test_cancel_kills_the_whole_group_at_once_even_what_ignores_signals(network):
    code = """
import os, signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda *a: open(os.environ["PDG_DIR"] + "/noticed", "w").close())
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(os.environ["PDG_DIR"] + "/pids.tmp", "w").write("%d %d" % (os.getpid(), child.pid))
os.rename(os.environ["PDG_DIR"] + "/pids.tmp", os.environ["PDG_DIR"] + "/pids")
time.sleep(60)
"""
    run = network.python(code, network.processor("for i in range(2):\n    item_holder.addWorkItem(index=i)"))
    after = network.add("null", run)
    network.scheduler.set(maxprocs=1)
    network.context.cook(after)
    wait_for((network.folder / "pids").exists)
    assert network.context.public.cooking
    assert [item.state.name for item in network.items(run)] == ["Cooking", "Scheduled"]
    network.context.cancel()
    network.context.wait()
    pids = [int(word) for word in (network.folder / "pids").read_text().split()]
    wait_for(lambda: not any(alive(pid) for pid in pids))
    assert not (network.folder / "noticed").exists()
    assert network.states(run) == ["CookedCancel"] * 2
    assert network.states(after) == ["Uncooked"] * 2


def test_one_item_can_be_cancelled_and_a_second_cook_resumes(network):
    command = "/bin/sh -c 'test -e %s/go || sleep 60'" % network.folder
    run = network.shell(command, network.processor("for i in range(2):\n    item_holder.addWorkItem(index=i)"))
    network.context.cook(run)
    wait_for(lambda: network.context.node_for(run).workItems[1:] and network.items(run)[1].state.name == "Cooking")
    network.items(run)[0].cancel()
    wait_for(lambda: network.items(run)[0].state.name == "CookedCancel")
    assert network.items(run)[1].state.name == "Cooking"
    network.context.cancel()
    network.context.wait()
    (network.folder / "go").touch()
    network.cook(run)
    assert network.states(run) == ["CookedSuccess"] * 2


def test_a_job_that_dies_by_a_signal_fails(network):
    run = network.python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    network.cook(run)
    assert network.states(run) == ["CookedFail"]
    assert "exit code -%d" % signal.SIGKILL in network.errors(run)


# callbacks


def test_a_job_reports_attributes_progress_outputs_and_log(network, standin):
    code = (
        REPORT
        + """
pdgcmd.setFloatAttrib("psnr", 31.5, 0)
pdgcmd.setStringAttrib("eta", "3 min", 0)
pdgcmd.setStringAttribArray("names", ["a", "b"])
pdgcmd.setIntAttrib("step", 400, 0)
pdgcmd.setFileAttrib("preview", os.environ["PDG_DIR"] + "/p.png", 0)
pdgcmd.workItemSetCookPercent(0.4)
pdgcmd.workItemSetCustomState("step 400/1000, 3 min left")
pdgcmd.workItemAppendLog("a line\\n", log_type=2)
pdgcmd.warning("careful")
pdgcmd.addOutputFiles([os.environ["PDG_DIR"] + "/a.obj", "/elsewhere/b.obj"], output_file_tag="file/geo")
pdgcmd.addOutputFile("/elsewhere/b.obj", result_data_tag="file/geo/again")
"""
    )
    seen = []
    run = network.python(code, network.processor("item_holder.addWorkItem(index=0).setIntAttrib('step', 0)"))
    network.cook(run, generate_only=True)
    kind = standin.pdg.EventType.WorkItemCookPercentUpdate
    network.items(run)[0].addEventHandler(lambda event: seen.append(event.type.name), kind)
    (item,) = network.cook(run)
    assert item.state.name == "CookedSuccess", log(network, item)
    assert (item.floatAttribValue("psnr"), item.intAttribValue("step")) == (31.5, 400)
    assert (item.stringAttribValue("eta"), item.stringAttribArray("names")) == ("3 min", ["a", "b"])
    assert item.fileAttribValue("preview").local_path == "%s/p.png" % network.folder
    assert (item.cookPercent, item.customState, seen) == (0.4, "step 400/1000, 3 min left", [kind.name])
    assert "a line" in item.logMessages
    assert "careful" in network.context.messages(run)[1][0]
    assert [(file.path, file.tag) for file in item.outputFiles] == [
        ("__PDG_DIR__/a.obj", "file/geo"),
        ("/elsewhere/b.obj", "file/geo/again"),
    ]
    assert item.outputFiles[0].local_path == "%s/a.obj" % network.folder


def test_what_the_server_refuses_is_an_error_in_the_job(network):
    run = network.python(REPORT + "pdgcmd.setIntAttrib('step', 'many', 0)")
    (item,) = network.cook(run)
    assert item.state.name == "CookedFail"
    assert "TypeError" in log(network, item)
    run = network.python(REPORT + "pdgcmd.setTheAttrib('step', 1)", name="unknown")
    (item,) = network.cook(run)
    assert "pdgcmd.setTheAttrib is not documented" in log(network, item)


def test_reporting_turns_itself_off_when_the_server_is_gone_and_the_job_goes_on(network):
    code = (
        REPORT
        + """
import time
open(os.environ["PDG_DIR"] + "/up", "w").close()
while not os.path.exists(os.environ["PDG_DIR"] + "/down"):
    time.sleep(0.01)
failed = 0
for attempt in range(8):
    try:
        pdgcmd.workItemSetCookPercent(attempt / 8)
    except RuntimeError:
        failed += 1
print("failed %d off %s" % (failed, pdgcmd.disabled))
"""
    )
    run = network.python(code)
    network.context.cook(run)
    wait_for((network.folder / "up").exists)
    network.context.scheduler_for(network.context.nodes[run.path()]).server.stop()
    (network.folder / "down").touch()
    network.context.wait()
    (item,) = network.items(run)
    assert item.state.name == "CookedSuccess"
    text = log(network, item)
    assert "off for this process after 5 errors" in text
    assert "failed 5 off True" in text
    assert text.count("PDG: percent") == 3


def test_without_a_server_pdgcmd_only_prints(network):
    script = (
        "unset PDG_RESULT_SERVER; exec %s"
        % network.python(REPORT + "pdgcmd.setIntAttrib('a', 1, 0)").values["pdg_command"]
    )
    (item,) = network.cook(network.shell(script, name="printed", shellcommand=1))
    assert item.state.name == "CookedSuccess"
    assert '"name": "a"' in log(network, item)
    assert item.attrib("a") is None

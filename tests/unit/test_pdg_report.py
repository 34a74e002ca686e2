"""What PDG is told while an item works: in real runner processes, by a module in the place of SideFX's pdgcmd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import harness
from harness import make_item, run

from topforge.paths import RunPaths
from topforge.running import pdg_report
from topforge.running.pdg_report import News, PdgReport

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"

PDGCMD = """
import os, json
def note(name, *arguments, **options):
    with open(os.environ["PDG_NOTES"], "a") as stream:
        stream.write(json.dumps([name, arguments, options]) + "\\n")
def workItemSetCookPercent(value): note("percent", value)
def workItemSetCustomState(text): note("state", text)
def workItemAppendLog(text, log_type=3): note("log", text, log_type=log_type)
def addOutputFiles(paths, output_file_tag=""): note("outputs", paths, tag=output_file_tag)
def setFloatAttrib(name, value, index): note("float", name, value, index)
def setIntAttrib(name, value, index): note("int", name, value, index)
def setStringAttrib(name, value, index): note("string", name, value, index)
"""


@pytest.fixture(autouse=True)
def _end_runners():
    yield
    harness.end_all()


def pdg(tmp_path, source=PDGCMD):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "pdgcmd.py").write_text(source)
    return {
        "PDG_SCRIPTDIR": str(tmp_path / "scripts"),
        "PDG_RESULT_SERVER": "localhost:1",
        "PDG_NOTES": str(tmp_path / "pdg.txt"),
    }


def told(tmp_path):
    return [json.loads(line) for line in (tmp_path / "pdg.txt").read_text().splitlines()]


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Makes a PdgReport in this process, on a pdgcmd with the given source."""

    def make(source=PDGCMD):
        variables = pdg(tmp_path, source)
        monkeypatch.setenv("PDG_NOTES", variables["PDG_NOTES"])
        for name in ("PDG_RPC_TIMEOUT", "PDG_RPC_RETRIES", "PDG_RPC_MAX_BACKOFF"):
            monkeypatch.setenv(name, "1")  # pytest puts back what the report sets
        monkeypatch.delitem(sys.modules, "pdgcmd", raising=False)
        problems = []
        return PdgReport(variables, problems.append), problems

    yield make
    sys.modules.pop("pdgcmd", None)


def test_pdg_is_told_progress_attributes_outputs_and_metrics(tmp_path):
    paths = make_item(tmp_path, steps=4)
    assert run(paths, **pdg(tmp_path)).returncode == 0
    calls = told(tmp_path)
    assert calls[0] == ["log", ["the trainer's output: %s\n" % paths.attempt_log(1)], {"log_type": 2}]
    assert ["percent", [1.0], {}] in calls
    assert ["outputs", [[str(paths.manifest)]], {"tag": "file/json"}] in calls
    assert ["outputs", [[str(paths.result / "mesh/mesh.obj")]], {"tag": "file/geo"}] in calls
    assert ["float", ["psnr", 27.5, 0], {}] in calls
    assert ["float", ["topforge_psnr", 27.5, 0], {}] in calls
    assert [call[1][1] for call in calls if call[:1] == ["int"]][-1] == 4
    assert [call[1][1] for call in calls if call[1][0] == "eta"][-1] == ""
    assert [call[1][0] for call in calls if call[0] == "state"][-1] == "done"


def test_a_long_run_is_told_of_now_and_then_and_only_what_is_new(tmp_path):
    paths = make_item(tmp_path, steps=100, step_seconds=0.04, save_every=1000)
    started = time.monotonic()
    assert run(paths, **pdg(tmp_path)).returncode == 0
    most = 2 + (time.monotonic() - started) / pdg_report._PERIOD_SECONDS
    calls = told(tmp_path)
    steps = [call[1][1] for call in calls if call[0] == "int"]
    states = [call[1][0] for call in calls if call[0] == "state"]
    assert 2 <= len(steps) <= most + 1
    assert steps == sorted(set(steps))
    assert any(state.startswith("step ") and "/100" in state for state in states)
    assert all(first != second for first, second in zip(states, states[1:]))


def test_a_finished_item_tells_its_outputs_again(tmp_path):
    """PDG forgot them when the node was dirtied."""
    paths = make_item(tmp_path)
    assert run(paths).returncode == 0
    variables = {**os.environ, **pdg(tmp_path)}
    command = [sys.executable, "-I", str(PIPELINE / "topforge"), "run-item", str(paths.run)]
    assert subprocess.run(command, env=variables).returncode == 0
    calls = told(tmp_path)
    assert ["outputs", [[str(paths.manifest)]], {"tag": "file/json"}] in calls
    assert ["float", ["psnr", 27.5, 0], {}] in calls


def test_what_looks_wrong_is_a_warning_in_the_work_items_log(tmp_path):
    paths = make_item(tmp_path, size=64, out_of_memory_above=32)
    assert run(paths, **pdg(tmp_path)).returncode == 0
    assert ["log", ["size lowered from 64 to 32\n"], {"log_type": 1}] in told(tmp_path)


def test_a_failure_is_the_last_thing_in_the_work_items_log(tmp_path):
    paths = make_item(tmp_path, crash_at=2)
    assert run(paths, **pdg(tmp_path)).returncode != 0
    name, arguments, options = told(tmp_path)[-1]
    assert (name, options) == ("log", {"log_type": 0})
    assert "loss is not finite" in arguments[0]


@pytest.mark.parametrize("source", ["raise ImportError('no hou')", "def workItemSetCookPercent(v): raise OSError(1)"])
def test_a_pdg_that_does_not_answer_costs_nothing(tmp_path, source):
    paths = make_item(tmp_path)
    done = run(paths, **pdg(tmp_path, source))
    assert done.returncode == 0
    assert "PDG is" in done.stdout


def test_attributes_follow_the_newest_values_and_preview(tmp_path, report, monkeypatch):
    monkeypatch.setattr(pdg_report, "_PERIOD_SECONDS", 0.0)
    reporter, problems = report()
    paths = RunPaths(tmp_path / "run")
    reporter.progress(paths, News(0.4, "step 400/1000", 400, 190.0, {"psnr": 20.5, "loss": 0.1}))
    paths.previews.mkdir(parents=True)
    (paths.previews / "b.png").write_bytes(b"1")
    (paths.previews / ".tmp-c.png").write_bytes(b"1")
    (paths.previews / "notes.txt").write_bytes(b"1")
    reporter.progress(paths, News(0.4, "step 400/1000", 400, 190.0, {"psnr": 21.0}))
    assert told(tmp_path) == [
        ["percent", [0.4], {}],
        ["state", ["step 400/1000, 3 min 10 s left"], {}],
        ["int", ["step", 400, 0], {}],
        ["float", ["psnr", 20.5, 0], {}],
        ["string", ["eta", "3 min 10 s", 0], {}],
        ["float", ["psnr", 21.0, 0], {}],
        ["string", ["preview", (paths.previews / "b.png").as_posix(), 0], {}],
    ]
    assert not problems


def test_what_was_held_back_is_told_at_the_end(tmp_path, report):
    reporter, _ = report()
    paths = RunPaths(tmp_path / "run")
    reporter.progress(paths, News(0.1, "step 1/10", 1))
    reporter.progress(paths, News(0.2, "step 2/10", 2))
    assert ["int", ["step", 2, 0], {}] not in told(tmp_path)
    reporter.failed(paths, "it broke")
    assert told(tmp_path)[-1] == ["log", ["it broke\n"], {"log_type": 0}]
    assert ["int", ["step", 2, 0], {}] in told(tmp_path)


def test_after_three_failures_in_a_row_pdg_is_left_alone_and_that_is_said_once(tmp_path, report, monkeypatch):
    monkeypatch.setattr(pdg_report, "_PERIOD_SECONDS", 0.0)
    reporter, problems = report("calls = []\ndef __getattr__(name): calls.append(name); raise OSError(111)")
    for number in range(20):
        reporter.progress(RunPaths(tmp_path), News(number / 20, "step", number))
    assert len(problems) == 1
    assert "no longer told" in problems[0]
    assert len(sys.modules["pdgcmd"].calls) == 3

"""scripts/selfcheck.py: on the stand-in everything passes; what is wrong is found; the report names nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HYTHON = REPOSITORY / "tests" / "houdini" / "standin" / "hython"
SCRIPT = REPOSITORY / "scripts" / "selfcheck.py"

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="this Python, and so torch, is in no environment")


def run(tmp_path, *words, **environment):
    (tmp_path / "temp").mkdir(exist_ok=True)
    own = {
        "TOPFORGE_ENV": sys.prefix,
        "TOPFORGE_CACHE": str(tmp_path / "cache"),
        "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases"),
        "HOUDINI_TEMP_DIR": str(tmp_path / "temp"),
        "OMP_NUM_THREADS": "1",
    }
    report = tmp_path / "report.md"
    command = [sys.executable, str(HYTHON), str(SCRIPT), "--report", str(report), *words]
    variables = {**os.environ, **own, **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=600)
    return done, report.read_text(encoding="utf-8") if report.exists() else ""


def findings(report):
    return json.loads(report.split("```json\n")[1].split("\n```")[0])["findings"]


def test_without_training_nothing_fails(tmp_path):
    home = tmp_path / "home" / "somebody"
    home.mkdir(parents=True)
    done, report = run(tmp_path, "--quick", HOME=str(home), LOGNAME="somebody", USER="somebody")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {finding["title"]: finding["status"] for finding in findings(report)}
    assert "FAIL" not in found.values()
    assert found["Check dataset cooks"] == "PASS"
    assert found["Quickstart trains"] == "SKIP"
    assert len([title for title in found if title.startswith("Node ")]) == 8
    assert "somebody" not in report
    lines = [line for line in done.stdout.splitlines() if line[:4] in ("PASS", "SKIP", "NOTE", "FAIL")]
    assert len(lines) == len(found)


@pytest.mark.slow
def test_with_training_everything_passes(tmp_path):
    done, report = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {f["status"] for f in findings(report) if f["title"] != "USD on the stage"} == {"PASS", "NOTE"}


def test_what_is_wrong_fails_and_the_rest_goes_on(tmp_path):
    """A checkout whose assets are not installed: what Houdini would see without the package."""
    (tmp_path / "packages").mkdir()
    done, report = run(tmp_path, "--quick", HOUDINI_PACKAGE_DIR=str(tmp_path / "packages"))
    assert done.returncode == 1
    found = {finding["title"]: finding for finding in findings(report)}
    assert found["Package"]["status"] == "FAIL"
    assert "scripts/install.py" in found["Package"]["message"]
    assert found["Node topforge::train::1.0"]["status"] == "FAIL"
    assert found["New TOP network"]["status"] == "NOTE"
    assert found["Work items"]["status"] == "SKIP"


@pytest.fixture
def selfcheck(hou):
    from topforge_houdini import selfcheck

    return selfcheck


def check(model, function, question=False):
    return model.run(model.Check("t", function, question), model.Bench(Path(), quick=True))


def test_each_way_a_check_can_end(selfcheck):
    from topforge_houdini.self_checks import model

    def fails(bench):
        raise model.FailedError("so")

    def breaks(bench):
        raise ValueError("a\nb")

    assert check(model, lambda bench: "fine").status is model.Status.PASS
    assert check(model, fails).status is model.Status.FAIL
    assert check(model, lambda bench: bench.need_network()).status is model.Status.SKIP
    broken = check(model, breaks)
    assert (broken.status, broken.message) == (model.Status.FAIL, "ValueError: a b")
    assert "breaks" in broken.trace
    asked = check(model, breaks, question=True)
    assert (asked.status, asked.message) == (model.Status.NOTE, "no answer (ValueError: a b)")


def test_a_missing_parameter_of_a_node_is_found(selfcheck, monkeypatch):
    import dataclasses

    from topforge_houdini import nodes
    from topforge_houdini.self_checks import model, node_types
    from topforge_scene.dialog_script import Parameter

    (entry,) = [entry for entry in nodes.table() if entry.name == "report"]
    assert model.run(model.Check("t", lambda bench: node_types._type(entry, bench)), None).status is model.Status.PASS
    more = dataclasses.replace(entry, parameters=(*entry.parameters, Parameter("newest", "Newest", "string")))
    found = model.run(model.Check("t", lambda bench: node_types._type(more, bench)), None)
    assert found.status is model.Status.FAIL
    assert "newest" in found.message


def test_names_are_taken_out(selfcheck, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    monkeypatch.setattr("platform.node", lambda: "render07")
    monkeypatch.setattr("socket.getfqdn", lambda: "render07.studio.example")
    monkeypatch.setenv("HOME", "/data/homes/ada")
    text = "/data/homes/ada/x /home/bob/y ada@render07.studio.example ada_test adapter on render07"
    assert selfcheck.private(text) == "~/x /home/USER/y USER@HOST USER_test adapter on HOST"


def test_a_crash_leaves_a_report_that_says_where(selfcheck, tmp_path, monkeypatch):
    from topforge_houdini.self_checks import model

    def crash(bench):
        raise SystemExit(139)

    checks = [model.Check("First", lambda bench: "fine"), model.Check("Second", crash)]
    monkeypatch.setattr(selfcheck, "all_checks", lambda: checks)
    with pytest.raises(SystemExit):
        selfcheck.main(["--report", str(tmp_path / "r.md")])
    text = (tmp_path / "r.md").read_text()
    assert "| PASS | First | fine |" in text
    assert "| FAIL | Second | did not end" in text

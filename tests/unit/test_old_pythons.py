"""The core on every Python it promises: it runs in old trainer environments as well as in Houdini."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Optional

import pytest

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
VERSIONS = ["3.%d" % minor for minor in range(8, 15)]
IMPORT_ALL = """
import importlib, pkgutil, topforge, topforge_scene
for package in (topforge, topforge_scene):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def candidates(version: str) -> Iterator[str]:
    """Interpreters that may be of a version: on PATH, in pyenv."""
    on_path = shutil.which("python" + version)
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(path) for path in sorted(pyenv.glob("versions/%s.*/bin/python" % version)))


ITEM = {
    "format": 1,
    "name": "echo",
    "adapter": "command",
    "config": {"arguments": ["{python}", "-c", "import json"], "outputs": []},
    "key": "ab" * 32,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_work_items_command_shrugs_off_what_houdini_sets_for_its_own_python(version, tmp_path):
    """`-I` with a folder: with PYTHONHOME as it is, this Python would not even start; its children are cleaned too."""
    python = interpreter(version)
    if python is None:
        pytest.skip("no Python %s on PATH or in pyenv" % version)
    (tmp_path / "json.py").write_text("raise SystemExit('not ours')")
    run = tmp_path / "a run"
    run.mkdir()
    (run / "item.json").write_text(json.dumps(ITEM))
    traps = {"PYTHONHOME": "/opt/hfs/python", "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "/nowhere"}
    variables = {**os.environ, **traps, "TOPFORGE_CACHE": str(tmp_path / "cache")}
    command = [python, "-I", str(PIPELINE / "topforge"), "run-item", str(run)]
    done = subprocess.run(command, env=variables, cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert (run / "result.json").exists()


def interpreter(version: str) -> Optional[str]:
    """The first candidate that runs (pyenv's shims need not) and is of that version."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for path in candidates(version):
        answer = subprocess.run([path, "-S", "-c", ask], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if answer.stdout.strip() == version:
            return path
    return None


@pytest.fixture(params=VERSIONS)
def old(request, tmp_path):
    """Runs a Python of that version with the core importable; returns what it printed."""
    if request.param == "%d.%d" % sys.version_info[:2]:
        pytest.skip("Python %s runs the other tests" % request.param)
    python = interpreter(request.param)
    if python is None:
        pytest.skip("no Python %s on PATH or in pyenv" % request.param)

    def run(*arguments: str) -> str:
        variables = {"PYTHONPATH": str(PIPELINE), "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}
        variables["TOPFORGE_CACHE"] = str(tmp_path / "cache")
        command = [python, "-W", "error", *arguments]
        done = subprocess.run(
            command, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def test_every_module_compiles_and_imports(old):
    old("-m", "compileall", "-q", "-f", str(PIPELINE / "topforge"))
    old("-c", IMPORT_ALL)


def test_a_job_is_expanded_and_cooked(old, tmp_path):
    (tmp_path / "job.json").write_text(
        json.dumps(
            {
                "adapter": "command",
                "configs": [{"name": "echo", "arguments": ["{python}", "-c", "print('PROGRESS: 1/2')"]}],
                "wedge": {"outputs": [[]], "arguments": [["{python}", "-c", "0"], ["{python}", "-c", "1"]]},
                "check": False,
                "parallel": 2,
            }
        )
    )
    assert "3 done." in old("-m", "topforge", "cook", str(tmp_path / "job.json"))
    assert "3 done before." in old("-m", "topforge", "cook", str(tmp_path / "job.json"))
    (page,) = (tmp_path / "out").glob("report-*/result/report.html")
    assert "2 of 2 runs finished" in page.read_text(encoding="utf-8")

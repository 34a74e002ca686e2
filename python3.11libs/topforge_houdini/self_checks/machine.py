"""This Houdini, the package, the trainer's environment, the shelf."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import sys
from pathlib import Path

import hou

import topforge
from topforge import cli
from topforge.environments import private_environment
from topforge_houdini import version
from topforge_houdini.pipeline_path import REPOSITORY
from topforge_houdini.self_checks.model import Answer, Bench, Check, FailedError, expect

_TOOLS = ("quickstart", "doctor", "kartaverse_network", "open_run_folder", "import_latest", "reference_in_solaris")
_SEARCH_PATHS = ("PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def _version(bench: Bench) -> Answer:
    words = (version.text(), "%d.%d.%d" % sys.version_info[:3], platform.platform(), topforge.__version__)
    expect(version.is_supported(), "Houdini %s is not one of 20.5 to 22" % words[0])
    names = ("houdini", "python", "system", "topforge")
    return Answer("Houdini %s, Python %s, %s, TopForge %s" % words, dict(zip(names, words)))


def _package(bench: Bench) -> Answer:
    here = REPOSITORY.resolve()
    told = hou.getenv("TOPFORGE")
    expect(told, "the package is not loaded: run scripts/install.py, then start Houdini again")
    expect(Path(str(told)).resolve() == here, "the package leads to another checkout: %s" % told)
    expect(here in [Path(folder).resolve() for folder in hou.houdiniPath()], "%s is not on HOUDINI_PATH" % here)
    leaks = [n for n in _SEARCH_PATHS if str(here) in os.environ.get(n, "")]
    expect(not leaks, "children would inherit TopForge through %s" % ", ".join(leaks))
    return Answer("loaded from %s" % here, {"TOPFORGE": told, "HOUDINI_PATH": list(hou.houdiniPath())})


def _environment(bench: Bench) -> Answer:
    folder = private_environment.folder(REPOSITORY)
    make = "python3 %s" % (REPOSITORY / "scripts" / "make_env.py")
    expect(private_environment.python_of(folder).exists(), "%s is not there: run %s" % (folder, make))
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        exit_code = cli.main(["doctor", "--env", str(folder)])
    lines = text.getvalue().strip().splitlines()
    if exit_code != 0:
        raise FailedError("the doctor found problems: " + " ".join(lines[-1:]))
    return Answer("fit: " + " ".join(lines[-1:]), {"doctor": lines})


def _shelf(bench: Bench) -> Answer:
    found = {name: hou.shelves.tool("topforge::" + name) for name in _TOOLS}
    missing = [name for name, tool in found.items() if tool is None]
    expect(not missing, "tools are missing: %s" % ", ".join(missing))
    labels = {name: tool.label() for name, tool in found.items() if tool is not None}
    for name, tool in found.items():
        if tool is not None:
            compile(tool.script(), name, "exec")
    return Answer("%d tools" % len(labels), labels)


CHECKS = (
    Check("Versions", _version),
    Check("Package", _package),
    Check("Trainer's environment", _environment),
    Check("Shelf", _shelf),
)

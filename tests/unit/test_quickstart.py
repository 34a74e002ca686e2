"""scripts/quickstart.py and scripts/make_env.py, as far as they go without installing anything."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from topforge.environments import private_environment

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


def test_a_flag_that_cook_does_not_know_is_refused_before_anything_is_installed(tmp_path):
    environment = {**os.environ, "TOPFORGE_ENV": str(tmp_path / "env")}
    command = [sys.executable, str(SCRIPTS / "quickstart.py"), "--froce"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "--froce" in ended.stderr
    assert not (tmp_path / "env").exists()


def test_every_flag_of_cook_is_one_of_the_quickstart(tmp_path):
    help_of = [[str(SCRIPTS / "quickstart.py")], [str(SCRIPTS.parent / "pipeline" / "topforge"), "cook"]]
    shown = [
        subprocess.run([sys.executable, *words, "--help"], capture_output=True, text=True, check=True).stdout
        for words in help_of
    ]
    assert set(re.findall(r"--[a-z-]+", shown[1])) <= set(re.findall(r"--[a-z-]+", shown[0]))


@pytest.mark.parametrize("name", ["quickstart", "make_env"])
def test_an_interrupted_installation_says_how_to_go_on(name, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    spec = importlib.util.spec_from_file_location(name, SCRIPTS / (name + ".py"))
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(private_environment, "ensure", interrupted)
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(SystemExit) as ended:
        sys.exit(script.main())
    assert ended.value.code == 130
    assert capsys.readouterr().err == "\nInterrupted. The same command continues.\n"

"""The file that scripts/install.py writes leads a hython to this checkout."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HYTHON = REPOSITORY / "tests" / "houdini" / "standin" / "hython"
CODE = """
import hou
from topforge_houdini.self_checks import machine
print(machine._package(None).message)
print(hou.nodeType("Top/topforge::train::1.0").definition().libraryFilePath())
"""


def hython(tmp_path):
    environment = {**os.environ, "HOUDINI_PACKAGE_DIR": str(tmp_path / "packages")}
    command = [sys.executable, str(HYTHON), "-c", CODE]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def install(tmp_path, *words):
    script = REPOSITORY / "scripts" / "install.py"
    subprocess.run([sys.executable, str(script), "--prefs", str(tmp_path), *words], check=True, capture_output=True)


def test_an_installed_package_is_loaded_and_a_removed_one_is_not(tmp_path):
    install(tmp_path)
    done = hython(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "loaded from %s" % REPOSITORY,
        str(REPOSITORY / "otls" / "topforge.top_train.1.0.hda"),
    ]
    install(tmp_path, "--uninstall")
    assert "No module named 'topforge_houdini'" in hython(tmp_path).stderr

"""The stand-in of hython: packages as Houdini reads them, and an environment with the traps of the real one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HYTHON = Path(__file__).parent / "standin" / "hython"
REPOSITORY = Path(__file__).resolve().parents[2]


def _run(code, folder, *arguments, **environment):
    """What a script printed under hython."""
    command = [sys.executable, str(HYTHON), "-c", code, *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def _printed(code, folder, *arguments, **environment):
    done = _run(code, folder, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_package_brings_the_library_and_the_assets(tmp_path):
    code = """
import sys
assert not [name for name in sys.modules if name.split(".")[0] in ("topforge", "topforge_scene")]
import importlib.util
assert importlib.util.find_spec("topforge") is None, "the package itself must find its pipeline"
import topforge_houdini, hou, topforge
print(hou.getenv("TOPFORGE"), len(hou.hda.loadedFiles()), hou.houdiniPath()[0])
print(hou.node("/tasks").createNode("topnet").createNode("topforge::train").type().name())
"""
    count = len(list((REPOSITORY / "otls").glob("*.hda")))
    lines = _printed(code, tmp_path).splitlines()
    assert lines == ["%s %d %s" % (REPOSITORY, count, REPOSITORY), "topforge::train::1.0"]


def test_tools_of_the_shelf(tmp_path):
    code = "import hou; print(*sorted(hou.shelves.tools())); hou.exit(4)"
    done = _run(code, tmp_path)
    assert "topforge" in done.stdout
    assert done.returncode == 4


def test_arguments_and_the_script_itself(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:], __name__)\nsys.exit(3)\n")
    done = subprocess.run([str(HYTHON), str(script), "a", "b"], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['a', 'b'] __main__"
    assert done.returncode == 3


def test_children_inherit_what_breaks_them(tmp_path):
    code = """
import os, subprocess, sys
def run(*command):
    return subprocess.run(command, capture_output=True, text=True)
plain = run("{python}", "-c", "1")
assert plain.returncode != 0 and "encodings" in plain.stderr, "PYTHONHOME"
without_home = dict(os.environ)
del without_home["PYTHONHOME"]
numpy = subprocess.run(["{python}", "-c", "import numpy"], env=without_home, capture_output=True, text=True)
assert "Houdini's numpy" in numpy.stderr, "PYTHONPATH"
assert run("{python}", "-I", "-c", "1").returncode == 0, "isolated, a Python works"
loader = run("{python}", "-I", "-c", "import ctypes; ctypes.CDLL('libstdc++.so.6')")
assert "invalid ELF header" in loader.stderr or "file too short" in loader.stderr, loader.stderr
assert os.environ["HFS"] in os.environ["LD_LIBRARY_PATH"] and os.environ["QT_PLUGIN_PATH"]
assert os.path.basename(os.environ["HFS"]) == "hfs20.5.584"
assert run(os.environ["HFS"] + "/bin/hython", "-c", "import hou").returncode == 0
assert run(os.environ["HFS"] + "/python/bin/python", "-c", "1").returncode == 0
assert os.environ["HIP"] == os.getcwd()
import json, hashlib, ctypes, ssl
print("fine")
"""
    assert _printed(code.replace("{python}", sys.executable), tmp_path) == "fine"


def test_other_versions_and_their_guard(tmp_path):
    assert _printed("import hou; print(hou.applicationVersionString())", tmp_path,
                    TOPFORGE_STANDIN_VERSION="21.0.631") == "21.0.631"  # fmt: skip
    packages = tmp_path / "packages"
    packages.mkdir()
    package = {"hpath": "$HOUDINI_PACKAGE_PATH/mine", "enable": "houdini_version < '20.0'"}
    (packages / "old.json").write_text(json.dumps(package))
    code = "import os; print(os.environ['HOUDINI_PATH'])"
    assert _printed(code, tmp_path, HOUDINI_PACKAGE_DIR=str(packages)) == "&"
    package["enable"] = "houdini_version >= '20.5' and houdini_python == 'python3.11'"
    (packages / "old.json").write_text(json.dumps(package))
    assert _printed(code, tmp_path, HOUDINI_PACKAGE_DIR=str(packages)) == "%s/mine:&" % packages


def test_houdini_22_has_another_python(tmp_path):
    name = "TOPFORGE_STANDIN_PYTHON3_13"
    python = os.environ.get(name) or shutil.which("python3.13")
    works = python and subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0
    environment = {"TOPFORGE_STANDIN_VERSION": "22.0.368", name: python or "/nowhere/python3.13"}
    code = "import sys, hou, topforge_houdini.parameters; print(sys.version_info[:2], hou.applicationVersion()[0])"
    done = _run(code, tmp_path, **environment)
    if not works:
        assert "TOPFORGE_STANDIN_PYTHON3_13" in done.stderr or "No such file" in done.stderr
        pytest.skip("There is no Python 3.13 here, which Houdini 22 has; name one in %s." % name)
    assert done.stdout.strip() == "(3, 13) 22", done.stderr


def test_the_installed_pointer_works(tmp_path):
    prefs = tmp_path / "houdini20.5"
    prefs.mkdir()
    install = [sys.executable, str(REPOSITORY / "scripts" / "install.py"), "--prefs", str(prefs)]
    subprocess.run(install, check=True, capture_output=True)
    code = "import topforge_houdini, topforge; print(topforge.__file__)"
    found = _printed(code, tmp_path, HOUDINI_PACKAGE_DIR=str(prefs / "packages"))
    assert Path(found).parent == REPOSITORY / "pipeline" / "topforge"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("houdini_version >= '20.5' and houdini_version < '23.0'", True),
        ("houdini_version == '20.5'", False),
        ("houdini_os == 'windows' or houdini_python == 'python3.11'", True),
        ("(houdini_os == 'windows' or houdini_os == 'linux') and $MINE == 'x'", True),
        ("houdini_version < '9.5'", True),  # of text, as documented
    ],
)
def test_expressions_of_packages(hou, expression, expected):
    from hou._packages import holds

    known = {"houdini_version": "20.5.584", "houdini_os": "linux", "houdini_python": "python3.11", "MINE": "x"}
    assert holds(expression, known) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "houdini_version",
        "houdini_version = '20'",
        "nonsense == '1'",
        "houdini_version > 20.5",
        "(houdini_os == 'a'",
        "",
    ],
)
def test_expressions_that_no_package_may_have(hou, expression):
    from hou._packages import holds

    with pytest.raises(NotImplementedError):
        holds(expression, {"houdini_version": "20.5.584", "houdini_os": "linux"})


@pytest.mark.parametrize(
    "package",
    [
        {"hpaths": "x"},
        {"hpath": "$NOWHERE/x"},
        {"env": [{"A": "x"}]},
        {"env": [{"A": {"value": "x", "method": "set"}}]},
        {"env": [{"var": "A", "value": "x", "method": "replace"}]},
    ],
)
def test_packages_that_are_not_understood(hou, package, tmp_path):
    from hou._packages import Package

    path = tmp_path / "p.json"
    path.write_text(json.dumps(package))
    with pytest.raises(NotImplementedError):
        Package(path, {}, {"version": "20.5.584"})


def test_variables_of_packages(hou, tmp_path):
    from hou._packages import Package

    path = tmp_path / "p.json"
    env = [
        {"A": {"value": "$HOUDINI_PACKAGE_PATH/a", "method": "replace"}},
        {"B": {"value": "$A/b", "method": "prepend"}},
    ]
    path.write_text(json.dumps({"env": env, "hpath": ["$A", "$B"]}))
    environment = {"B": "there"}
    made = Package(path, environment, {"version": "20.5.584"})
    assert environment == {"A": "%s/a" % tmp_path, "B": "%s/a/b:there" % tmp_path}
    assert made.folders == [environment["A"], environment["B"]]

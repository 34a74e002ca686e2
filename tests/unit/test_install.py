"""scripts/install.py as a person runs it: on preference folders of every system, twice, and over foreign files."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts" / "install.py"


def load():
    spec = importlib.util.spec_from_file_location("install_script", str(SCRIPT))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path):
    """Runs the script with a home folder of its own."""

    def run(*words, **environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HOUDINI")}
        return subprocess.run(
            [sys.executable, str(SCRIPT), *words],
            env={**clean, "HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def package_file(preferences):
    return preferences / "packages" / "topforge.json"


def test_every_supported_houdini_gets_the_file_and_nothing_else(run, tmp_path):
    for name in ("houdini20.5", "houdini21.0", "houdini22.0", "houdini19.5", "houdini-notes", "houdini23.0"):
        (tmp_path / name).mkdir()
    done = run()
    assert done.returncode == 0, done.stderr
    written = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert written == ["houdini%s/packages/topforge.json" % version for version in ("20.5", "21.0", "22.0")]
    assert all(str(tmp_path / name) in done.stdout for name in written)
    assert "make_env.py" in done.stdout


def test_the_file_is_the_package_with_the_path_filled_in(run, tmp_path):
    assert run("--houdini", "21.0").returncode == 0
    found = json.loads(package_file(tmp_path / "houdini21.0").read_text(encoding="utf-8"))
    package = json.loads((REPOSITORY / "package.json").read_text(encoding="utf-8"))
    package["env"][0]["TOPFORGE"]["value"] = REPOSITORY.as_posix()
    assert found == package


def test_a_second_time_changes_nothing_and_says_so(run, tmp_path):
    run("--houdini", "21.0")
    path = package_file(tmp_path / "houdini21.0")
    before = path.stat().st_mtime_ns
    again = run("--houdini", "21.0")
    assert again.returncode == 0
    assert "already there" in again.stdout
    assert path.stat().st_mtime_ns == before


def test_a_moved_checkout_is_followed(run, tmp_path):
    run("--houdini", "21.0")
    path = package_file(tmp_path / "houdini21.0")
    path.write_text(path.read_text().replace(REPOSITORY.as_posix(), "/where/it/was"))
    done = run("--houdini", "21.0")
    assert "updated" in done.stdout
    assert REPOSITORY.as_posix() in path.read_text()


@pytest.mark.parametrize("content", ["{}", "not json", '{"hpath": "/mine", "env": []}', "[]", '{"env": 3}'])
@pytest.mark.parametrize("words", [(), ("--uninstall",)])
def test_a_foreign_file_of_that_name_stays(run, tmp_path, content, words):
    path = package_file(tmp_path / "houdini21.0")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    done = run("--houdini", "21.0", *words)
    assert done.returncode == 78
    assert str(path) in done.stderr
    assert path.read_text() == content


def test_a_file_changed_by_hand_stays(run, tmp_path):
    run("--houdini", "21.0")
    path = package_file(tmp_path / "houdini21.0")
    package = json.loads(path.read_text())
    package["env"].append({"MY_SHOW": "x"})
    path.write_text(json.dumps(package))
    assert run("--houdini", "21.0", "--uninstall").returncode == 78
    assert json.loads(path.read_text()) == package


def test_uninstall_removes_that_file_only(run, tmp_path):
    (tmp_path / "houdini20.5").mkdir()
    run()
    neighbour = tmp_path / "houdini20.5" / "packages" / "other.json"
    neighbour.write_text("{}")
    done = run("--uninstall")
    assert done.returncode == 0
    assert "removed" in done.stdout
    assert [p.name for p in (tmp_path / "houdini20.5" / "packages").iterdir()] == ["other.json"]
    assert "nothing there" in run("--uninstall").stdout


def test_no_houdini_is_told_with_what_to_do(run, tmp_path):
    done = run()
    assert done.returncode == 78
    assert "--houdini 21.0" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["19.5", "23.0", "21", "latest"])
def test_an_unsupported_version_is_refused(run, tmp_path, version):
    done = run("--houdini", version)
    assert done.returncode == 78
    assert version in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_user_variable_decides_the_folder(run, tmp_path):
    done = run("--houdini", "21.0", HOUDINI_USER_PREF_DIR=str(tmp_path / "set" / "h__HVER__x"))
    assert done.returncode == 0
    assert package_file(tmp_path / "set" / "h21.0x").is_file()
    found = run(HOUDINI_USER_PREF_DIR=str(tmp_path / "set" / "h__HVER__x"))
    assert "already there" in found.stdout


def test_a_variable_without_the_version_is_refused(run, tmp_path):
    done = run(HOUDINI_USER_PREF_DIR=str(tmp_path))
    assert done.returncode == 78
    assert "__HVER__" in done.stderr


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("darwin", "Library/Preferences/houdini/21.0"), ("win32", "Documents/houdini21.0"), ("linux", "houdini21.0")],
)
def test_each_system_has_its_place(tmp_path, platform, folder, monkeypatch):
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert load().main([], environment={}, platform=platform) == 0
    assert package_file(tmp_path / folder).is_file()


def test_the_path_survives_json(tmp_path):
    text = load().pointer('/a "quoted" folder/ümläut')
    assert json.loads(text)["env"][0]["TOPFORGE"]["value"] == '/a "quoted" folder/ümläut'


def test_a_folder_that_cannot_be_written_is_told(run, tmp_path):
    (tmp_path / "houdini21.0").write_text("a file where a folder must be")
    done = run("--houdini", "21.0")
    assert done.returncode == 74
    assert "houdini21.0" in done.stderr
    assert "Traceback" not in done.stderr

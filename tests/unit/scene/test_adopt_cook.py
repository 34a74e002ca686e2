"""`topforge adopt`, then `topforge cook`: with a conda prefix that really runs and a trainer that only takes notes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from topforge_scene import asset_files, dialog_script, scene
from topforge_scene.network import Parm, Token

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kartaverse

REPOSITORY = Path(__file__).resolve().parents[3]
TRAINER = """import json, os, sys
names = ("CUDA_HOME", "PYTHONHOME", "PYTHONPATH")
seen = {"arguments": sys.argv[1:], "folder": os.getcwd(), "prefix": sys.prefix}
seen.update((name, os.environ.get(name)) for name in names)
with open("seen.jsonl", "a") as file:
    file.write(json.dumps(seen) + "\\n")
print("PROGRESS: 1/1")
"""
VERSION = "%d.%d" % sys.version_info[:2]
VARIABLES = tuple((name, value.replace("3.11", VERSION), keep) for name, value, keep in kartaverse.NVDIFFREC_VARIABLES)


@pytest.fixture
def home(tmp_path, conda_prefix):
    """A home with the page's environment and checkout in it."""
    conda_prefix("envs/nvdiffrec")
    (tmp_path / "nvdiffrec" / "configs").mkdir(parents=True)
    (tmp_path / "nvdiffrec" / "train.py").write_text(TRAINER)
    (tmp_path / "nvdiffrec" / "configs" / "bob.json").write_text('{"ref_mesh": "data/bob/bob_tri.obj"}')
    return tmp_path


@pytest.fixture
def topforge(home):
    """Runs one verb."""

    def run(*words):
        command = [sys.executable, "-I", str(REPOSITORY / "pipeline" / "topforge"), *map(str, words)]
        variables = {**os.environ, "HOME": str(home), "TOPFORGE_CACHE": str(home / "cache")}
        return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=120, check=False)

    return run


def write(home, made, form="odc"):
    path = home / "scenes" / "bob.hip"
    path.parent.mkdir(exist_ok=True)
    scene.write(path, made, form)
    return path


@pytest.mark.parametrize("form", scene.FORMS)
def test_the_adopted_job_runs_the_pages_command_in_the_pages_environment(home, topforge, form):
    path = write(home, kartaverse.nvdiffrec(variables=VARIABLES), form)
    before = path.read_bytes()
    adopted = topforge("adopt", path, "--gpus", 0)
    assert adopted.returncode == 0, adopted.stderr
    made = path.parent / "bob_topforge"
    files = [made / "bob.json", made / "bob.hip", made / "text" / "bob.hip"]
    for file in files:
        assert str(file) in adopted.stdout
    assert scene.read_entries(files[1]) == scene.read_entries(files[2])
    assert path.read_bytes() == before
    assert not (path.parent / "seen.jsonl").exists()

    cooked = topforge("cook", files[0])
    assert cooked.returncode == 0, cooked.stdout + cooked.stderr
    (line,) = (path.parent / "seen.jsonl").read_text().splitlines()
    prefix = home / "miniconda3" / "envs" / "nvdiffrec"
    assert json.loads(line) == {
        "arguments": ["--config", str(home / "nvdiffrec" / "configs" / "bob.json")],
        "folder": str(path.parent),
        "prefix": str(prefix),
        "CUDA_HOME": str(prefix),
        "PYTHONHOME": str(prefix),
        "PYTHONPATH": str(prefix / "lib" / ("python" + VERSION) / "site-packages"),
    }


def test_a_wedge_runs_once_for_each_value(home, topforge):
    settings = {"name": "iter", "type": Token("2"), "wedgetype": Token("0")}
    wedge = kartaverse.wedge("wedge1", settings, count=2)
    wedge = type(wedge)(wedge.name, wedge.type, (*wedge.parms, Parm("intrange1", (100, 200))))
    command = kartaverse.NVDIFFREC_COMMAND + " --iter `@iter`"
    path = write(home, kartaverse.nvdiffrec(command=command, variables=VARIABLES, above=(wedge,)))
    assert topforge("adopt", path, "--gpus", 0, "--output", home / "made").returncode == 0
    cooked = topforge("cook", home / "made" / "bob.json")
    assert cooked.returncode == 0, cooked.stdout + cooked.stderr
    seen = [json.loads(line) for line in (path.parent / "seen.jsonl").read_text().splitlines()]
    assert [line["arguments"][-1] for line in seen] == ["100", "200"]


def test_nothing_is_written_over_unless_asked(home, topforge):
    path = write(home, kartaverse.nvdiffrec(variables=VARIABLES))
    assert topforge("adopt", path).returncode == 0
    again = topforge("adopt", path)
    assert again.returncode == 78
    assert "is there already" in again.stderr
    assert topforge("adopt", path, "--force").returncode == 0


def test_a_refusal_writes_nothing_and_names_every_reason(home, topforge):
    path = write(home, kartaverse.nvdiffrec(command="$HOME/nvdiffrec/train.py | tee `date`"))
    ended = topforge("adopt", path)
    assert ended.returncode == 78
    assert "train_genericgenerator1: pdg_command holds the expression `date`" in ended.stderr
    assert not (path.parent / "bob_topforge").exists()


def test_nothing_of_the_scene_runs_while_it_is_read(home, topforge):
    touch = "`system('touch %s/ran')`" % home
    python = 'import os; os.system("touch %s/ran")' % home
    made = kartaverse.nvdiffrec(attributes=(("A", touch),), command="`%s`" % python)
    path = write(home, made)
    assert topforge("adopt", path).returncode == 78
    assert not (home / "ran").exists()


def test_a_file_that_is_no_scene_is_refused(home, topforge):
    (home / "x.hip").write_bytes(b"HouNC\x1a")
    ended = topforge("adopt", home / "x.hip")
    assert ended.returncode == 78
    assert "Apprentice" in ended.stderr


def test_every_parameter_that_is_set_is_one_of_the_assets(home, topforge):
    assert topforge("adopt", write(home, kartaverse.grut())).returncode == 0
    made = scene.read(home / "scenes" / "bob_topforge" / "bob.hip")
    for node, asset in (("train1", "train"), ("report1", "report")):
        folder = REPOSITORY / "otls" / ("topforge.top_%s.1.0.hda" % asset)
        (operator,) = asset_files.read(folder).operators
        known = {parm.name for parm in dialog_script.parameters(operator.interface.items)}
        used = made.node("/tasks/topnet1/" + node)
        assert used.type == operator.name
        names = {parm.name for parm in used.parms}
        assert names
        assert {name for name in names if name not in known and name.rstrip("0123456789") + "#" not in known} == set()

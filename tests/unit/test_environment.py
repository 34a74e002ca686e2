"""The environment edit: what a child sees, when its parent is poisoned as Houdini, farms and shells poison it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

import pytest

from topforge.environments import environment, prefix_discovery, prefixes
from topforge.items import EnvironmentSpec
from topforge.verbs import env as verb

VERSION = "%d.%d" % sys.version_info[:2]
HFS = "/opt/hfs21.0.440"
PROBE = """
import json, os, sys
try:
    import numpy
    numpy = numpy.__file__
except ImportError:
    numpy = None
import topforge_train
names = ("__file__", "__path__")
print(json.dumps({"path": sys.path, "prefix": sys.prefix, "environment": dict(os.environ), "numpy": numpy}))
"""


def child(python: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-c", PROBE], env=dict(variables), capture_output=True, text=True, check=False)


@pytest.fixture
def poisoned(tmp_path) -> Dict[str, str]:
    """What a work item inherits from Houdini on a farm machine, where another environment was active as well."""
    houdini = tmp_path / "hfs21.0.440"
    library = houdini / "python" / "lib" / "python3.11"
    (library / "numpy").mkdir(parents=True)
    for module in ("site.py", "numpy/__init__.py"):
        (library / module).write_text("raise SystemExit('poisoned by ' + __name__)\n")
    return {
        "PATH": "%s/bin:/other/envs/old/bin:%s" % (houdini, os.environ["PATH"]),
        "HOME": str(tmp_path),
        "HFS": str(houdini),
        "HH": str(houdini / "houdini"),
        "PYTHONHOME": str(houdini / "python"),
        "PYTHONPATH": str(library),
        "PYTHONSTARTUP": str(library / "site.py"),
        "PYTHONSAFEPATH": "1",
        "LD_LIBRARY_PATH": "%s/dsolib:/usr/lib/wsl/lib" % houdini,
        "LD_PRELOAD": "%s/dsolib/libjemalloc.so" % houdini,
        "QT_PLUGIN_PATH": "%s/dsolib/Qt_plugins" % houdini,
        "QT_QPA_PLATFORM": "xcb",
        "WORLD_SIZE": "4",
        "RANK": "2",
        "LOCAL_RANK": "2",
        "MASTER_ADDR": "node7",
        "TORCHELASTIC_RUN_ID": "none",
        "CONDA_PREFIX": "/other/envs/old",
        "CONDA_DEFAULT_ENV": "old",
        "CC": "/other/envs/old/bin/x86_64-conda-linux-gnu-cc",
        "OCIO": str(houdini / "packages/ocio/houdini-config-v3.0.0.ocio"),
        "PDG_ITEM_NAME": "train_7",
        "SLURM_JOB_ID": "991",
        "SLURM_NTASKS": "8",
        "MY_LICENCE_SERVER": "27000@licences",
    }


def test_a_child_of_the_poisoned_parent_really_is_poisoned(venv_prefix, poisoned):
    python = str(venv_prefix() / "bin" / "python")
    assert child(python, poisoned).returncode != 0
    without_home = {name: value for name, value in poisoned.items() if name != "PYTHONHOME"}
    assert "poisoned by" in child(python, without_home).stderr


@pytest.mark.parametrize("layout", ["conda_prefix", "venv_prefix"])
def test_a_child_of_a_poisoned_parent_is_clean(layout, request, poisoned):
    prefix: Path = request.getfixturevalue(layout)(pip={"numpy": "1.26.4"})
    site = prefix / "lib" / ("python" + VERSION) / "site-packages"
    (site / "numpy").mkdir()
    (site / "numpy" / "__init__.py").write_text("")
    resolved = environment.resolve(EnvironmentSpec(prefix=str(prefix)), poisoned, devices="GPU-a")

    done = child(resolved.python, resolved.variables)

    assert (done.returncode, done.stderr) == (0, "")
    seen: Dict[str, Any] = json.loads(done.stdout)
    assert seen["prefix"] == str(prefix)
    assert Path(seen["numpy"]).resolve() == site / "numpy" / "__init__.py"
    assert seen["path"][:2] == ["", str(environment.PIPELINE)]
    variables = seen["environment"]
    mentions = {name for name, value in variables.items() if poisoned["HFS"] in value}
    assert mentions == {"HFS", "HH"}, "Houdini is named by its own variables only"
    assert not [name for name, value in variables.items() if "/other/envs/old" in value]
    gone = (
        "PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH QT_QPA_PLATFORM WORLD_SIZE RANK LOCAL_RANK MASTER_ADDR OCIO LD_PRELOAD"
    )
    assert not set(gone.split()) & set(variables)
    assert "TORCHELASTIC_RUN_ID" not in variables
    assert "SLURM_NTASKS" not in variables
    stays = {"PDG_ITEM_NAME": "train_7", "SLURM_JOB_ID": "991", "MY_LICENCE_SERVER": "27000@licences"}
    assert stays.items() <= variables.items()
    assert variables["PATH"].split(os.pathsep)[0] == str(prefix / "bin")
    assert "/usr/lib/wsl/lib" in variables["LD_LIBRARY_PATH"].split(os.pathsep)
    assert variables["PYTHONUNBUFFERED"] == "1"
    assert variables["CUDA_VISIBLE_DEVICES"] == "GPU-a"
    assert variables["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_every_difference_is_explained_and_nothing_else(conda_prefix, poisoned):
    resolved = environment.resolve(EnvironmentSpec(prefix=str(conda_prefix())), poisoned)
    changed = {n for n in {*poisoned, *resolved.variables} if poisoned.get(n) != resolved.variables.get(n)}
    acting = {c.variable for c in resolved.explanation if c.action not in ("kept", "skipped")}
    assert changed == acting
    for change in resolved.explanation:
        assert change.value == resolved.variables.get(change.variable, "")
        assert change.reason


def test_a_studios_colour_configuration_stays_and_houdinis_own_goes(venv_prefix):
    spec = EnvironmentSpec(prefix=str(venv_prefix()))
    resolved = environment.resolve(spec, {"OCIO": "/studio/aces/config.ocio"})
    assert resolved.variables["OCIO"] == "/studio/aces/config.ocio"
    assert [change.action for change in resolved.explanation if change.variable == "OCIO"] == ["kept"]
    assert "OCIO" not in environment.resolve(spec, {"OCIO": "/opt/hfs20.5.278/ocio/config.ocio"}).variables


def test_resolving_twice_changes_nothing_more(conda_prefix, poisoned):
    spec = EnvironmentSpec(prefix=str(conda_prefix(pip={"torch": "2.7.1+cu126"})))
    once = environment.resolve(spec, poisoned, devices="0")
    assert environment.resolve(spec, once.variables, devices="0").variables == once.variables


def test_without_a_prefix_it_is_this_very_environment():
    resolved = environment.resolve(EnvironmentSpec(), os.environ)
    assert (resolved.kind, resolved.python) == ("current", sys.executable)
    done = child(resolved.python, resolved.variables)
    assert json.loads(done.stdout)["prefix"] == sys.prefix


def test_kartaverse_mode_sets_exactly_the_three_variables_of_the_page(conda_prefix, poisoned):
    prefix = conda_prefix()
    spec = EnvironmentSpec(prefix=str(prefix), mode="kartaverse")
    resolved = environment.resolve(spec, poisoned, trainer="nvdiffrec")
    differing = {n: v for n, v in resolved.variables.items() if poisoned.get(n) != v}
    assert differing == {
        "CUDA_HOME": str(prefix),
        "PYTHONHOME": str(prefix),
        "PYTHONPATH": str(prefix / "lib" / ("python" + VERSION) / "site-packages"),
    }
    assert set(poisoned) <= set(resolved.variables)
    leaks = [change.value for change in resolved.explanation if change.variable == "(leaks)"]
    assert "WORLD_SIZE" in leaks[0]


def test_kartaverse_mode_starts_pythons_that_find_topforge(conda_prefix, poisoned):
    resolved = environment.resolve(EnvironmentSpec(prefix=str(conda_prefix()), mode="kartaverse"), poisoned)
    done = child(resolved.python, {**resolved.variables, "LD_PRELOAD": ""})
    assert done.returncode == 0, done.stderr
    assert str(environment.PIPELINE) in json.loads(done.stdout)["path"]


def test_kartaverse_mode_refuses_a_venv_which_has_no_standard_library(venv_prefix):
    with pytest.raises(environment.KartaverseNeedsCondaError, match="standard library"):
        environment.resolve(EnvironmentSpec(prefix=str(venv_prefix()), mode="kartaverse"), {})


def test_an_unknown_mode_is_refused():
    with pytest.raises(environment.UnknownModeError, match="clean, kartaverse"):
        environment.resolve(EnvironmentSpec(mode="tidy"), {})


def test_the_items_own_variables_win(conda_prefix):
    spec = EnvironmentSpec(prefix=str(conda_prefix()), variables=(("CUDA_HOME", "/mine"), ("WORLD_SIZE", "2")))
    resolved = environment.resolve(spec, {"WORLD_SIZE": "4"})
    assert (resolved.variables["CUDA_HOME"], resolved.variables["WORLD_SIZE"]) == ("/mine", "2")


@pytest.mark.parametrize("folder", ["include", "targets/x86_64-linux/include"])
def test_cuda_home_is_the_prefix_that_has_the_toolkit(conda_prefix, folder):
    prefix = conda_prefix()
    header = prefix / folder / "cuda_runtime_api.h"
    header.parent.mkdir(parents=True, exist_ok=True)
    header.write_text("#define CUDART_VERSION  11080\n")
    (prefix / "bin" / "nvcc").write_text("")
    variables = environment.resolve(EnvironmentSpec(prefix=str(prefix)), {"CUDA_HOME": "/elsewhere"}).variables
    assert variables["CUDA_HOME"] == str(prefix)
    found = variables.get("CPATH", "").split(os.pathsep)
    assert (str(header.parent) in found) == (folder != "include"), "compilers look into include by themselves"


def test_cuda_home_is_another_complete_toolkit_when_the_prefix_has_none(conda_prefix, tmp_path):
    toolkit = tmp_path / "cuda-12.9"
    for name in ("bin/nvcc", "include/cuda_runtime_api.h"):
        (toolkit / name).parent.mkdir(parents=True)
        (toolkit / name).write_text("")
    spec = EnvironmentSpec(prefix=str(conda_prefix()))
    assert environment.resolve(spec, {"CUDA_HOME": str(toolkit)}).variables["CUDA_HOME"] == str(toolkit)


def test_each_trainer_python_torch_cuda_and_gpu_has_its_own_extensions(conda_prefix, tmp_path):
    spec = EnvironmentSpec(prefix=str(conda_prefix(pip={"torch": "2.0.1+cu118"})))
    inventory = [{"uuid": "GPU-a", "compute_cap": "7.5"}, {"uuid": "GPU-b", "compute_cap": "8.6"}]
    parent = {"TOPFORGE_CACHE": str(tmp_path), "TOPFORGE_FAKE_GPUS": json.dumps(inventory)}

    def folder(trainer: str, devices: str) -> Path:
        variables = environment.resolve(spec, parent, devices, trainer).variables
        return Path(variables["TORCH_EXTENSIONS_DIR"])

    python = "py" + VERSION.replace(".", "")
    assert folder("nvdiffrec", "GPU-b") == tmp_path / "torch_extensions" / (
        "nvdiffrec-%s-torch2.0.1-cu118-sm86" % python
    )
    assert len({folder("nvdiffrec", "0"), folder("nvdiffrec", "1"), folder("nvdiffmodeling", "1")}) == 3
    both = environment.resolve(spec, parent, "GPU-a,GPU-b").variables
    assert both["TCNN_CUDA_ARCHITECTURES"] == "75;86"


def test_no_device_is_hidden_or_kept_as_asked(venv_prefix):
    spec = EnvironmentSpec(prefix=str(venv_prefix()))
    assert environment.resolve(spec, {"CUDA_VISIBLE_DEVICES": "3"}).variables["CUDA_VISIBLE_DEVICES"] == "3"
    assert environment.resolve(spec, {"CUDA_VISIBLE_DEVICES": "3"}, devices="").variables["CUDA_VISIBLE_DEVICES"] == ""


def test_condas_declared_variables_are_set_and_its_scripts_are_named(conda_prefix):
    prefix = conda_prefix()
    (prefix / "conda-meta" / "state").write_text('{"env_vars": {"HF_HOME": "/big", "OLD": "***unset***"}}')
    (prefix / "etc" / "conda" / "activate.d").mkdir(parents=True)
    (prefix / "etc" / "conda" / "activate.d" / "gcc.sh").write_text("exit 1")
    resolved = environment.resolve(EnvironmentSpec(prefix=str(prefix)), {"OLD": "x"})
    assert resolved.variables["HF_HOME"] == "/big"
    assert "OLD" not in resolved.variables
    skipped = {change.variable for change in resolved.explanation if change.action == "skipped"}
    assert "activate.d/gcc.sh" in skipped


def test_the_exports_turn_a_shell_into_the_resolved_environment(conda_prefix, poisoned):
    spec = EnvironmentSpec(prefix=str(conda_prefix("a prefix' $HOME")), variables=(("QUOTED", "a 'b' \"c\" $(d)\n"),))
    parent = {name: value for name, value in poisoned.items() if name != "LD_PRELOAD"}
    resolved = environment.resolve(spec, parent)
    script = (
        resolved.as_exports()
        + shlex.quote(resolved.python)
        + " -S -c 'import json,os; print(json.dumps(dict(os.environ)))'"
    )
    done = subprocess.run(["/bin/sh", "-c", script], env=parent, capture_output=True, text=True, check=True)
    seen = {name: value for name, value in json.loads(done.stdout).items() if name not in ("PWD", "SHLVL", "_")}
    seen.pop("LC_CTYPE", None)  # Python's own coercion of the C locale
    assert seen == resolved.variables


def test_the_environment_edit_rows_and_the_hqueue_environment(conda_prefix, poisoned):
    resolved = environment.resolve(EnvironmentSpec(prefix=str(conda_prefix())), poisoned)
    rows = {row["name"]: row for row in resolved.as_environment_edit()}
    assert rows["PYTHONHOME"] == {"name": "PYTHONHOME", "value": "", "remove": True}
    assert rows["PYTHONUNBUFFERED"] == {"name": "PYTHONUNBUFFERED", "value": "1", "remove": False}
    assert rows["LD_LIBRARY_PATH"]["value"] == resolved.variables["LD_LIBRARY_PATH"]
    hqueue = resolved.as_hqueue()
    assert hqueue["PYTHONHOME"] == ""
    assert "WORLD_SIZE" not in hqueue, "an empty one is no number to whoever reads it"
    assert {type(value) for value in hqueue.values()} == {str}


def test_the_explanation_names_each_variable_with_its_reason(conda_prefix, poisoned):
    resolved = environment.resolve(EnvironmentSpec(prefix=str(conda_prefix(pip={"torch": "2.7.1"}))), poisoned)
    text = resolved.explain(width=90)
    for change in resolved.explanation:
        assert change.variable in text
    assert "torch 2.7.1" in text
    assert "makes nvdiffrec and Lightning start a distributed run" in " ".join(text.split())


def test_a_topforge_installed_among_other_packages_does_not_leak_them(conda_prefix, monkeypatch):
    monkeypatch.setattr(environment, "INSTALLED", True)
    resolved = environment.resolve(EnvironmentSpec(prefix=str(conda_prefix())), {"PYTHONPATH": "/x"})
    assert "PYTHONPATH" not in resolved.variables
    assert "unset PYTHONPATH" in resolved.as_exports().splitlines()


def run_verb(words: List[str]) -> int:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    verb.add_options(parser, words)
    return verb.run(parser.parse_args(words))


def test_the_verb_lists_environments_and_marks_its_own(conda_prefix, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONDA_PREFIX", str(conda_prefix(pip={"torch": "2.7.1+cu128"})))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "broken"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pyvenv.cfg").write_text("version = 3.11\n")
    assert run_verb([]) == 0
    lines = capsys.readouterr().out.splitlines()
    own = [line for line in lines if sys.prefix in line.split()]
    assert own[0].startswith("*")
    assert any("dmodel" in line and "torch 2.7.1+cu128, CUDA 12.8" in line for line in lines)
    assert any("unusable" in line and str(tmp_path / "broken") in line for line in lines)


def test_the_verb_shows_an_environment_by_its_name_in_every_form(conda_prefix, monkeypatch, capsys, tmp_path):
    prefix = conda_prefix()
    monkeypatch.setenv("HOME", str(tmp_path))  # where miniconda3/envs is looked for
    shown = {}
    for form in verb.FORMATS:
        assert run_verb(["dmodel", "--format", form, "--mode", "clean"]) == 0
        shown[form] = capsys.readouterr().out
    assert str(prefix) in shown["explain"]
    assert "export CONDA_PREFIX=%s\n" % prefix in shown["exports"]
    assert {"name": "CONDA_PREFIX", "value": str(prefix), "remove": False} in json.loads(shown["environment-edit"])
    assert json.loads(shown["hqueue"])["CONDA_PREFIX"] == str(prefix)
    assert json.loads(shown["json"])["prefix"] == str(prefix)


def test_an_unknown_name_is_answered_with_the_known_ones(conda_prefix, monkeypatch, tmp_path):
    prefix = conda_prefix()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(prefix_discovery.UnknownEnvironmentError, match=str(prefix)):
        run_verb(["dmodle"])


def test_errors_of_the_prefix_come_through(tmp_path):
    with pytest.raises(prefixes.PrefixMissingError):
        environment.resolve(EnvironmentSpec(prefix=str(tmp_path / "gone")), {})

"""Describing and finding environments from their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from topforge.environments import prefix_discovery, prefixes


def test_a_conda_prefix_is_described_from_its_records(conda_prefix):
    prefix = conda_prefix(conda={"pytorch-2.0.1": "py3.11_cuda11.8_cudnn8.7.0_0"}, pip={"numpy": "1.26.4"})
    found = prefixes.describe(prefix)
    assert (found.kind, found.torch_version, found.torch_cuda) == ("conda", "2.0.1", "11.8")
    assert found.packages["numpy"] == "1.26.4"
    assert found.python == prefix / "bin" / "python"
    assert found.site_packages is not None
    assert found.site_packages.is_dir()


def test_a_venv_is_described_from_its_configuration(venv_prefix):
    found = prefixes.describe(venv_prefix(pip={"torch": "2.7.1+cu128", "Warp_Lang": "1.9.0"}))
    assert (found.kind, found.torch_version, found.torch_cuda) == ("venv", "2.7.1+cu128", "12.8")
    assert found.packages["warp-lang"] == "1.9.0"
    assert found.library_folder is None


def test_torch_tells_its_cuda_itself_where_the_version_does_not(venv_prefix):
    prefix = venv_prefix(pip={"torch": "2.7.1"})
    site = prefixes.describe(prefix).site_packages
    assert site is not None
    (site / "torch").mkdir()
    source = site / "torch" / "version.py"
    source.write_text("from typing import Optional\n__version__ = '2.7.1'\ncuda: Optional[str] = '12.6'\n")
    assert prefixes.describe(prefix).torch_cuda == "12.6"
    source.write_text("__version__ = '2.7.1'\ncuda: Optional[str] = None\n")
    assert prefixes.describe(prefix).torch_cuda is None


def test_a_windows_conda_prefix_is_understood(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "python-3.10.4-h_0.json").write_text("{}")
    (tmp_path / "python.exe").write_text("")
    (tmp_path / "python.exe").chmod(0o755)
    found = prefixes.describe(tmp_path)
    assert (found.windows, found.python_version) == (True, "3.10.4")
    assert found.path_folders[0] == tmp_path
    assert tmp_path / "Library" / "bin" in found.path_folders
    assert found.site_packages == tmp_path / "Lib" / "site-packages"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(prefixes.PrefixMissingError, match="no-such"):
        prefixes.describe(tmp_path / "no-such")


def test_a_folder_that_is_no_environment_is_refused(tmp_path):
    with pytest.raises(prefixes.NotAnEnvironmentError, match=r"conda-meta/ .* pyvenv\.cfg"):
        prefixes.describe(tmp_path)


def test_a_venv_whose_base_python_is_gone_is_refused(venv_prefix):
    prefix = venv_prefix()
    (prefix / "bin" / "python").unlink()
    (prefix / "bin" / "python").symlink_to("/gone/python3.11")
    with pytest.raises(prefixes.PrefixWithoutPythonError, match="/gone/python3"):
        prefixes.describe(prefix)


def test_a_conda_prefix_without_python_is_refused(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    with pytest.raises(prefixes.PrefixWithoutPythonError, match="is not there"):
        prefixes.describe(tmp_path)


def test_an_interpreter_that_may_not_be_executed_is_refused(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("")
    with pytest.raises(prefixes.PrefixWithoutPythonError, match="may not be executed"):
        prefixes.describe(tmp_path)


def test_a_python_too_old_for_topforge_is_refused(venv_prefix):
    prefix = venv_prefix()
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.7.9\n")
    with pytest.raises(prefixes.PythonTooOldError, match=r"3\.7\.9"):
        prefixes.describe(prefix)


def test_environments_are_found_in_every_place_and_listed_once(tmp_path, conda_prefix, venv_prefix):
    home = tmp_path / "home"
    listed, active, elsewhere = conda_prefix("envs/listed"), conda_prefix("envs/active"), venv_prefix("project/venv")
    in_root = conda_prefix("envs/in_root")
    (home / ".conda").mkdir(parents=True)
    (home / ".conda" / "environments.txt").write_text("%s\n/no/longer/there\n\n" % listed)
    variables = {
        "CONDA_PREFIX": str(active),
        "VIRTUAL_ENV": str(elsewhere),
        "CONDA_EXE": str(tmp_path / "miniconda3" / "bin" / "conda"),
    }
    assert prefix_discovery.discover(variables, home) == tuple(sorted([listed, active, elsewhere, in_root]))


def test_a_folder_that_may_not_be_read_does_not_stop_the_search(tmp_path, conda_prefix):
    prefix = conda_prefix()
    variables = {"CONDA_PREFIX": str(prefix), "MAMBA_ROOT_PREFIX": "/proc/1/cwd"}
    assert prefix in prefix_discovery.discover(variables, tmp_path)


def test_variables_that_conda_would_set_are_read(conda_prefix):
    prefix = conda_prefix()
    declared = prefix / "etc" / "conda" / "env_vars.d"
    declared.mkdir(parents=True)
    (declared / "package.json").write_text(json.dumps({"FROM_PACKAGE": "1", "BOTH": "package"}))
    state = {"env_vars": {"BOTH": "user", "HF_HOME": "/big/disk", "GONE": "***unset***"}}
    (prefix / "conda-meta" / "state").write_text(json.dumps(state))
    expected = {"FROM_PACKAGE": "1", "BOTH": "user", "HF_HOME": "/big/disk", "GONE": None}
    assert prefixes.state_variables(prefix) == expected


def test_a_broken_state_file_is_named(conda_prefix):
    prefix: Path = conda_prefix()
    (prefix / "conda-meta" / "state").write_text("{")
    with pytest.raises(prefixes.ActivationUnreadableError, match="conda-meta/state"):
        prefixes.state_variables(prefix)

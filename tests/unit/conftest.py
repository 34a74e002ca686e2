"""Fixtures: environments laid out on disk as their makers lay them out, with a Python that really runs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Callable, Mapping

import pytest

Layout = Callable[..., Path]
VERSION = "%d.%d" % sys.version_info[:2]


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(str(source), str(target))  # not a symlink: Python looks for its library around the real file
    except OSError:
        shutil.copy2(str(source), str(target))


def _add_distributions(site: Path, packages: Mapping[str, str]) -> None:
    for name, version in packages.items():
        (site / ("%s-%s.dist-info" % (name, version))).mkdir(parents=True)


@pytest.fixture
def conda_prefix(tmp_path: Path) -> Layout:
    """Makes a conda prefix: own interpreter and library, conda-meta records. Its Python finds only its packages."""

    def make(name: str = "envs/dmodel", conda: Mapping[str, str] = {}, pip: Mapping[str, str] = {}) -> Path:
        prefix = tmp_path / "miniconda3" / name
        library = prefix / "lib" / ("python" + VERSION)
        site = library / "site-packages"
        for folder in (prefix / "bin", site, prefix / "conda-meta", prefix / "include"):
            folder.mkdir(parents=True)
        (library / "dist-packages").symlink_to("site-packages")  # Debian's Python looks here
        for entry in Path(sysconfig.get_paths()["stdlib"]).iterdir():
            if entry.name not in ("site-packages", "dist-packages", "__pycache__"):
                (library / entry.name).symlink_to(entry)
        _link_or_copy(Path(os.path.realpath(sys.executable)), prefix / "bin" / ("python" + VERSION))
        for link in ("python", "python3"):
            (prefix / "bin" / link).symlink_to("python" + VERSION)
        for record, build in {"python-%d.%d.%d" % sys.version_info[:3]: "h0_cpython", **conda}.items():
            (prefix / "conda-meta" / ("%s-%s.json" % (record, build))).write_text(json.dumps({}))
        _add_distributions(site, pip)
        return prefix

    return make


@pytest.fixture
def venv_prefix(tmp_path: Path) -> Layout:
    """Makes a venv as `python -m venv --without-pip` does."""

    def make(name: str = "venv", pip: Mapping[str, str] = {}) -> Path:
        prefix = tmp_path / name
        site = prefix / "lib" / ("python" + VERSION) / "site-packages"
        for folder in (prefix / "bin", site):
            folder.mkdir(parents=True)
        base = Path(os.path.realpath(sys.executable))
        (prefix / "bin" / "python").symlink_to(base)
        version = "%d.%d.%d" % sys.version_info[:3]
        keys = ("home = %s" % base.parent, "include-system-site-packages = false", "version = %s" % version)
        (prefix / "pyvenv.cfg").write_text("\n".join(keys) + "\n")
        _add_distributions(site, pip)
        return prefix

    return make

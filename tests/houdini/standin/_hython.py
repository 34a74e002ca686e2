"""What `hython` does before the script runs: Houdini's environment with its traps, packages, paths and assets."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

REPOSITORY = Path(__file__).resolve().parents[3]
_PYTHONS = {"20.5.584": (3, 11), "21.0.631": (3, 11), "22.0.368": (3, 13)}
_FOREIGN_MODULE = 'raise ImportError("This is Houdini\'s %s: a foreign Python must not see $HFS on its PYTHONPATH.")\n'


def prepare() -> None:
    """Everything that has happened in a hython when its script starts."""
    version = os.environ.setdefault("TOPFORGE_STANDIN_VERSION", "20.5.584")
    if sys.version_info[:2] != _PYTHONS[version]:
        _restart(_PYTHONS[version])
    hfs = _houdini_folder(version)
    _lay_traps(hfs)
    folders = _load_packages(version)
    os.environ["HOUDINI_PATH"] = os.pathsep.join([*folders, "&"])
    libraries = "python%d.%dlibs" % sys.version_info[:2]
    sys.path += [str(Path(folder) / libraries) for folder in folders if (Path(folder) / libraries).is_dir()]

    import hou

    for folder in folders:
        for library in sorted([*Path(folder).glob("otls/*.hda"), *Path(folder).glob("otls/*.otl")]):
            hou.hda.installFile(str(library))


def _restart(wanted) -> None:
    """Runs this again with the Python that the Houdini version has."""
    name = "python%d.%d" % wanted
    found = os.environ.get("TOPFORGE_STANDIN_" + name.upper().replace(".", "_")) or shutil.which(name)
    if found is None or subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode:
        sys.exit("This Houdini has %s, which is not on the PATH; name it in TOPFORGE_STANDIN_%s."
                 % (name, name.upper().replace(".", "_")))  # fmt: skip
    os.execv(found, [found, *sys.argv])


def _houdini_folder(version: str) -> Path:
    """A folder that looks like $HFS: wrappers that start, libraries and modules that hurt whoever is not Houdini."""
    root = Path(tempfile.mkdtemp(prefix="topforge-hfs-"))
    atexit.register(shutil.rmtree, root, True)
    hfs = root / "opt" / ("hfs" + version)
    site = hfs / "houdini" / ("python%d.%dlibs" % sys.version_info[:2])
    for folder in (hfs / "bin", hfs / "python" / "bin", hfs / "dsolib", hfs / "bin" / "Qt_plugins", site):
        folder.mkdir(parents=True)
    for library in ("libstdc++.so.6", "libtbb.so.12", "libgomp.so.1"):
        (hfs / "dsolib" / library).write_text("Houdini's own %s, which no other program can load.\n" % library)
    for module in ("numpy", "torch", "hou"):
        (site / (module + ".py")).write_text(_FOREIGN_MODULE % module)
    _wrapper(hfs / "bin" / "hython", '"%s" "%s"' % (sys.executable, Path(__file__).with_name("hython")))
    _wrapper(hfs / "python" / "bin" / "python", '"%s"' % sys.executable)
    return hfs


def _wrapper(path: Path, command: str) -> None:
    """A program of Houdini's: it finds its own libraries whatever the environment says."""
    path.write_text('#!/bin/sh\nunset PYTHONHOME PYTHONPATH LD_LIBRARY_PATH\nexec %s "$@"\n' % command)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _lay_traps(hfs: Path) -> None:
    """What children inherit from Houdini. Set after this interpreter started, so it does not hurt itself."""
    site = next((hfs / "houdini").iterdir())
    temporary = os.environ.get("HOUDINI_TEMP_DIR") or tempfile.mkdtemp(prefix="houdini_temp-", dir=hfs.parents[1])
    os.environ.update(
        HFS=str(hfs), HH=str(hfs / "houdini"), HHP=str(site), HB=str(hfs / "bin"), HOUDINI_TEMP_DIR=temporary,
        PYTHONHOME=str(hfs / "python"), PYTHONPATH=_before("PYTHONPATH", site),
        LD_LIBRARY_PATH=_before("LD_LIBRARY_PATH", hfs / "dsolib"), QT_PLUGIN_PATH=str(hfs / "bin" / "Qt_plugins"),
        PATH=_before("PATH", hfs / "bin"),
    )  # fmt: skip


def _before(name: str, folder: Path) -> str:
    there = os.environ.get(name)
    return str(folder) + os.pathsep + there if there else str(folder)


def _load_packages(version: str) -> List[str]:
    """The folders that packages add to HOUDINI_PATH; their variables go to the environment."""
    from hou._packages import Package

    words = {
        "version": version, "os": {"linux": "linux", "darwin": "macos", "win32": "windows"}[sys.platform],
        "python": "python%d.%d" % sys.version_info[:2],
    }  # fmt: skip
    chosen = os.environ.get("HOUDINI_PACKAGE_DIR")
    files = sorted(Path(chosen).glob("*.json")) if chosen else [REPOSITORY / "package.json"]
    environment: Dict[str, str] = dict(os.environ)
    folders: List[str] = []
    for file in files:
        folders += Package(file, environment, words).folders
    os.environ.update(environment)
    return folders

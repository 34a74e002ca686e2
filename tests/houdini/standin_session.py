"""Fresh stand-ins of `hou` and `pdg` inside this process: what the `standin` fixture of conftest hands out."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "standin"
REPOSITORY = FOLDER.parents[2]
_OURS = ("hou", "pdg", "topforge_houdini", "toptoolutils", "soptoolutils", "voptoolutils", "pdgcmd", "pdgjson")


def forget() -> None:
    """Takes the stand-ins, and our modules that are bound to them, out of the interpreter."""
    for name in [name for name in sys.modules if name.split(".")[0] in _OURS]:
        del sys.modules[name]


class Standin:
    """Makes sessions of the stand-in; `close` ends the last one and puts the environment back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = dict(os.environ)
        self._path = list(sys.path)
        self.hou = None

    def session(self, version: str = "20.5.584", assets: bool = True, scene: str = "untitled.hip"):
        """A new Houdini: an empty scene in the test's folder, our assets installed.

        Args:
            version: 20.5.584, 21.0.631 or 22.0.368.
            assets: Install `otls/*.hda`.
            scene: Name of the scene's file, which need not exist.

        Returns:
            The fresh module `hou`; `import pdg` gives the one that belongs to it.
        """
        self._end()
        os.environ["TOPFORGE_STANDIN_VERSION"] = version
        if str(FOLDER) not in sys.path:
            sys.path.insert(0, str(FOLDER))
        self.hou = importlib.import_module("hou")
        self.hou.hipFile.setName(str(self._folder / scene))
        for library in sorted((REPOSITORY / "otls").glob("*.hda")) if assets else ():
            self.hou.hda.installFile(str(library))
        return self.hou

    @property
    def pdg(self):
        """The stand-in of `pdg` of this session."""
        return importlib.import_module("pdg")

    def _end(self) -> None:
        if self.hou is not None:
            self.hou.hipFile.clear()
        self.hou = None
        forget()

    def close(self) -> None:
        self._end()
        sys.path[:] = self._path
        os.environ.clear()
        os.environ.update(self._environment)

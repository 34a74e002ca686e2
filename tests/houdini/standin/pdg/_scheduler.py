"""What all schedulers share: job parameters, folders, the server that jobs talk to, the data of a job."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any, Dict, Optional

from . import _view
from ._items import Item
from ._strict import Strict
from .local.callback_server import CallbackServer
from .local.folders import expand, temp_folder, working_folder

_SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


class Scheduler(Strict):
    """pdg.Scheduler, as far as code outside of schedulers may use it."""

    __slots__ = ("_record",)

    def __init__(self, record: Any) -> None:
        self._record = record

    @property
    def name(self) -> str:
        return self._record.view.name()

    def workingDir(self, local: bool) -> str:
        return self._record.working_folder

    def tempDir(self, local: bool) -> str:
        return self._record.temp_folder

    def scriptDir(self, local: bool) -> str:
        return self._record.script_folder

    def logDir(self, local: bool) -> str:
        return self._record.temp_folder + "/logs"

    def dataDir(self, local: bool) -> str:
        return self._record.temp_folder + "/data"

    def localizePath(self, path: str) -> str:
        return self._record.localize(path)

    def topNode(self) -> Any:
        return self._record.view.hou_node()


class BaseScheduler:
    """A scheduler of one network. Called on the cook's thread, except where said."""

    def __init__(self, context: Any, view: _view.NodeView) -> None:
        self.context = context
        self.view = view
        self.public = Scheduler(self)
        self._server: Optional[CallbackServer] = None

    # parameters: a job parameter of the node wins over the scheduler's
    def _holder(self, name: str, item: Optional[Item]) -> _view.NodeView:
        return item.node.view if item is not None and item.node.view.has_parm(name) else self.view

    def text(self, name: str, item: Optional[Item] = None) -> str:
        return str(self._holder(name, item).evaluate(name))

    def whole(self, name: str, item: Optional[Item] = None) -> int:
        return _view.whole(self._holder(name, item), name)

    def on(self, name: str, item: Optional[Item] = None) -> bool:
        return _view.on(self._holder(name, item), name)

    def count(self, name: str, item: Optional[Item] = None) -> int:
        return self._holder(name, item).count(name)

    # folders
    @property
    def working_folder(self) -> str:
        return working_folder(self.view)

    @property
    def temp_folder(self) -> str:
        return temp_folder(self.view, dict(self.context.scene_variables()))

    @property
    def script_folder(self) -> str:
        return self.temp_folder + "/scripts"

    def localize(self, path: str) -> str:
        return expand(path, self.folder_tokens())

    def folder_tokens(self) -> Dict[str, str]:
        temp = self.temp_folder
        tokens = {"DIR": self.working_folder, "SCRIPTDIR": self.script_folder, "TEMP": temp, "SHARED_TEMP": temp}
        return {**tokens, "SHARED_ROOT": self.working_folder}

    @property
    def server(self) -> CallbackServer:
        if self._server is None:
            self._server = CallbackServer(self.find, self.context, lambda item, text: self.localize(text))
        return self._server

    def find(self, number: int) -> Item:
        for item in self.context.items():
            if item.id == number:
                return item
        raise KeyError(number)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def cook_ended(self) -> None:
        if self.whole("pdg_deletetempdir") == 2:
            shutil.rmtree(self.temp_folder, ignore_errors=True)

    def compresses_data(self) -> bool:
        return self.on("pdg_compressworkitemdata")

    def serialize(self, item: Item) -> None:
        """Scripts and data of the job. The JSON's form is the stand-in's own; `.gz` by default is not."""
        Path(self.script_folder).mkdir(parents=True, exist_ok=True)
        for script in _SCRIPTS.glob("*.py"):
            shutil.copyfile(script, Path(self.script_folder) / script.name)
        folder = Path(self.temp_folder) / "data"
        folder.mkdir(parents=True, exist_ok=True)
        table = item.attributes.by_name
        content = {
            "name": item.name,
            "id": item.id,
            "index": item.index,
            "attributes": {name: [str(value) for value in one._values] for name, one in table.items()},
            "inputs": [file.path for file in item.inputs(lambda other: other.outputs)],
        }
        data = json.dumps(content).encode("utf-8")
        if self.compresses_data():
            (folder / (item.name + ".json.gz")).write_bytes(gzip.compress(data))
        else:
            (folder / (item.name + ".json")).write_bytes(data)

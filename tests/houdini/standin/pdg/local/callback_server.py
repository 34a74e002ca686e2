"""The server that jobs talk to. One JSON object per line in each direction; the wire format is the stand-in's own."""

from __future__ import annotations

import json
import socketserver
import threading
from typing import Any, Callable, Dict

from .._attributes import AttribError
from .._enums import EventType, attribType
from .._files import File
from .._items import Item
from .._strict import NotInStandIn
from .._writing import Lock

_KINDS = {
    "String": attribType.String,
    "Int": attribType.Int,
    "Float": attribType.Float,
    "File": attribType.File,
    "Dict": attribType.Dict,
}


class CallbackServer:
    """Listens until it is stopped. Listens on this machine only, unlike the real one (8, 10)."""

    def __init__(self, find: Callable[[int], Item], context: Any, localize: Callable[[Item, str], str]) -> None:
        self._find, self._context, self._localize = find, context, localize
        answer = self._answer

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline()
                if line:
                    self.wfile.write(json.dumps(answer(line)).encode("utf-8") + b"\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = "%s:%d" % self._server.server_address[:2]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="pdg-callbacks", daemon=True).start()

    def stop(self) -> None:
        """Refuses from now on, as when the network or Houdini is gone."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, line: bytes) -> Dict[str, Any]:
        try:
            request = json.loads(line)
            function = getattr(self, "_do_" + str(request["call"]), None)
            if function is None:
                raise NotInStandIn("the callback %s" % request["call"])
            function(self._find(int(request["item"])), request)
        except (ValueError, KeyError, TypeError, AttribError, NotInStandIn) as error:
            return {"error": "%s: %s" % (type(error).__name__, error)}
        return {"error": ""}

    def _do_output(self, item: Item, request: Dict[str, Any]) -> None:
        for path, hash in zip(request["paths"], request["hashes"]):
            file = File(path, request["tag"], hash, False, _localize=lambda text: self._localize(item, text))
            with item.lock:
                item.add_output(file)
        self._context.emit(EventType.WorkItemOutputFiles, item.node, item, only_item=True)

    def _do_attribute(self, item: Item, request: Dict[str, Any]) -> None:
        kind = _KINDS[request["kind"]]
        values = request["values"]
        if kind is attribType.File:
            values = [File(value, _localize=lambda text: self._localize(item, text)) for value in values]
        with Lock(item):
            item.attributes.set(request["name"], kind, values, request["index"])

    def _do_percent(self, item: Item, request: Dict[str, Any]) -> None:
        item.cook_percent = float(request["value"])
        self._context.emit(EventType.WorkItemCookPercentUpdate, item.node, item, only_item=True)

    def _do_state(self, item: Item, request: Dict[str, Any]) -> None:
        item.custom_state = str(request["value"])

    def _do_log(self, item: Item, request: Dict[str, Any]) -> None:
        item.log(int(request["kind"]), str(request["text"]))
        if int(request["kind"]) == 1:
            item.node.warning("%s: %s" % (item.name, request["text"]))

    def _do_invalidate(self, item: Item, request: Dict[str, Any]) -> None:
        item.always_cook = True

    def _do_alive(self, item: Item, request: Dict[str, Any]) -> None:
        """Nothing changes: the connection is the answer."""

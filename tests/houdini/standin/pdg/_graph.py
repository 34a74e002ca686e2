"""pdg.GraphContext and pdg.Graph."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional

from ._events import EventHandler, add_handler
from ._node import Node
from ._strict import NotInStandIn, Strict, expect
from ._work_item import WorkItem, handle


class Graph(Strict):
    """The nodes and items of a context."""

    __slots__ = ("_record",)

    def __init__(self, record: Any) -> None:
        self._record = record

    def nodes(self) -> List[Node]:
        return [node.public for node in self._record.nodes.values()]

    def node(self, name: str) -> Optional[Node]:
        return next((node for node in self.nodes() if node.name == expect(name, str, "node")), None)

    def workItemById(self, id: int) -> Optional[WorkItem]:
        expect(id, int, "workItemById")
        return next((handle(item) for item in self._record.items() if item.id == id), None)

    def workItemByName(self, name: str) -> Optional[WorkItem]:
        expect(name, str, "workItemByName")
        return next((handle(item) for item in self._record.items() if item.name == name), None)


class GraphContext(Strict):
    """The public face of a cookable graph. Of a TOP network's, only reading and cooking is allowed."""

    __slots__ = ("_graph", "_record")

    _by_name: ClassVar[Dict[str, Any]] = {}

    def __init__(self, record: Any = None) -> None:
        if record is None or isinstance(record, str):
            raise NotInStandIn("graph contexts without a TOP network (documented, but not imitated)")
        self._record = record
        self._graph = Graph(record)

    @staticmethod
    def byName(name: str) -> Optional[GraphContext]:
        found = GraphContext._by_name.get(expect(name, str, "byName"))
        return None if found is None else found.public

    @staticmethod
    def names() -> List[str]:
        return list(GraphContext._by_name)

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def graph(self) -> Graph:
        return self._graph

    @property
    def cooking(self) -> bool:
        return self._record.cooking

    @property
    def canceling(self) -> bool:
        return self._record.canceling

    @property
    def schedulers(self) -> List[Any]:
        return [scheduler.public for scheduler in self._record.schedulers.values()]

    def cancelCook(self) -> None:
        self._record.cancel()

    def waitAllEvents(self) -> None:
        self._record.dispatcher.flush()

    def addEventHandler(self, handler: Any, type: Any, pass_handler: bool = False) -> EventHandler:
        return add_handler(self._record.handlers, handler, type, pass_handler)

    def removeEventHandler(self, handler: EventHandler) -> None:
        self._record.handlers.remove(handler)

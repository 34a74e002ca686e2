"""Nodes of the graph: what the engine knows, and the public pdg.Node and pdg.Port."""

from __future__ import annotations

from typing import Any, List, Set

from ._enums import EventType, generateWhen, nodeType
from ._events import EventHandler, add_handler
from ._items import Item
from ._strict import Strict, expect
from ._view import NodeView, on, whole
from ._work_item import WorkItem, handle


class NodeRecord:
    """A node of the graph. Changed on the engine's thread only."""

    def __init__(self, context: Any, view: NodeView, name: str, operator: Any) -> None:
        self.context = context
        self.view = view
        self.name = name
        self.operator = operator
        self.sources: List[NodeRecord] = []
        self.items: List[Item] = []
        self.generated = False
        """Static: it was generated. Dynamic: nothing more can come in this cook."""
        self.handled: Set[int] = set()
        """Upstream items that a dynamic node has generated from."""
        self.busy = False
        """A callback of it is running."""
        self.failed = False
        """Its last generation failed: it generates anew in the next cook."""
        self.errors: List[str] = []
        self.warnings: List[str] = []
        self.handlers: List[EventHandler] = []
        self.public = Node(self)

    @property
    def is_partitioner(self) -> bool:
        return bool(self.operator.partitioner)

    def generates_when(self) -> generateWhen:
        """When it generates. Automatic: with each cooked item if an input node is dynamic, else all at once [D]."""
        if self.is_partitioner:
            waits = whole(self.view, "pdg_partitionwhen") == 1
            dynamic = waits or any(source.is_dynamic() for source in self.sources)
            return generateWhen.AllUpstreamCooked if dynamic else generateWhen.AllUpstreamGenerated
        when = generateWhen.Automatic
        if self.view.has_parm("pdg_workitemgeneration"):
            when = generateWhen(whole(self.view, "pdg_workitemgeneration"))
        if when is not generateWhen.Automatic:
            return when
        if any(source.is_dynamic() for source in self.sources):
            return generateWhen.EachUpstreamCooked
        return generateWhen.AllUpstreamGenerated

    def is_dynamic(self) -> bool:
        return bool(self.sources) and self.generates_when() is not generateWhen.AllUpstreamGenerated

    def ignores_failures(self) -> bool:
        return self.is_partitioner and on(self.view, "pdg_partitionignorefailures")

    def scheduler(self) -> Any:
        return self.context.scheduler_for(self)

    def clear(self) -> None:
        """Forgets its items."""
        for item in self.items:
            for other in item.dependencies:
                other.dependents.remove(item)
        self.items = []
        self.generated = self.failed = False
        self.handled = set()
        self.errors, self.warnings = [], []

    def error(self, message: str) -> None:
        self.errors.append(message)
        self.context.emit(EventType.CookError, self, message=message)

    def warning(self, message: str) -> None:
        self.warnings.append(message)
        self.context.emit(EventType.CookWarning, self, message=message)


class Port(Strict):
    """A parameter of a node, as `self["name"]` gives it."""

    __slots__ = ("_name", "_node")

    def __init__(self, node: NodeRecord, name: str) -> None:
        self._node, self._name = node, name

    @property
    def name(self) -> str:
        return self._name

    def _item(self, work_item: Any) -> Any:
        return None if work_item is None else expect(work_item, WorkItem, "evaluate work_item")

    def evaluate(self, work_item: Any = None) -> Any:
        return self._node.view.evaluate(self._name, self._item(work_item))

    def evaluateInt(self, work_item: Any = None) -> int:
        return int(self.evaluate(work_item))

    def evaluateFloat(self, work_item: Any = None) -> float:
        return float(self.evaluate(work_item))

    def evaluateString(self, work_item: Any = None) -> str:
        return self._node.view.evaluate_text(self._name, self._item(work_item))

    @property
    def isBuiltin(self) -> bool:
        return self._name.startswith("pdg_")


class Node(Strict):
    """pdg.Node; also what callbacks get as `self`."""

    __slots__ = ("_record",)

    def __init__(self, record: Any) -> None:
        if not isinstance(record, NodeRecord):
            raise TypeError("pdg.Node: No constructor defined!")
        self._record = record

    def __getitem__(self, name: str) -> Port:
        """The port of a parameter.

        Raises:
            KeyError: There is no such parameter.
        """
        if not self._record.view.has_parm(expect(name, str, "parameter name")):
            raise KeyError("%s has no parameter %s" % (self._record.view.path(), name))
        return Port(self._record, name)

    def parameter(self, name: str) -> Port:
        return self[name]

    def topNode(self) -> Any:
        """The hou.TopNode that this node comes from. [C] third-party processors use it in callbacks."""
        return self._record.view.hou_node()

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def nodeType(self) -> nodeType:
        return nodeType.Partitioner if self._record.is_partitioner else nodeType.Processor

    @property
    def context(self) -> Any:
        return self._record.context.public

    @property
    def workItems(self) -> List[WorkItem]:
        return [handle(item) for item in self._record.items]

    @property
    def isCooked(self) -> bool:
        record = self._record
        return record.generated and all(item.finished for item in record.items)

    @property
    def scheduler(self) -> Any:
        return self._record.scheduler().public

    def cookError(self, message: str) -> None:
        self._record.error(expect(message, str, "cookError"))

    def cookWarning(self, message: str) -> None:
        self._record.warning(expect(message, str, "cookWarning"))

    def dirty(self, remove_outputs: bool) -> None:
        self._record.context.dirty(self._record.view, expect(remove_outputs, bool, "dirty"))

    def addEventHandler(self, handler: Any, type: Any, pass_handler: bool = False) -> EventHandler:
        return add_handler(self._record.handlers, handler, type, pass_handler)

    def removeEventHandler(self, handler: EventHandler) -> None:
        self._record.handlers.remove(handler)

    def __repr__(self) -> str:
        return "<pdg.Node %s>" % self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other._record is self._record

    def __hash__(self) -> int:
        return hash(id(self._record))

"""What generation callbacks write into: items, partitions, dependencies."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional, Set, Tuple

from ._enums import cloneMode, workItemCookType
from ._items import Item
from ._strict import NotInStandIn, Strict, expect
from ._work_item import WorkItem, handle


class WorkItemHolder(Strict):
    """`item_holder` of `onGenerate`. Items enter the graph when the callback has returned."""

    __slots__ = ("_made", "_node", "_static", "_upstream")

    def __init__(self, node: Any, upstream: List[Item], static: bool) -> None:
        self._node, self._upstream, self._static = node, upstream, static
        self._made: List[Item] = []

    def addWorkItem(
        self,
        options: Any = None,
        *,
        name: Optional[str] = None,
        index: int = -1,
        parent: Optional[WorkItem] = None,
        cloneMode: cloneMode = cloneMode.Default,
        cloneOutputFiles: bool = False,
        cookType: workItemCookType = workItemCookType.Automatic,
        inProcess: bool = False,
        priority: Optional[int] = None,
        **others: Any,
    ) -> WorkItem:
        if options is not None or others:
            self._refuse(options, others)
        source = self._parent(parent)
        item = self._new(name, expect(index, int, "addWorkItem index"), source)
        item.static = self._static
        item.cook_type = workItemCookType.InProcess if expect(inProcess, bool, "inProcess") else cookType
        item.priority = priority if priority is not None else 0 if source is None else source.priority
        if source is not None:
            self._connect(item, source, expect(cloneMode, _CloneMode, "cloneMode"))
            item.passes_outputs = expect(cloneOutputFiles, bool, "cloneOutputFiles")
            item.outputs = list(source.outputs) if item.passes_outputs else []
        self._made.append(item)
        return handle(item)

    def _refuse(self, options: Any, others: Dict[str, Any]) -> None:
        documented = ("batch", "batchSize", "batchOffset", "cloneTarget", "cloneResultData", "isNoGenerate")
        for other in others:
            if other not in (*documented, "preserveType", "typeName"):
                raise TypeError("addWorkItem: unknown option %r" % other)
        raise NotInStandIn(
            "addWorkItem with %s (documented, but not imitated)" % (list(others) or type(options).__name__)
        )

    def _parent(self, parent: Optional[WorkItem]) -> Optional[Item]:
        if parent is not None:
            return expect(parent, WorkItem, "addWorkItem parent")._item
        # a single upstream item is the default parent of a dynamic generation [D]
        return self._upstream[0] if not self._static and len(self._upstream) == 1 else None

    def _new(self, name: Optional[str], index: int, source: Optional[Item]) -> Item:
        if index < 0 and source is None:
            raise NotInStandIn("the index of an item that has neither index nor parent")
        number = self._node.context.next_id()
        made = name if name is not None else "%s_%d" % (self._node.name, number)
        return Item(self._node, number, expect(made, str, "name"), source.index if index < 0 and source else index)

    def _connect(self, item: Item, source: Item, mode: cloneMode) -> None:
        item.parent = source
        item.frame = source.frame
        item.depend_on(source)
        if mode != cloneMode.Never:
            item.attributes.inherit(source.attributes)


_CloneMode = cloneMode


class PartitionHolder(Strict):
    """`partition_holder` of `onPartition`."""

    __slots__ = ("_everywhere", "_frames", "_members")

    def __init__(self) -> None:
        self._members: Dict[int, List[Item]] = {}
        self._everywhere: List[Item] = []
        self._frames: Dict[int, float] = {}

    def addItemToPartition(self, work_item: WorkItem, index: int, required: bool = False) -> None:
        if required:
            raise NotInStandIn("required items of partitions (documented, but not imitated)")
        item = expect(work_item, WorkItem, "addItemToPartition")._item
        self._members.setdefault(expect(index, int, "addItemToPartition index"), []).append(item)

    def addItemToAllPartitions(self, work_item: WorkItem) -> None:
        self._everywhere.append(expect(work_item, WorkItem, "addItemToAllPartitions")._item)

    def setPartitionFrame(self, index: int, frame: float) -> None:
        self._frames[expect(index, int, "setPartitionFrame")] = float(expect(frame, (float, int), "setPartitionFrame"))

    def _partitions(self) -> List[Tuple[int, List[Item]]]:
        return [(index, [*members, *self._everywhere]) for index, members in sorted(self._members.items())]


class DependencyHolder(Strict):
    """`dependency_holder` of `onAddInternalDependencies`."""

    __slots__ = ("_pairs",)

    def __init__(self) -> None:
        self._pairs: Set[Tuple[Item, Item]] = set()

    def addDependency(self, child_item: WorkItem, parent_item: WorkItem) -> None:
        child = expect(child_item, WorkItem, "addDependency")._item
        self._pairs.add((child, expect(parent_item, WorkItem, "addDependency")._item))


def release(items: List[Item]) -> None:
    """Ends the time in which the maker may write freely."""
    for item in items:
        item.generated_outputs = list(item.outputs)
        if item.writer == threading.get_ident():
            item.writer = None

"""Wait for All, and what all partitioners share: order, merged attributes, merged outputs."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from .._enums import attribType
from .._files import File
from .._holders import PartitionHolder
from .._items import Item
from .._strict import NotInStandIn
from .._view import NodeView, on, whole
from .._work_item import WorkItem
from .base import Operator


class WaitForAll(Operator):
    """One partition of all items."""

    partitioner = True

    def partition(self, node: Any, holder: PartitionHolder, items: List[WorkItem]) -> None:
        for item in items:
            holder.addItemToPartition(item, 0)


def ordered(view: NodeView, items: List[Item]) -> List[Item]:
    """The members in the order of `pdg_partitionsort`."""
    way = whole(view, "pdg_partitionsort")
    if on(view, "pdg_partitionsplit") or whole(view, "pdg_partitiontargettype") or way not in (0, 1):
        raise NotInStandIn("partitions that are split, have another target or are sorted by %d" % way)
    downwards = whole(view, "pdg_partitionsortdirection") == 1
    return sorted(items, key=lambda item: item.index, reverse=downwards) if way == 1 else list(items)


def _number(function: Callable[[List[Any]], Any]) -> Callable[[List[Any]], List[Any]]:
    return lambda values: [function(values)]


_MERGE: Dict[int, Callable[[List[Any]], List[Any]]] = {
    3: lambda values: [value for place, value in enumerate(values) if value not in values[:place]],
    4: list,
    5: _number(min),
    6: _number(max),
    7: _number(sum),
}
"""Operations on the values of all members; 1 and 2 take the first and the last member's."""


def merge_attributes(view: NodeView, partition: Item, members: List[Item]) -> None:
    """The attributes of a partition, by `pdg_partitionmergeattributes`."""
    names = list(dict.fromkeys(name for member in members for name in member.attributes.by_name))
    done: Dict[str, bool] = {}
    for entry in range(1, view.count("pdg_partitionmergeattributes") + 1):
        if view.has_parm("pdg_partitionmergepreserve%d" % entry) and on(view, "pdg_partitionmergepreserve%d" % entry):
            raise NotInStandIn("merging attributes with preserve")
        operation = whole(view, "pdg_partitionmergeoperation%d" % entry)
        pattern = str(view.evaluate("pdg_partitionmergepattern%d" % entry))
        for name in names:
            holding = [member for member in members if name in member.attributes.by_name]
            if not done.get(name) and name in holding[0].attributes.match(pattern):
                done[name] = True
                _merge(partition, holding, name, operation)


def _merge(partition: Item, members: List[Item], name: str, operation: int) -> None:
    kinds = {member.attributes.by_name[name]._type for member in members}
    if operation == 0:
        return
    if operation in (1, 2):
        source = members[0 if operation == 1 else -1]
        partition.attributes.by_name[name] = source.attributes.by_name[name]._copy()
        return
    if operation not in _MERGE or len(kinds) > 1:
        raise NotInStandIn("merging attribute %s by operation %d" % (name, operation))
    kind: attribType = kinds.pop()
    values = [value for member in members for value in member.attributes.array(name, kind)]
    partition.attributes.set(name, kind, _MERGE[operation](values))


def merge_outputs(view: NodeView, members: List[Item]) -> List[File]:
    """The outputs of a partition, by `pdg_partitionmergeoutputs`."""
    way = whole(view, "pdg_partitionmergeoutputs") if view.has_parm("pdg_partitionmergeoutputs") else 4
    files = [file for member in members for file in member.outputs]
    unique = list({file.path: file for file in files}.values())
    return ([], files[:1], files[-1:], unique, files)[way]

"""What runs on worker threads: the callbacks that make items and partitions."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import List

from ._enums import generationType
from ._holders import DependencyHolder, PartitionHolder, WorkItemHolder, release
from ._items import Item
from ._node import NodeRecord
from ._strict import NotInStandIn
from ._view import on, whole
from ._work_item import handle
from .tops.base import Generation
from .tops.partitions import merge_attributes, ordered

_HERE = Path(__file__).resolve().parent


def generate(node: NodeRecord, upstream: List[Item], type: generationType) -> List[Item]:
    static = type is generationType.StaticGenerate
    holder = WorkItemHolder(node, upstream, static)
    node.operator.generate(Generation(node, holder, upstream, type))
    dependencies = DependencyHolder()
    node.operator.depend(node, dependencies, holder._made, static)
    for child, other in dependencies._pairs:
        child.depend_on(other)
    for item in holder._made:
        _label(node, item)
    release(holder._made)
    return holder._made


def _label(node: NodeRecord, item: Item) -> None:
    way = whole(node.view, "pdg_workitemlabel") if node.view.has_parm("pdg_workitemlabel") else 0
    if way == 1 and item.parent is not None:
        item.label = item.parent.label
    if way == 2:
        item.label = str(node.view.evaluate("pdg_workitemlabelexpr", handle(item)))
    if node.view.has_parm("pdg_useschedulewhen") and on(node.view, "pdg_useschedulewhen"):
        raise NotInStandIn("pdg_schedulewhen")


def partition(node: NodeRecord, upstream: List[Item], type: generationType) -> List[Item]:
    holder = PartitionHolder()
    node.operator.partition(node, holder, [handle(item, read_only=True) for item in upstream])
    made = []
    for index, members in holder._partitions():
        number = node.context.next_id()
        item = Item(node, number, "%s_%d" % (node.name, number), index)
        item.is_partition = True
        item.static = type is generationType.StaticGenerate
        item.partition_items = ordered(node.view, members)
        for member in item.partition_items:
            item.depend_on(member)
        merge_attributes(node.view, item, item.partition_items)
        made.append(item)
    release(made)
    return made


def trace(error: BaseException) -> str:
    """The traceback of a callback, without the frames of the stand-in around it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(str(_HERE))]
    head = ["Traceback (most recent call last):\n", *traceback.format_list(theirs or frames)]
    return "".join([*head, *traceback.format_exception_only(type(error), error)])

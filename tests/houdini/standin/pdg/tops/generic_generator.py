"""Generic Generator: items that run a command line."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

from .._enums import attribType
from .._holders import DependencyHolder
from .._items import Item
from .._strict import NotInStandIn
from .._view import NodeView, choice, number, on, whole
from .._work_item import WorkItem, handle
from .base import Generation, Operator


class GenericGenerator(Operator):
    """`itemcount` items for each upstream item, or `itemcount` alone; `pdg_command` is evaluated for each item."""

    def generate(self, generation: Generation) -> None:
        view = generation.view
        for name in ("platformcommand", "flattenindices"):
            if on(view, name):
                raise NotInStandIn("genericgenerator with %s" % name)
        if choice(view, "usedelay", ("off", "on", "2")) != "off":
            raise NotInStandIn("genericgenerator with a delay or the command builder")
        parents: List[Optional[WorkItem]] = list(generation.handles()) or [None]
        if generation.node.sources and parents == [None]:
            return
        for parent in parents:
            for position in range(whole(view, "itemcount", parent)):
                self._add(generation, parent, position)

    def _add(self, generation: Generation, parent: Optional[WorkItem], position: int) -> None:
        view, holder = generation.view, generation.holder
        if parent is not None and whole(view, "itemcount", parent) > 1:
            raise NotInStandIn("the indices of several items of one upstream item")
        made = holder.addWorkItem(
            parent=parent,
            index=-1 if parent is not None else position,
            cloneOutputFiles=parent is not None and on(view, "copyinputs"),
        )
        item = made._item
        if on(view, "useindex", made):
            item.index = whole(view, "index", made)
        if on(view, "useframe", made):
            made.setFrame(number(view, "frame", made))
        item.command = str(view.evaluate("pdg_command", made))
        item.shell = on(view, "shellcommand")
        for path, tag in _expected(view, made):
            made.addExpectedOutputFile(path, tag)

    def depend(self, node: Any, holder: DependencyHolder, items: List[Item], static: bool) -> None:
        if not on(node.view, "sequential"):
            return
        if not static:
            raise NotInStandIn("what sequential means for items that are generated one by one")
        for before, after in zip(items, items[1:]):
            holder.addDependency(handle(after), handle(before))


def _expected(view: NodeView, item: WorkItem) -> List[Tuple[str, str]]:
    source = whole(view, "expectedoutputsfrom")
    if source == 0:
        return []
    if source == 1:
        tag = str(view.evaluate("expectedoutputtag", item)) if on(view, "useexpectedoutputtag") else ""
        return [(path, tag) for path in _paths(item, str(view.evaluate("expectedoutputattr", item)))]
    if source != 2:
        raise NotInStandIn("expectedoutputsfrom %d" % source)
    found = []
    for entry in range(1, view.count("expectedoutputfiles") + 1):
        used = on(view, "useexpectedoutputtag%d" % entry)
        tag = str(view.evaluate("expectedoutputtag%d" % entry, item)) if used else ""
        found.append((str(view.evaluate("expectedoutputfile%d" % entry, item)), tag))
    return found


def _paths(item: WorkItem, name: str) -> List[str]:
    kind = item.attribType(name)
    if kind == attribType.String:
        return item.stringAttribArray(name)
    if kind == attribType.File:
        return [file.path for file in item.fileAttribArray(name)]
    raise NotInStandIn("expected outputs from the %s attribute %s" % (kind.name, name))

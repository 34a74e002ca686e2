"""Wedge: `wedgecount` variations of each upstream item, or of nothing."""

from __future__ import annotations

from typing import Any, List, Optional

from .._enums import attribFlag, attribType
from .._strict import NotInStandIn
from .._view import NodeView, choice, component, on, whole
from .._work_item import WorkItem
from .base import Generation, Operator

_FLOAT, _INTEGER, _STRING = 0, 2, 4
_KINDS = {_FLOAT: attribType.Float, _INTEGER: attribType.Int, _STRING: attribType.String}
_WORDS = {_FLOAT: "float", _INTEGER: "int", _STRING: "str"}
_RANGE, _VALUE, _LIST = 0, 1, 2


class Wedge(Operator):
    """Values by range, one value, or a list that is cycled through."""

    def generate(self, generation: Generation) -> None:
        view = generation.view
        if on(view, "preservenum"):
            raise NotInStandIn("wedge with preservenum")
        if choice(view, "workitemorder", ("groupbyinput", "groupbywedge")) != "groupbyinput":
            raise NotInStandIn("wedges grouped by wedge")
        parents: List[Optional[WorkItem]] = list(generation.handles())
        if not generation.node.sources:
            parents = [None]
        first = len(generation.node.items)
        for position, parent in enumerate(parents):
            count = whole(view, "wedgecount", parent)
            for number in range(count):
                index = first + position * count + number
                made = generation.holder.addWorkItem(parent=parent, index=index, cloneOutputFiles=parent is not None)
                self._numbers(
                    view, made, {"count": count, "index": index, "num": number, "total": count * len(parents)}
                )
                self._values(view, made, number, count)

    def _numbers(self, view: NodeView, item: WorkItem, numbers: Any) -> None:
        for word, value in numbers.items():
            if on(view, "createwedge" + word):
                name = str(view.evaluate("wedge%sattrname" % word))
                if item.attrib(name) is not None:
                    item.eraseAttrib(name)
                item.setIntAttrib(name, value)

    def _values(self, view: NodeView, item: WorkItem, number: int, count: int) -> None:
        names: List[str] = []
        for entry in range(1, view.count("wedgeattributes") + 1):
            if on(view, "exportchannel%d" % entry) or on(view, "random%d" % entry):
                raise NotInStandIn("wedges that write parameters, and random wedges")
            kind = whole(view, "type%d" % entry)
            if kind not in _KINDS:
                raise NotInStandIn("wedges of type %d" % kind)
            name = str(view.evaluate("name%d" % entry))
            if item.attrib(name) is not None:
                item.eraseAttrib(name)
            item._item.attributes.set(name, _KINDS[kind], _value(view, item, entry, kind, number, count))
            item.setAttribFlag(name, attribFlag.EnvExport, on(view, "exportenvironment"))
            names.append(name)
        if item.attrib("wedgeattribs") is not None:
            item.eraseAttrib("wedgeattribs")
        item.setStringAttrib("wedgeattribs", names)


def _value(view: NodeView, item: WorkItem, entry: int, kind: int, number: int, count: int) -> Any:
    way = whole(view, "wedgetype%d" % entry)
    convert = {_FLOAT: float, _INTEGER: int, _STRING: str}[kind]
    if way == _LIST:
        entries = view.count("values%d" % entry)
        if not entries:
            raise NotInStandIn("a wedge over an empty list")
        return convert(view.evaluate("%svalue%d_%d" % (_WORDS[kind], entry, number % entries + 1), item))
    if kind == _STRING or way not in (_RANGE, _VALUE):
        raise NotInStandIn("a wedge of type %d by %d" % (kind, way))
    if way == _VALUE:
        return convert(view.evaluate("%svalue%d" % (_WORDS[kind], entry), item))
    low = component(view, "%srange%d" % (_WORDS[kind], entry), 0)
    high = component(view, "%srange%d" % (_WORDS[kind], entry), 1)
    value = low if count == 1 else low + (high - low) * number / (count - 1)
    if kind == _INTEGER and value != int(value):
        raise NotInStandIn("how an integer range of %g to %g is divided by %d" % (low, high, count))
    return convert(value)

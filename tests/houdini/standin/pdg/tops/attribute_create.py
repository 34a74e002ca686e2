"""Attribute Create: string, integer, float and dictionary attributes, and output files."""

from __future__ import annotations

import json
from typing import Any, Callable, Optional

from .._enums import attribType
from .._files import File
from .._strict import NotInStandIn
from .._view import NodeView, on, whole
from .._work_item import WorkItem
from .base import Generation, Operator
from .conflicts import Modes, put

_MODES = Modes(replace=0, keep=4, update=1, warn=2, error=3)


class AttributeCreate(Operator):
    """One item for each upstream item; without input, one item (`emptyinput` 0)."""

    def generate(self, generation: Generation) -> None:
        view = generation.view
        if on(view, "usecondition") or on(view, "useindex") or on(view, "useframe"):
            raise NotInStandIn("attributecreate with a condition, an index or a frame")
        for parent in generation.handles():
            self._fill(generation, generation.holder.addWorkItem(parent=parent, cloneOutputFiles=self._copies(view)))
        if not generation.node.sources:
            if whole(view, "emptyinput") != 0:
                raise NotInStandIn("attributecreate without input and emptyinput other than 0")
            self._fill(generation, generation.holder.addWorkItem(index=0))

    def _copies(self, view: NodeView) -> bool:
        copies = whole(view, "copyoutputs")
        return copies == 1 or (copies == 2 and view.count("resultdata") == 0)

    def _fill(self, generation: Generation, item: WorkItem) -> None:
        node, view = generation.node, generation.view
        for entry in range(1, view.count("stringattribs") + 1):
            self._attribute(node, view, item, "string", entry, attribType.String, lambda: None, str)
        for entry in range(1, view.count("intattribs") + 1):
            self._attribute(node, view, item, "int", entry, attribType.Int, self._one(view, "int", entry), int)
        for entry in range(1, view.count("floatattribs") + 1):
            self._attribute(node, view, item, "float", entry, attribType.Float, self._one(view, "float", entry), float)
        for entry in range(1, view.count("dictattribs") + 1):
            self._attribute(node, view, item, "dict", entry, attribType.Dict, lambda: None, json.loads)
        if view.count("pyobjectattribs"):
            raise NotInStandIn("attributecreate with Python objects")
        for entry in range(1, view.count("resultdata") + 1):
            self._file(view, item, entry)

    def _one(self, view: NodeView, kind: str, entry: int) -> Callable[[], Optional[str]]:
        """Numbers are vectors of four; only the first component is imitated (`intsize#` 0)."""

        def name() -> Optional[str]:
            if whole(view, "%ssize%d" % (kind, entry)) != 0:
                raise NotInStandIn("attributecreate with more than one component")
            return "%svalue%d1" % (kind, entry)

        return name

    def _attribute(
        self, node: Any, view: NodeView, item: WorkItem, word: str, entry: int, kind: attribType, at: Any, convert: Any
    ) -> None:
        if not on(view, "%senable%d" % (word, entry)):
            return
        if whole(view, "%sscope%d" % (word, entry)) != 0:
            raise NotInStandIn("attributes of the graph")
        if word in ("string", "dict") and on(view, "use%sindex%d" % (word, entry)):
            raise NotInStandIn("attributecreate at an index")
        parm = at() or "%svalue%d" % (word, entry)
        value = convert(view.evaluate(parm, item))
        name = str(view.evaluate("%sname%d" % (word, entry), item))
        put(item._item, node, name, kind, value, whole(view, "%sconflict%d" % (word, entry)), _MODES)

    def _file(self, view: NodeView, item: WorkItem, entry: int) -> None:
        if not on(view, "resultenable%d" % entry):
            return
        path = str(view.evaluate("resultvalue%d" % entry, item))
        tag = str(view.evaluate("resulttag%d" % entry, item))
        if whole(view, "resultmenu%d" % entry) == 1:
            name = str(view.evaluate("resultattrname%d" % entry, item))
            item.setFileAttrib(name, File(path, tag, 0, on(view, "resultown%d" % entry)))
        else:
            item.addOutputFile(path, tag, 0, on(view, "resultown%d" % entry))

"""Environment Edit: attributes with the export flag, which become variables of the jobs downstream."""

from __future__ import annotations

from typing import Any

from .._enums import attribFlag, attribType
from .._strict import NotInStandIn
from .._view import NodeView, on, whole
from .._work_item import WorkItem
from .base import Generation, Operator
from .conflicts import Modes, put

_MODES = Modes(replace=0, keep=1, update=2, warn=3, error=4)
_VALUES = (
    ("floatvarvalue", attribType.Float, float),
    ("intvarvalue", attribType.Int, int),
    ("strvarvalue", attribType.String, str),
)
"""By number of `vartype`. The default is 0: a path typed in without changing it is exported as 0.0."""


class EnvironmentEdit(Operator):
    """One item for each upstream item."""

    def generate(self, generation: Generation) -> None:
        if not generation.node.sources:
            raise NotInStandIn("an environmentedit without input")
        for parent in generation.handles():
            made = generation.holder.addWorkItem(parent=parent, cloneOutputFiles=True)
            if on(generation.view, "reset", made):
                made.clearEnvironment()
            for entry in range(1, generation.view.count("environment") + 1):
                self._variable(generation.node, generation.view, made, entry)

    def _variable(self, node: Any, view: NodeView, item: WorkItem, entry: int) -> None:
        if not on(view, "varenable%d" % entry):
            return
        parm, kind, convert = _VALUES[whole(view, "vartype%d" % entry)]
        name = str(view.evaluate("varname%d" % entry, item))
        value = convert(view.evaluate("%s%d" % (parm, entry), item))
        if put(item._item, node, name, kind, value, whole(view, "varconflict%d" % entry), _MODES):
            item.setAttribFlag(name, attribFlag.EnvExport, True)

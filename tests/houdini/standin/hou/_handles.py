"""Which class a handle to a node is of."""

from __future__ import annotations

from typing import Any, Dict

from ._state import NodeState
from ._strict import NotInStandIn
from ._type_state import CATEGORIES

_CLASSES: Dict[str, type] = {}


def register(category: str, class_: type) -> None:
    """The class that handles to nodes of a category are of."""
    _CLASSES[category] = class_


def handle(state: NodeState) -> Any:
    """A new hou object for a node: compare them with `==`, never with `is`."""
    wanted = CATEGORIES[state.type.category][0]
    class_ = _CLASSES.get(state.type.category, _CLASSES.get("") if wanted == "OpNode" else None)
    if class_ is None:
        raise NotInStandIn("hou.%s" % wanted)
    return class_(state)

"""Setting an attribute that upstream may have set already: modes of Attribute Create, Environment Edit."""

from __future__ import annotations

import dataclasses
from typing import Any

from .._attributes import AttribError
from .._enums import attribType
from .._strict import NotInStandIn


@dataclasses.dataclass(frozen=True)
class Modes:
    """The menu's numbers of one node."""

    replace: int
    keep: int
    update: int
    warn: int
    error: int


def put(item: Any, node: Any, name: str, kind: attribType, value: Any, mode: int, modes: Modes) -> bool:
    """Sets the attribute as the mode says. False: what was there was kept.

    Raises:
        AttribError: The mode says so, and the existing attribute has another type.
        NotInStandIn: A case whose outcome is not documented.
    """
    table = item.attributes
    known = table.by_name.get(name)
    if known is not None and mode == modes.keep:
        return False
    if known is not None and mode != modes.replace and known._type != kind:
        words = "%s: attribute %s is %s, not %s" % (item.name, name, known._type.name, kind.name)
        if mode == modes.error:
            raise AttribError(words)
        if mode == modes.warn:
            node.warning(words)
            return False
        raise NotInStandIn("updating the value of an attribute of another type (%s)" % words)
    if known is not None and mode == modes.replace:
        table.erase(name)
    table.set(name, kind, value)
    return True

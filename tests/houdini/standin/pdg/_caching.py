"""Whether an item cooks at all: its cook type, and what the cache mode and the disk say."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from ._enums import cacheMode, workItemCookType, workItemState
from ._items import Item
from ._node import NodeRecord
from ._strict import NotInStandIn
from ._view import whole


def missing(item: Item) -> List[str]:
    """Expected outputs that are not on disk."""
    return [file.local_path for file in item.expected if not Path(file.local_path).exists()]


def cook_type(node: NodeRecord, item: Item) -> workItemCookType:
    if item.cook_type is not workItemCookType.Automatic:
        return item.cook_type
    if node.view.has_parm("pdg_cooktype"):
        raise NotInStandIn("the cook type of nodes with pdg_cooktype")
    return workItemCookType.OutOfProcess if item.command else workItemCookType.Generate


def from_cache(node: NodeRecord, item: Item) -> Optional[workItemState]:
    """How an item ends without cooking, if it does, by `pdg_cachemode` and what is on disk (2.5)."""
    mode = cacheMode(whole(node.view, "pdg_cachemode")) if node.view.has_parm("pdg_cachemode") else cacheMode.Automatic
    if not item.expected or mode is cacheMode.AlwaysWrite:
        return None
    gone = missing(item)
    if mode is cacheMode.AlwaysRead:
        if not gone:
            return workItemState.CookedCache
        problem = "read from cache only, but missing: %s" % ", ".join(gone)
        item.log(0, problem)
        node.error("%s: %s" % (item.name, problem))
        return workItemState.CookedFail
    stale = item.always_cook or (item.wrote and mode is cacheMode.Automatic)
    return None if gone or stale else workItemState.CookedCache

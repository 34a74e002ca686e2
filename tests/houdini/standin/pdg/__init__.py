"""A strict stand-in of Houdini's `pdg`: only documented or observed API, and it really cooks.

For tests outside of Houdini. Whatever is not known to exist raises `NotInStandIn`; `pdg._engine` is the seam for the
stand-in of `hou`. Written from public documentation and observations; none of SideFX's code is in here.
"""

from __future__ import annotations

from typing import Any, List

from . import _engine  # noqa: F401  the seam
from ._attributes import AttribError
from ._enums import (
    EventType,
    attribFlag,
    attribType,
    cacheMode,
    cloneMode,
    generateWhen,
    generationType,
    nodeType,
    result,
    workItemCacheState,
    workItemCookType,
    workItemState,
)
from ._errors import CookError
from ._events import Event
from ._files import File
from ._graph import Graph, GraphContext
from ._holders import DependencyHolder, PartitionHolder, WorkItemHolder
from ._node import Node, Port
from ._scheduler import Scheduler
from ._strict import NotInStandIn, refuse
from ._work_item import WorkItem

__all__ = [
    "AttribError",
    "CookError",
    "DependencyHolder",
    "Event",
    "EventType",
    "File",
    "Graph",
    "GraphContext",
    "Node",
    "NotInStandIn",
    "PartitionHolder",
    "Port",
    "Scheduler",
    "WorkItem",
    "WorkItemHolder",
    "attribFlag",
    "attribType",
    "cacheMode",
    "cacheModeMenu",
    "cloneMode",
    "generateWhen",
    "generateWhenMenu",
    "generationType",
    "mergeOperationMenu",
    "nodeType",
    "result",
    "workItemCacheState",
    "workItemCookType",
    "workItemState",
]


def generateWhenMenu() -> List[str]:
    """Tokens and labels of `pdg_workitemgeneration`."""
    labels = ("All Upstream Items are Generated", "All Upstream Items are Cooked", "Each Upstream Item is Cooked")
    return ["1", labels[0], "3", labels[1], "0", labels[2], "2", "Automatic"]


def cacheModeMenu() -> List[str]:
    """Tokens and labels of `pdg_cachemode`, as far as they are known: the token of AutomaticIgnore is not."""
    return ["0", "Automatic", "1", "Read Files", "2", "Write Files"]


def mergeOperationMenu() -> List[str]:
    """Tokens and labels of `pdg_partitionmergeoperation#`."""
    labels = "Ignore|First Value|Last Value|Unique Values|Append to Array|Minimum|Maximum|Sum|Average|Mode|Median"
    return [word for number, label in enumerate(labels.split("|")) for word in (str(number), label)]


def __getattr__(name: str) -> Any:
    return refuse(name, "pdg")

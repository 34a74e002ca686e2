"""Who may write attributes of an item: its maker while it makes it, its cook task, and who holds its lock."""

from __future__ import annotations

import threading
from typing import Any

from ._attributes import AttribError
from ._items import Item
from ._strict import NotInStandIn


def check_writable(item: Item, read_only: bool) -> None:
    """Raises unless this thread may write to the item.

    Raises:
        AttribError: The handle came with `upstream_items`, whose items cannot be modified [D].
        NotInStandIn: The item is in the graph, where other threads read it, and nobody locked it (2.7).
    """
    if read_only:
        raise AttribError("%s is an upstream item: it can only be read" % item.name)
    if item.writer != threading.get_ident():
        raise NotInStandIn("writing to %s outside of generation and cook tasks without lockAttributes" % item.name)


class Lock:
    """`with work_item.lockAttributes:`."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self._writer: Any = None

    def __enter__(self) -> None:
        self._item.lock.acquire()
        self._writer, self._item.writer = self._item.writer, threading.get_ident()

    def __exit__(self, *problem: Any) -> None:
        self._item.writer = self._writer
        self._item.lock.release()

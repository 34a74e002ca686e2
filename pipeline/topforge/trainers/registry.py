"""Adapters by name. A module is imported only when its adapter is asked for, so that `run-item` starts fast.

Every adapter's module holds one instance named `ADAPTER`; adding a trainer is one line in `MODULES`.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Dict, Tuple

from topforge.errors import TopForgeError
from topforge.trainers.base import Adapter

MODULES: Dict[str, str] = {
    "topforge": "topforge.trainers.builtin",
    "check": "topforge.trainers.check",
    "report": "topforge.trainers.report",
    "frames": "topforge.trainers.frames",
    "poses": "topforge.trainers.poses",
    "convert": "topforge.trainers.convert",
    "command": "topforge.trainers.command",
    "nvdiffrec": "topforge.trainers.nvdiffrec",
    "nvdiffmodeling": "topforge.trainers.nvdiffmodeling",
    "warm-up": "topforge.trainers.warm_up",
    "neuralangelo": "topforge.trainers.neuralangelo",
    "richdreamer": "topforge.trainers.richdreamer",
}


class UnknownAdapterError(TopForgeError):
    """A name that no adapter has."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name, MODULES, n=1)
        fix = 'Did you mean "%s"? ' % near[0] if near else ""
        super().__init__('There is no adapter named "%s".' % name, fix + "Known: %s." % ", ".join(sorted(MODULES)))


def names() -> Tuple[str, ...]:
    """All adapter names, sorted."""
    return tuple(sorted(MODULES))


def trainers() -> Tuple[Adapter, ...]:
    """The adapters that train, in the order of `MODULES`. Imports all of them."""
    return tuple(adapter for adapter in map(get, MODULES) if adapter.is_trainer)


def get(name: str) -> Adapter:
    """The adapter called `name`, importing its module on first use.

    Raises:
        UnknownAdapterError: With the nearest known name.
    """
    if name not in MODULES:
        raise UnknownAdapterError(name)
    adapter = importlib.import_module(MODULES[name]).ADAPTER
    assert isinstance(adapter, Adapter)
    return adapter

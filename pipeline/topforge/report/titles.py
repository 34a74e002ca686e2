"""Adapters and failures by the words people know them by."""

from __future__ import annotations

from typing import Mapping, Optional

from topforge.errors import TopForgeError
from topforge.trainers import registry
from topforge.trainers.base import Adapter

FAILURES: Mapping[str, str] = {
    "config": "Wrong input",
    "oom": "Out of memory",
    "infra": "Trouble with the machine",
    "preempted": "Asked to stop",
    "trainer": "The trainer failed",
    "internal": "A defect of TopForge",
}
"""Failure classes."""


def adapter(name: str) -> Optional[Adapter]:
    """The adapter called `name`, None when this TopForge has none."""
    try:
        return registry.get(name)
    except TopForgeError:
        return None


def of_adapter(name: str) -> str:
    """Its title."""
    found = adapter(name)
    return found.title if found else name

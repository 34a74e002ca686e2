"""Tells JSON files of TopForge's apart, so that one given to the wrong verb is named, not refused key by key."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import FrozenSet, Mapping

from topforge import strict_json
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.planning.jobs import Job
from topforge.trainers import registry

CONFIG, JOB, ITEM = "config of a trainer", "job", "work item"
_USES = {
    CONFIG: 'Train it with `topforge train %s --dataset CAPTURE --out RUN`, or name it in a job\'s "configs".',
    JOB: "Cook it with `topforge cook %s`.",
    ITEM: "Run it with `topforge run-item %s`.",
}


class OtherKindError(TopForgeError):
    """A sound file, but not of the kind that was wanted."""

    def __init__(self, path: Path, wanted: str, found: str) -> None:
        super().__init__("%s is a %s, no %s." % (path, found, wanted), _USES[found] % shlex.quote(str(path)))


def require(path: Path, wanted: str, reader: type) -> None:
    """Refuses a file whose keys are rather those of another kind.

    Args:
        path: The file.
        wanted: CONFIG, JOB or ITEM.
        reader: The dataclass that is read from it; a file with its keys alone is not compared with other kinds, for
            which every trainer would have to be imported.

    Raises:
        OtherKindError: It is of another kind.
        TopForgeError: It cannot be read, or is no JSON.
    """
    content = strict_json.read(path)
    if not isinstance(content, dict):
        return  # refused with its reason by whoever reads it
    if _fields(reader).issuperset(content):
        return
    counts = {kind: len(known.intersection(content)) for kind, known in _keys().items()}
    found = max(counts, key=lambda kind: (counts[kind], kind == wanted))
    if found != wanted:
        raise OtherKindError(path, wanted, found)


def _keys() -> Mapping[str, FrozenSet[str]]:
    """The keys that each kind may have; those of a config are any trainer's."""
    options = frozenset().union(*(_fields(registry.get(name).options) for name in registry.names()))
    return {CONFIG: options, JOB: _fields(Job), ITEM: _fields(Item) | {"format"}}


def _fields(kind: type) -> FrozenSet[str]:
    return frozenset(field.name for field in dataclasses.fields(kind))

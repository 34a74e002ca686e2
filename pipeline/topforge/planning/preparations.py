"""What a job does to its dataset before anything is trained on it: items in a row, each from the result of the last.

    "prepare": [{"adapter": "frames", "count": 120}, {"adapter": "poses", "name": "cameras"}]

They read and write files that do not exist yet when the job is expanded. So the work that follows is named by the key
of the item that makes its dataset: the same video and the same options give the same keys, before anything has run.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Sequence

from topforge import schema
from topforge.environments import private_environment
from topforge.environments.environment import PIPELINE
from topforge.items import EnvironmentSpec
from topforge.planning import item_names
from topforge.schema import ConfigError, Problem
from topforge.trainers import registry
from topforge.trainers.base import Adapter

_OWN_KEYS = ("adapter", "name", "environment", "result")
"""Keys of an entry that are not options of its adapter."""
_MADE = "result of "
"""Begins what stands for the fingerprint of a dataset that an item makes."""


@dataclasses.dataclass(frozen=True)
class Preparation:
    """One entry of a job's `prepare`."""

    adapter: Adapter
    name: str
    config: Any
    """Instance of the adapter's options, paths absolute."""
    environment: EnvironmentSpec
    result: str = ""
    """What of its result the next item reads, a path in that folder: "mesh.obj". "" = all of it."""


def read(entries: Sequence[Mapping[str, Any]], folder: Path, where: str) -> Iterator[Preparation]:
    """The entries, their options checked.

    Args:
        entries: As in the job file.
        folder: Where relative paths start.
        where: The job file, for messages.

    Raises:
        TopForgeError: An entry without an adapter, an unknown one, or wrong options.
    """
    for index, entry in enumerate(entries):
        place = "%s: prepare[%d]" % (where, index)
        own: Dict[str, Any] = {key: entry[key] for key in _OWN_KEYS if key in entry}
        for key in ("adapter", "name", "result"):
            if not isinstance(own.get(key, None if key == "adapter" else ""), str):
                raise ConfigError(place, [Problem(key, "must be text")])
        adapter = registry.get(own["adapter"])
        options = {key: value for key, value in entry.items() if key not in _OWN_KEYS}
        config: Any = schema.from_json(adapter.options, options, place)
        name = item_names.safe(own.get("name") or adapter.name)
        environment = _environment(own, folder, place)
        yield Preparation(adapter, name, schema.with_absolute_paths(config, folder), environment, own.get("result", ""))


def _environment(own: Mapping[str, Any], folder: Path, place: str) -> EnvironmentSpec:
    """The one that is given; else TopForge's own, whatever the trainer's is: these items are TopForge's programs."""
    if "environment" in own:
        spec = schema.from_json(EnvironmentSpec, own["environment"], place + ".environment")
        return schema.with_absolute_paths(spec, folder)
    private = private_environment.folder(PIPELINE.parent)
    there = private_environment.python_of(private).exists()
    return EnvironmentSpec(prefix=str(private)) if there else EnvironmentSpec()


def content_of_result(key: str, part: str = "") -> str:
    """What stands for the fingerprint of a dataset that the item with this key makes, or that is a part of that."""
    return _MADE + key + (": " + part if part else "")


def is_made(content: str) -> bool:
    """Whether an item's dataset is another item's result, by what stands for its fingerprint."""
    return content.startswith(_MADE)

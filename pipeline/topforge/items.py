"""A work item: everything `run-item` needs to know, in one JSON file that any machine can read.

The key is a SHA-256 over what decides the result (adapter and its version, configuration, dataset content, keys of the
items it depends on) and nothing else, so that the same work has the same key on every machine and after every restart.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from topforge import atomic, schema, strict_json
from topforge.errors import TopForgeError
from topforge.paths import absolute

FORMAT = 1
"""Version of item.json. A reader refuses a newer one by name."""


@dataclasses.dataclass(frozen=True)
class Needs:
    """What an item asks of the machine, in the units of every engine's own request."""

    gpus: int = schema.option(0, minimum=0)
    """Whole devices, leased exclusively. TopForge's trainer uses them all; `batch` is the views of each."""
    gpu_memory_mib: int = schema.option(0, minimum=0, unit="MiB")
    """Least free memory on each leased device."""
    memory_mib: int = schema.option(0, minimum=0, unit="MiB")
    """Host memory; informs engines, enforced by none of ours."""
    time_limit_seconds: float = schema.option(0.0, minimum=0, unit="s")
    """Total limit over all attempts; 0 = none."""
    silence_limit_seconds: float = schema.option(900.0, minimum=0, unit="s")
    """Longest time without a line from the trainer before it counts as hung; 0 = none."""
    grace_seconds: float = schema.option(30.0, minimum=0, unit="s")
    """Between the polite request to stop and the kill."""


@dataclasses.dataclass(frozen=True)
class EnvironmentSpec:
    """Which environment the item's children run in. Resolved on the machine that runs the item."""

    prefix: Optional[str] = schema.option(None, path=True)
    """A venv or conda prefix; None = the environment `run-item` itself runs in."""
    mode: str = schema.option("clean", choices=("clean", "kartaverse"))
    """"clean", or "kartaverse": sets CUDA_HOME, PYTHONHOME and PYTHONPATH from the prefix as that page does."""
    variables: Tuple[Tuple[str, str], ...] = ()
    """Set last, verbatim; wins over everything TopForge sets."""


@dataclasses.dataclass(frozen=True)
class Item:
    """One unit of work; see the module's docstring for `key`.

    Its paths are absolute. In item.json they may be relative to the run folder; `read` and `portable` convert.
    """

    name: str
    """Short, for people; unique within a job; letters, digits, `.`, `_`, `-`."""
    adapter: str
    """Which adapter runs it: "check", "topforge", "report", "command", later "nvdiffrec", ..."""
    config: Dict[str, Any]
    """The adapter's full, validated configuration."""
    key: str
    """Hex SHA-256."""
    dataset: Optional[str] = schema.option(None, path=True)
    """Path of the capture folder, when the adapter reads one."""
    content: str = ""
    """Fingerprint of the dataset's content, part of the key; "" without a dataset. For people: nothing reads it."""
    depends: Tuple[str, ...] = schema.option((), path=True)
    """Run folders that must hold a valid result first."""
    after: Tuple[str, ...] = schema.option((), path=True)
    """Run folders of items that must have ended first, well or badly, at least one of them by itself.
    What this item makes is about them as they stand, so it is made anew when one of them has changed."""
    environment: EnvironmentSpec = EnvironmentSpec()
    needs: Needs = Needs()
    labels: Tuple[Tuple[str, str], ...] = ()
    """Wedge values for tables and reports, e.g. (("learning_rate", "0.01"),)."""


def compute_key(adapter: str, version: str, deciding: Any, dataset_fingerprint: str, depends: Tuple[str, ...]) -> str:
    """The SHA-256 that names this work.

    Args:
        adapter: Adapter name.
        version: Version of the adapter's result; raised when the same config would give another result.
        deciding: JSON-able part of the configuration that decides the result.
        dataset_fingerprint: Content hash of the dataset, "" without one.
        depends: Keys of the items it depends on, in order.
    """
    text = json.dumps([adapter, version, deciding, dataset_fingerprint, list(depends)], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def to_json(item: Item) -> Dict[str, Any]:
    """The content of item.json."""
    return {"format": FORMAT, **schema.to_json(item)}


def write(path: Path, item: Item) -> None:
    """Writes item.json (not forced to disk: it can be expanded again from the job)."""
    atomic.write_json(path, to_json(item), durable=False)


def portable(item: Item, run_folder: Path, tree: Path) -> Item:
    """For writing: paths relative to the run folder, so that a whole tree can move to another place or machine.

    Args:
        item: As in memory.
        run_folder: Where its item.json goes.
        tree: What moves as a whole. Only what lies in it, from a run folder in it, becomes relative.
    """

    def moved(path: str) -> str:
        inside = all(is_below(Path(each), tree) for each in (path, str(run_folder)))
        return Path(os.path.relpath(path, str(run_folder))).as_posix() if inside else path

    return dataclasses.replace(
        item,
        dataset=None if item.dataset is None else moved(item.dataset),
        depends=tuple(map(moved, item.depends)),
        after=tuple(map(moved, item.after)),
    )


def is_below(path: Path, folder: Path) -> bool:
    """Whether an absolute path is `folder` or lies in it, by its text."""
    return folder == path or folder in path.parents


class ItemError(TopForgeError):
    """item.json is of a format this TopForge does not read."""

    def __init__(self, path: Path, problem: str, fix: str) -> None:
        super().__init__("%s: %s." % (path, problem), fix)


class NoItemError(TopForgeError):
    """A folder that holds no work item."""

    def __init__(self, folder: Path, what: str = "is no run folder") -> None:
        super().__init__(
            "%s %s: there is no item.json." % (folder, what),
            "Give the folder that `topforge train --out` or a job's `output` named.",
        )


def read(path: Path) -> Item:
    """Reads item.json strictly: nothing missing that has no default, nothing unknown, every type right.

    Returns:
        The item, its own paths absolute. Those inside `config` are the adapter's, and stay as they are.

    Raises:
        NoItemError: There is none.
        TopForgeError: Bad JSON, newer format (`ItemError`), or wrong fields, all of them listed with
            key, value and what is allowed.
    """
    if not path.exists():
        raise NoItemError(path.parent)
    raw = strict_json.read(path)
    number = raw.get("format") if isinstance(raw, dict) else None
    if type(number) is not int:
        raise ItemError(
            path, "it has no `format` number, so it is not an item", "Run `topforge cook` on the job again."
        )
    if number > FORMAT:
        problem = "format is %d, this TopForge reads up to %d" % (number, FORMAT)
        raise ItemError(path, problem, "Update TopForge on this machine.")
    item = schema.from_json(Item, {key: value for key, value in raw.items() if key != "format"}, str(path))
    return schema.with_absolute_paths(item, absolute(path.parent))

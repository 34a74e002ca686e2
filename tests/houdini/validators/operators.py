"""What parameters a node type has: of Houdini's own from data/operators.json, of ours from their interface."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple

from topforge_scene.asset import Operator
from topforge_scene.dialog_script import Entry, Folder, Parameter

_DATA = Path(__file__).resolve().parents[1] / "data" / "operators.json"
SCRIPTED_MENUS = {
    "pdg_workitemgeneration": frozenset("0123"),
    "pdg_cachemode": frozenset("012"),
}
"""Tokens of menus that a script fills."""


class Parm(NamedTuple):
    """One parameter of a type."""

    name: str
    """With `#` for the number of an instance, one for each list that it is in."""
    type: str
    """As in DialogScript; "multiparm" and "folder" are types here, too."""
    size: int = 1
    tokens: frozenset[str] | None = None
    """What a menu accepts; None for anything."""
    lists: tuple[str, ...] = ()
    """The multiparms that it is in, outermost first."""


class NodeType(NamedTuple):
    """One node type."""

    parms: dict[str, Parm]
    max_inputs: int | None
    """None when it was never seen."""
    version: str | None
    """`___Version___` of its instances; "houdini" for the program's own, None when it was never seen."""
    is_asset: bool = False
    outputs: int = 1

    def parm(self, name: str) -> Parm | None:
        """The parameter that a name in a file belongs to."""
        exact = self.parms.get(name) if "#" not in name else None
        return exact or next((p for p in self.parms.values() if "#" in p.name and pattern(p).fullmatch(name)), None)

    def reads(self, name: str) -> bool:
        """Whether an expression can read this: a parameter, or one component of it."""
        exact = self.parm(name)
        if exact is not None:
            return exact.type != "folder"
        found = self.parm(name[:-1])
        return found is not None and found.size > 1 and name[-1] in "xyzwrgba1234"


@functools.lru_cache(maxsize=None)
def pattern(parm: Parm) -> re.Pattern[str]:
    """Matches the names of a list's instances; its groups are their numbers."""
    return re.compile("([1-9][0-9]*|0)".join(re.escape(part) for part in parm.name.split("#")))


@functools.lru_cache(maxsize=None)
def built_in() -> dict[str, NodeType]:
    """Houdini's node types by `Table/name`."""
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    types = {}
    for name, entry in data["operators"].items():
        parms = {parm.name: parm for parm in _from_json(entry["items"], ())}
        types[name] = NodeType(parms, entry["max_inputs"], entry["version"], outputs=_outputs(name))
    for name, entry in data["compiled"].items():
        parms = {parm: Parm(parm, "any") for parm in entry["parms"]}
        types[name] = NodeType(parms, None, entry["version"], outputs=_outputs(name))
    return types


def of_asset(operator: Operator) -> NodeType:
    """The node type that an asset makes."""
    parms = {parm.name: parm for parm in from_items(operator.interface.items)}
    return NodeType(parms, operator.max_inputs, operator.version, True, operator.outputs)


def from_items(items: Iterable[Entry], lists: tuple[str, ...] = ()) -> Iterator[Parm]:
    """Every parameter of an interface, folders and lists among them."""
    for item in items:
        if isinstance(item, Parameter):
            yield Parm(item.name, item.type, item.size, _tokens(item), lists)
            continue
        is_folder = isinstance(item, Folder)
        yield Parm(item.name, "folder" if is_folder else "multiparm", lists=lists)
        yield from from_items(item.items, lists if is_folder else (*lists, item.name))


def _tokens(item: Parameter) -> frozenset[str] | None:
    if item.menu is None or item.menu.script:
        return SCRIPTED_MENUS.get(item.name)
    strict = item.type == "ordinal" or item.menu.kind == "menu"
    return frozenset(token for token, _ in item.menu.items) if strict else None


def _from_json(items: list[dict[str, Any]], lists: tuple[str, ...]) -> Iterator[Parm]:
    for item in items:
        name = item["name"]
        if "items" in item:
            is_list = item["kind"].startswith("multi")
            yield Parm(name, "multiparm" if is_list else "folder", lists=lists)
            yield from _from_json(item["items"], (*lists, name) if is_list else lists)
            continue
        tokens = frozenset(token for token, _ in item["menu"]) if "menu" in item else SCRIPTED_MENUS.get(name)
        strict = item["type"] == "ordinal"  # a menu beside a text field only suggests
        yield Parm(name, item["type"], item.get("size", 1), tokens if strict else None, lists)


def _outputs(name: str) -> int:
    return {
        "Top/split": 2,
        "Top/localscheduler": 0,
        "Top/hqueuescheduler": 0,
        "Top/topnet": 0,
        "Top/output": 0,
        "Sop/output": 0,
    }.get(name, 1)

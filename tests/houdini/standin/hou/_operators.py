"""Node types: those of Houdini that the reference describes, and those of installed assets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from . import _scene
from ._compiled import compiled_types
from ._errors import OperationFailed
from ._specs import specs_of
from ._strict import NotInStandIn
from ._type_state import CATEGORIES, OTHER_TOPS, TypeState, split_name

OPERATORS_FILE = Path(__file__).resolve().parents[2] / "data" / "operators.json"


class Types:
    """The types of a session."""

    def __init__(self) -> None:
        self._built_in: Dict[Tuple[str, str], TypeState] = {}
        self._assets: Dict[Tuple[str, str], List[TypeState]] = {}
        """By category and name; of several libraries with the same operator the one installed last wins."""
        for state in [*compiled_types(), *_operators()]:
            self._built_in[(state.category, state.name)] = state

    def exact(self, category: str, name: str) -> Optional[TypeState]:
        assets = self._assets.get((category, name))
        return assets[-1] if assets else self._built_in.get((category, name))

    def of_category(self, category: str) -> Dict[str, TypeState]:
        names = [name for kind, name in [*self._built_in, *self._assets] if kind == category]
        return {name: state for name in names for state in [self.exact(category, name)] if state is not None}

    def preferred(self, category: str, name: str) -> Optional[TypeState]:
        """The type that `createNode` takes for a name: itself, else the newest version of that name."""
        exact = self.exact(category, name)
        if exact is not None:
            return exact
        _, space, base, version = split_name(name)
        if version:
            return None
        found = [s for s in self.of_category(category).values() if s.parts[2] == base and space in ("", s.parts[1])]
        if len({state.parts[1] for state in found}) > 1:
            raise NotInStandIn("which namespace wins for %r: %s" % (name, sorted(s.name for s in found)))
        return max(found, key=lambda state: [int(n) for n in (state.parts[3] or "0").split(".")], default=None)

    def refuse_unlisted(self, category: str, name: str) -> None:
        """Raises for a type that Houdini has but the reference has no parameters of: "unknown" would be a lie."""
        if category == "Top" and name in OTHER_TOPS.split():
            raise NotInStandIn("the parameters of the TOP %s" % name)

    def install(self, state: TypeState) -> None:
        libraries = self._assets.setdefault((state.category, state.name), [])
        libraries[:] = [other for other in libraries if other.library != state.library] + [state]

    def uninstall(self, library: str) -> None:
        for key, states in list(self._assets.items()):
            states[:] = [state for state in states if state.library != library]
            if not states:
                del self._assets[key]

    def installed(self) -> List[TypeState]:
        return [state for states in self._assets.values() for state in states]


def asset_type(operator: Any, library: str) -> TypeState:
    """The type that an asset's definition makes."""
    if operator.table not in CATEGORIES:
        raise NotInStandIn("assets of the table %r" % operator.table)
    own = operator.table if operator.contents is not None else ""
    specs = tuple(specs_of(operator.interface.items))
    return TypeState(
        operator.table, operator.name, operator.label, specs, True, operator.min_inputs, operator.max_inputs, (),
        operator.outputs, own, operator.contents is not None, operator, library,
    )  # fmt: skip


def entry_of(data: Dict[str, Any]) -> Any:
    """One entry of an interface in operators.json as DialogScript's model."""
    model = _scene.dialog_script
    if "items" in data:
        items = tuple(entry_of(item) for item in data["items"])
        if data["kind"].startswith("multi"):
            return model.Multiparm(data["name"], data["label"], items, data.get("default", 0), data["kind"])
        return model.Folder(data["name"], data["label"], items, data["kind"])
    menu = None
    if "menu" in data:
        pairs = tuple((token, label) for token, label in data["menu"])
        menu = model.Menu(items=pairs, use_token_value=data.get("menu_tokens", False))
    elif "menu_script" in data:
        menu = model.Menu(script=("?",), language=data["menu_script"], use_token_value=data.get("menu_tokens", False))
    return model.Parameter(
        data["name"], data["label"] if "label" in data else data["name"], data["type"], data.get("size", 1),
        tuple(data.get("default", ("",))), menu=menu, invisible=data.get("invisible", False),
    )  # fmt: skip


def _operators() -> List[TypeState]:
    table = json.loads(OPERATORS_FILE.read_text(encoding="utf-8"))["operators"]
    states = []
    for key, data in table.items():
        category, name = key.split("/")
        specs = tuple(specs_of(tuple(entry_of(item) for item in data["items"])))
        outputs = 0 if name.endswith("scheduler") else 1
        states.append(TypeState(category, name, name, specs, True, 0, data["max_inputs"], (), outputs))
    return states


def type_for(types: Types, category: str, name: str, exact: bool) -> TypeState:
    """The type of a new node.

    Raises:
        OperationFailed: No such type.
    """
    state = types.exact(category, name) if exact else types.preferred(category, name)
    if state is None:
        types.refuse_unlisted(category, name)
        raise OperationFailed("Invalid node type name: %s/%s" % (category, name))
    return state

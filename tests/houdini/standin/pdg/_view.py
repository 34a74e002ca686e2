"""The seam to nodes: pdg sees a TOP node through this only. `hou` implements it, and `_paper` for pdg's own tests."""

from __future__ import annotations

from typing import Any, Optional, Protocol, Sequence, Union

Value = Union[int, float, str]


class NodeView(Protocol):
    """One TOP node, or one scheduler."""

    def path(self) -> str: ...

    def name(self) -> str: ...

    def type_name(self) -> str: ...

    def sources(self) -> Sequence[NodeView]:
        """Wired sources of work items, already resolved through subnets, assets and dots."""
        ...

    def has_parm(self, name: str) -> bool: ...

    def evaluate(self, name: str, work_item: Any = None) -> Value: ...

    def evaluate_text(self, name: str, work_item: Any = None) -> str: ...

    def count(self, name: str) -> int:
        """Instances of a multiparm."""
        ...

    def is_bypassed(self) -> bool: ...

    def scheduler(self) -> Optional[NodeView]:
        """Of a node: what its `topscheduler` names. Of a TOP network: its default scheduler."""
        ...

    def hou_node(self) -> Any: ...


def whole(view: NodeView, name: str, item: Any = None) -> int:
    """A parameter's integer: a number, a toggle, or a menu whose tokens are numbers."""
    return int(view.evaluate(name, item))


def number(view: NodeView, name: str, item: Any = None) -> float:
    return float(view.evaluate(name, item))


def on(view: NodeView, name: str, item: Any = None) -> bool:
    return view.evaluate(name, item) in (1, "1", "on")


def choice(view: NodeView, name: str, tokens: Sequence[str], item: Any = None) -> str:
    """The token of a menu with text tokens, whether the view gives the token or its position."""
    value = view.evaluate(name, item)
    return value if isinstance(value, str) and value in tokens else tokens[int(value)]


def component(view: NodeView, name: str, position: int, item: Any = None) -> float:
    """One component of a vector: parameters are named `range1` `range2` or `rangex` `rangey` [C for the first form]."""
    for suffix in ("1234"[position], "xyzw"[position]):
        if view.has_parm(name + suffix):
            return float(view.evaluate(name + suffix, item))
    raise KeyError("%s has no component %d of %s" % (view.path(), position, name))

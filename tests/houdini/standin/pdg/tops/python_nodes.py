"""Python Processor and Python Partitioner: snippets run as bodies of the documented callbacks."""

from __future__ import annotations

import functools
import textwrap
from typing import Any, Callable, Dict, List

from .._holders import DependencyHolder, PartitionHolder
from .._items import Item
from .._strict import NotInStandIn
from .._view import NodeView, on
from .._work_item import WorkItem, handle
from .base import Generation, Operator


@functools.lru_cache(maxsize=64)
def _function(name: str, arguments: str, body: str) -> Callable[..., Any]:
    import pdg

    text = "def %s(%s):\n%s\n    return pdg.result.Success\n" % (name, arguments, textwrap.indent(body, "    "))
    scope: Dict[str, Any] = {"pdg": pdg, "__name__": name}
    exec(compile(text, "<%s>" % name, "exec"), scope)
    return scope[name]


def _call(name: str, arguments: str, body: str, *values: Any) -> None:
    import pdg

    answer = _function(name, arguments, body)(*values)
    if answer not in (pdg.result.Success, None):
        raise pdg.CookError("%s returned %s" % (name, answer))


def _text(view: NodeView, name: str) -> str:
    return str(view.evaluate_text(name)) if view.has_parm(name) else ""


class PythonProcessor(Operator):
    """`generate`, `addinternaldependencies`, `cooktask`."""

    def generate(self, generation: Generation) -> None:
        view = generation.view
        if on(view, "useregeneratestatic"):
            raise NotInStandIn("custom regeneration")
        _call(
            "onGenerate",
            "self, item_holder, upstream_items, generation_type",
            _text(view, "generate"),
            generation.node.public,
            generation.holder,
            generation.handles(),
            generation.type,
        )
        for item in generation.holder._made:
            command = str(view.evaluate("pdg_command", handle(item)))
            if command and not item.command:
                item.command = command

    def depend(self, node: Any, holder: DependencyHolder, items: List[Item], static: bool) -> None:
        body = _text(node.view, "addinternaldependencies")
        if body.strip():
            names = "self, dependency_holder, internal_items, is_static"
            values = (node.public, holder, [handle(item) for item in items], static)
            _call("onAddInternalDependencies", names, body, *values)

    def cook(self, node: Any, item: WorkItem) -> None:
        _call("onCookTask", "self, work_item", _text(node.view, "cooktask"), node.public, item)


class PythonPartitioner(Operator):
    """`partition`."""

    partitioner = True

    def partition(self, node: Any, holder: PartitionHolder, items: List[WorkItem]) -> None:
        names = "self, partition_holder, work_items"
        _call("onPartition", names, _text(node.view, "partition"), node.public, holder, items)

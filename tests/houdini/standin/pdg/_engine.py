"""The graph of one TOP network: what `hou` calls to cook, dirty and cancel it.

context = context_for(topnet_view)
context.build([node_view])                  # nodes only: cookWorkItems(tops_only=True)
context.cook([node_view], block=True)       # errors are not raised: look at the items' states and `messages`
context.node_for(node_view)                 # pdg.Node
context.dirty(node_view, remove_outputs=False)
context.public                              # pdg.GraphContext
context.cancel()
"""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from ._cook import Cook
from ._enums import EventType, workItemState
from ._events import Dispatcher, Event, EventHandler
from ._graph import GraphContext
from ._items import Item
from ._node import NodeRecord
from ._strict import NotInStandIn
from ._view import NodeView
from .hqueue.scheduler import HQueueScheduler
from .local.scheduler import LocalScheduler
from .tops import operator

_SCHEDULERS: Dict[str, Any] = {"localscheduler": LocalScheduler, "hqueuescheduler": HQueueScheduler}
_contexts: Dict[str, Context] = {}
_identities = itertools.count(1)


def _environment_scene() -> Mapping[str, str]:
    return {name: os.environ[name] for name in ("HIP", "HIPNAME", "HIPFILE") if name in os.environ}


scene_variables: Callable[[], Mapping[str, str]] = _environment_scene
"""HIP, HIPNAME of the loaded scene; `hou` puts its own function here."""


def context_for(topnet: NodeView) -> Context:
    """The graph of a TOP network; made when it is asked for first."""
    if topnet.path() not in _contexts:
        _contexts[topnet.path()] = Context(topnet)
        GraphContext._by_name[topnet.name()] = _contexts[topnet.path()]
    found = _contexts[topnet.path()]
    found.topnet = topnet
    return found


def forget(topnet: NodeView) -> None:
    """Cancels and drops the graph of a network that is gone."""
    context = _contexts.get(topnet.path())
    if context is not None:
        context.close()


def forget_all() -> None:
    """Cancels and drops every graph: a test ended."""
    for context in list(_contexts.values()):
        context.close()


class Context:
    """Nodes, items, schedulers and handlers of one network."""

    def __init__(self, topnet: NodeView) -> None:
        self.topnet = topnet
        self.name = topnet.name()
        self.nodes: Dict[str, NodeRecord] = {}
        self.schedulers: Dict[str, Any] = {}
        self._scheduler_lock = threading.Lock()
        self.handlers: List[EventHandler] = []
        self.dispatcher = Dispatcher()
        self.pool = ThreadPoolExecutor(4, thread_name_prefix="pdg-worker")
        self.active: Optional[Item] = None
        self.filter: Set[int] = set()
        """Ids of the items that cook while `filtering`, with what they depend on."""
        self.filtering = False
        self.public = GraphContext(self)
        self._cook: Optional[Cook] = None
        self._thread: Optional[threading.Thread] = None

    # what hou calls
    def build(self, targets: Sequence[NodeView]) -> List[NodeRecord]:
        """Makes the graph's nodes for these and for all upstream of them, upstream first.

        A node whose inputs changed loses its items.
        """
        order: List[NodeRecord] = []
        for target in targets:
            for view in self._through(target):
                self._record(view, order)
        return order

    def node_for(self, view: NodeView) -> Any:
        """The pdg.Node of a TOP node."""
        if view.path() not in self.nodes:
            self.build([view])
        return self.nodes[view.path()].public

    def cook(
        self, targets: Union[NodeView, Sequence[NodeView]], block: bool = False, generate_only: bool = False
    ) -> None:
        """Cooks nodes with all that they need. Never raises for what items or callbacks do."""
        if self.cooking:
            raise NotInStandIn("cooking while a cook of the same network runs")
        order = self.build(list(targets) if isinstance(targets, (list, tuple)) else [targets])
        wanted = [
            record
            for target in self._listed(targets)
            for view in self._through(target)
            for record in order
            if record.view.path() == view.path()
        ]
        self._cook = Cook(self, order, wanted, generate_only)
        self._thread = threading.Thread(target=self._cook.run, name="pdg-cook", daemon=True)
        self._thread.start()
        if block:
            self.wait()

    def wait(self) -> None:
        """Until the cook has ended."""
        if self._thread is not None:
            self._thread.join()
        self.dispatcher.flush()

    def cancel(self) -> None:
        """Kills every process at once, without a word to it."""
        if self._cook is not None and self.cooking:
            self._cook.cancel()

    def cancel_items(self, items: List[Item]) -> None:
        if self._cook is not None and self.cooking:
            self._cook.cancel(items)

    def dirty(self, view: NodeView, remove_outputs: bool = False) -> None:
        """Deletes the items of a node and of all after it; owned files on disk too if asked."""
        if self.cooking:
            raise NotInStandIn("dirtying a network that cooks")
        first = self.nodes.get(view.path())
        for record in [] if first is None else [first, *self.after(first)]:
            for item in record.items:
                if remove_outputs:
                    _delete(item)
                self.emit(EventType.WorkItemRemove, record, item)
            record.clear()

    def dirty_all(self, remove_outputs: bool = False) -> None:
        for record in list(self.nodes.values()):
            self.dirty(record.view, remove_outputs)

    def messages(self, view: NodeView) -> Tuple[List[str], List[str]]:
        """Errors and warnings of a node."""
        record = self.nodes.get(view.path())
        return ([], []) if record is None else (list(record.errors), list(record.warnings))

    @property
    def cooking(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def canceling(self) -> bool:
        return self.cooking and self._cook is not None and self._cook.canceled

    def close(self) -> None:
        self.cancel()
        self.wait()
        for scheduler in self.schedulers.values():
            scheduler.stop()
        if _contexts.get(self.topnet.path()) is self:
            del _contexts[self.topnet.path()]
            GraphContext._by_name.pop(self.name, None)
        self.pool.shutdown(wait=False)
        self.dispatcher.close()

    # what the parts of the engine use
    def items(self) -> Iterator[Item]:
        return (item for node in self.nodes.values() for item in node.items)

    def next_id(self) -> int:
        return next(_identities)

    def scene_variables(self) -> Mapping[str, str]:
        return scene_variables()

    def scheduler_for(self, record: NodeRecord) -> Any:
        """The scheduler of a node, else the network's.

        Raises:
            NotInStandIn: There is none, or it is of a type that is not imitated.
        """
        view = record.view.scheduler() or self.topnet.scheduler()
        if view is None:
            raise NotInStandIn("what cooks %s: neither it nor %s names a scheduler" % (record.name, self.name))
        if view.type_name() not in _SCHEDULERS:
            known = " and ".join(_SCHEDULERS)
            raise NotInStandIn("cooking with a %s; only %s are imitated" % (view.type_name(), known))
        with self._scheduler_lock:  # the cook and callbacks ask
            if view.path() not in self.schedulers:
                self.schedulers[view.path()] = _SCHEDULERS[view.type_name()](self, view)
            return self.schedulers[view.path()]

    def emit(
        self,
        type: EventType,
        node: Optional[NodeRecord] = None,
        item: Optional[Item] = None,
        message: str = "",
        states: Tuple[workItemState, workItemState] = (workItemState.Undefined, workItemState.Undefined),
        only_item: bool = False,
    ) -> None:
        """Tells the handlers. What happens to one item is told only to handlers on that item."""
        event = Event(type, self, node, item, message, states)
        lists = [item.handlers] if only_item and item is not None else [self.handlers]
        if not only_item and node is not None:
            lists.append(node.handlers)
        self.dispatcher.emit(event, *lists)

    def set_state(self, item: Item, state: workItemState, silent: bool = False) -> None:
        before, item.state = item.state, state
        if before != state and not silent:
            self.emit(EventType.WorkItemStateChange, item.node, item, states=(before, state), only_item=True)

    # building
    def _listed(self, targets: Any) -> List[NodeView]:
        return list(targets) if isinstance(targets, (list, tuple)) else [targets]

    def _through(self, view: NodeView) -> List[NodeView]:
        """The node itself, or what a bypassed one lets through."""
        return [found for source in view.sources() for found in self._through(source)] if view.is_bypassed() else [view]

    def _record(self, view: NodeView, order: List[NodeRecord]) -> NodeRecord:
        sources = [self._record(found, order) for source in view.sources() for found in self._through(source)]
        record = self.nodes.get(view.path())
        if record is None or record.operator is not operator(view.type_name()):
            record = self.nodes[view.path()] = NodeRecord(self, view, self._unique(view), operator(view.type_name()))
        record.view = view
        if [id(source) for source in sources] != [id(source) for source in record.sources]:
            self.dirty(view)
            record.sources = sources
        if record not in order:
            order.append(record)
        return record

    def _unique(self, view: NodeView) -> str:
        """[I] The path below the network with `_`: names in one graph are unique, those in subnets are not."""
        inside = (
            view.path()[len(self.topnet.path()) :] if view.path().startswith(self.topnet.path() + "/") else view.name()
        )
        return inside.strip("/").replace("/", "_")

    def after(self, record: NodeRecord) -> List[NodeRecord]:
        """Every node that its items reach."""
        found: List[NodeRecord] = []
        for other in self.nodes.values():
            if record in other.sources and other not in found:
                found += [one for one in [other, *self.after(other)] if one not in found]
        return found


def _delete(item: Item) -> None:
    for file in [*item.expected, *item.outputs]:
        path = Path(file.local_path)
        if file.owned and path.is_file():
            path.unlink()

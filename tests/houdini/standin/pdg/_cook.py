"""One cook: which nodes generate, which items are ready, until nothing moves any more.

Runs on its own thread. Everything else (callbacks, processes, cancel) reports to it through one queue.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from typing import Any, Callable, List, Optional, Set

from ._caching import cook_type, from_cache, missing
from ._enums import EventType, generateWhen, generationType, workItemCookType, workItemState
from ._events import Event
from ._generation import generate, partition, trace
from ._items import Item
from ._node import NodeRecord
from ._strict import NotInStandIn
from ._work_item import handle
from .tops.partitions import merge_outputs

State = workItemState


class Cook:
    """The state machine of one `cookWorkItems`."""

    def __init__(self, context: Any, order: List[NodeRecord], targets: List[NodeRecord], generate_only: bool) -> None:
        self.context = context
        self.order = order
        self.canceled = False
        self.targets = targets
        self._generate_only = generate_only
        self._events: queue.Queue[Callable[[], None]] = queue.Queue()
        self._running = 0
        """Callbacks and processes that will still report."""
        self._cooking: Set[int] = set()
        self._allowed: Optional[Set[int]] = None
        """Items that a filter lets cook, with what they depend on; None without a filter."""

    # from other threads
    def cancel(self, items: Optional[List[Item]] = None) -> None:
        self.canceled = self.canceled or items is None
        self._events.put(lambda: self._cancel(items))

    def report(self, function: Callable[[], None]) -> None:
        """Lets the cook's thread do something: how a process or a callback says that it has ended."""
        self._events.put(function)

    # the cook's thread
    def run(self) -> None:
        try:
            self._start()
            self._advance()
            while self._running:
                self._events.get()()
                self._advance()
        except Exception:  # ours: must not look like a cook that went well
            self.targets[0].error("the stand-in of pdg failed:\n" + traceback.format_exc())
        finally:
            self._end()

    def _start(self) -> None:
        self.context.emit(EventType.CookStart)
        self._cooking = {id(node) for node in self.order if self._must_cook(node)}
        for node in self.order:
            if node.failed:
                self._forget(node)
            node.errors, node.warnings = [], []
            node.generated = node.generated and not (node.sources and node.is_dynamic())
            for item in node.items:
                self._prepare(node, item)
        if self.context.filtering:
            self._filter()

    def _filter(self) -> None:
        """PDG's filter is one of static work items."""
        if any(node.is_dynamic() for node in self.order):
            raise NotInStandIn("a filter of work items where nodes are dynamic")
        reached = [item for node in self.order for item in node.items if item.id in self.context.filter]
        for item in reached:
            reached += [other for other in item.dependencies if other not in reached]
        self._allowed = {item.id for item in reached}

    def _forget(self, node: NodeRecord) -> None:
        """The node and all after it generate again."""
        for one in [node, *self.context.after(node)]:
            one.clear()

    def _must_cook(self, node: NodeRecord) -> bool:
        if node in self.targets and not self._generate_only:
            return True
        after = [other for other in self.order if node in other.sources]
        return any(other.is_dynamic() or self._must_cook(other) for other in after)

    def _prepare(self, node: NodeRecord, item: Item) -> None:
        """An item of an earlier cook: cooked stays cooked, unless it failed or its outputs are gone."""
        item.wrote = False
        gone = item.succeeded and self._outputs_gone(node, item)
        behind = item.succeeded and any(not other.finished for other in item.dependencies)
        if id(node) in self._cooking and (gone or behind or (item.finished and not item.succeeded)):
            item.outputs = list(item.generated_outputs)
            item.messages, item.asked_to_fail, item.custom_state, item.cook_percent = [], False, "", 0.0
            self.context.set_state(item, State.Uncooked)

    def _outputs_gone(self, node: NodeRecord, item: Item) -> bool:
        """`pdg_validateoutputs`: outputs of cooked items must still be on disk."""
        if not item.expected:
            return False
        return node.scheduler().on("pdg_validateoutputs") and bool(missing(item))

    def _end(self) -> None:
        for node in self.order:
            for item in node.items:
                if not item.finished and item.state is not State.Uncooked:
                    self.context.set_state(item, State.Uncooked)
        for scheduler in list(self.context.schedulers.values()):  # callbacks may need a new one meanwhile
            scheduler.cook_ended()
        for node in self.order:
            if node.items and all(item.finished for item in node.items):
                self.context.emit(EventType.NodeCooked, node)
        self.context.emit(EventType.CookComplete)
        for node in self.order:
            self.context.dispatcher.emit(_complete(self.context, node), node.handlers)

    def _cancel(self, items: Optional[List[Item]]) -> None:
        for node in self.order:
            for item in node.items:
                hit = items is None or item in items
                if hit and item.state is State.Waiting and items is not None:
                    self.context.set_state(item, State.CookedCancel)
                runs = item.state in (State.Scheduled, State.Cooking)
                if hit and runs and item.cook_type is workItemCookType.OutOfProcess:
                    node.scheduler().cancel(item)

    def _advance(self) -> None:
        moved = True
        while moved:
            moved = False
            for node in self.order:
                if not self.canceled:
                    moved = self._generate(node) or moved
                if id(node) in self._cooking and not self.canceled:
                    for item in list(node.items):
                        moved = self._cook(node, item) or moved
        for scheduler in list(self.context.schedulers.values()):  # callbacks may need a new one meanwhile
            scheduler.start_ready()

    # generation
    def _complete_upstream(self, node: NodeRecord) -> bool:
        return all(source.generated and not source.busy for source in node.sources)

    def _settled_upstream(self, node: NodeRecord) -> bool:
        return self._complete_upstream(node) and all(
            self._settled(item) for source in node.sources for item in source.items
        )

    def _settled(self, item: Item) -> bool:
        return item.finished or self._blocked(item)

    def _blocked(self, item: Item) -> bool:
        """It can never cook: something that it needs failed."""
        if item.node.ignores_failures() or item.finished:
            return False
        return any((other.finished and not other.succeeded) or self._blocked(other) for other in item.dependencies)

    def _generate(self, node: NodeRecord) -> bool:
        if node.generated or node.busy:
            return False
        when = node.generates_when() if node.sources else generateWhen.AllUpstreamGenerated
        upstream = [item for source in node.sources for item in source.items]
        if when is generateWhen.EachUpstreamCooked:
            return self._generate_each(node, upstream)
        ready = self._complete_upstream if when is generateWhen.AllUpstreamGenerated else self._settled_upstream
        if not ready(node):
            return False
        if when is generateWhen.AllUpstreamCooked and not node.is_partitioner:
            upstream = [item for item in upstream if item.succeeded]
        if when is generateWhen.AllUpstreamCooked:
            identities = {item.id for item in upstream}
            if node.items and identities == node.handled:  # of an earlier cook, and nothing is new
                node.generated = True
                return True
            self._forget(node)
            node.handled = identities
        static = when is generateWhen.AllUpstreamGenerated
        self._submit(node, upstream, static, last=True)
        return True

    def _generate_each(self, node: NodeRecord, upstream: List[Item]) -> bool:
        for item in upstream:
            if item.succeeded and item.id not in node.handled:
                node.handled.add(item.id)
                self._submit(node, [item], static=False, last=False)
                return True
        if self._settled_upstream(node):
            node.generated = True
            self.context.emit(EventType.NodeGenerated, node)
            return True
        return False

    def _submit(self, node: NodeRecord, upstream: List[Item], static: bool, last: bool) -> None:
        node.busy = True
        self._running += 1
        work = partition if node.is_partitioner else generate
        type = generationType.StaticGenerate if static else generationType.DynamicGenerate

        def call() -> None:
            made: List[Item] = []
            problem = ""
            try:
                made = work(node, upstream, type)
            except NotInStandIn as error:
                problem = "%s\n%s" % (error, traceback.format_exc())
            except Exception as error:  # a user's snippet: PDG shows it on the node
                problem = trace(error)
            self.report(lambda: self._generated(node, made, problem, last))

        self.context.pool.submit(call)

    def _generated(self, node: NodeRecord, made: List[Item], problem: str, last: bool) -> None:
        self._running -= 1
        node.busy = False
        if problem:
            node.failed = True
            node.error(problem)
        names = {item.name for item in self.context.items()}
        for item in made:
            if item.name in names:
                node.error("two work items are named %s" % item.name)
            node.items.append(item)
            self.context.emit(EventType.WorkItemAdd, node, item)
        if last or problem:
            node.generated = True
            self.context.emit(EventType.NodeGenerated, node)

    # cooking
    def _cook(self, node: NodeRecord, item: Item) -> bool:
        if item.state not in (State.Uncooked, State.Waiting):
            return False
        if self._allowed is not None and item.id not in self._allowed:
            return False
        met = self._settled if node.ignores_failures() else (lambda other: other.succeeded)
        if not all(met(other) for other in item.dependencies):
            self.context.set_state(item, State.Waiting)
            return False
        if item.is_partition and not (node.generated and not node.busy):
            return False
        item.wrote = any(other.wrote for other in item.dependencies)
        if item.is_partition:
            item.outputs = merge_outputs(node.view, item.partition_items)
        elif item.passes_outputs:
            item.outputs = item.inputs(lambda other: other.outputs)
        self._cook_now(node, item)
        return True

    def _cook_now(self, node: NodeRecord, item: Item) -> None:
        item.cook_type = cook_type(node, item)
        if item.cook_type is workItemCookType.Generate:
            # a static item of a plain generator: no event of its own (4.2)
            self.context.set_state(item, State.CookedSuccess, silent=True)
            return
        found = from_cache(node, item)
        if found is not None:
            item.wrote = False
            self._finish(item, found)
            return
        if item.cook_type is workItemCookType.InProcess:
            self._cook_in_process(node, item)
            return
        self._running += 1
        self.context.set_state(item, State.Scheduled)
        node.scheduler().schedule(item, self)

    def _cook_in_process(self, node: NodeRecord, item: Item) -> None:
        self._running += 1
        self.context.set_state(item, State.Cooking)
        started = time.monotonic()

        def call() -> None:
            problem = ""
            item.writer = threading.get_ident()
            try:
                node.operator.cook(node, handle(item))
            except Exception as error:  # a user's snippet: PDG shows it on the item
                problem = trace(error)
            item.writer = None
            self.report(lambda: self.ended(item, problem, time.monotonic() - started))

        self.context.pool.submit(call)

    def started(self, item: Item) -> None:
        self.context.set_state(item, State.Cooking)

    def ended(self, item: Item, problem: str, seconds: float, canceled: bool = False) -> None:
        """A process or cook task is over. `problem` "" is success as far as its exit tells."""
        self._running -= 1
        item.cook_seconds = seconds
        if canceled:
            self._finish(item, State.CookedCancel)
            return
        if not problem and item.asked_to_fail:
            problem = "the task failed itself"
        if not problem and item.node.scheduler().on("pdg_checkexpectedoutputs"):
            gone = missing(item)
            problem = "expected outputs are missing: %s" % ", ".join(gone) if gone else ""
        if problem:
            item.log(0, problem)
            item.node.error("%s: %s" % (item.name, problem))
            self._finish(item, State.CookedFail)
            return
        item.wrote, item.always_cook = True, False
        self._finish(item, State.CookedSuccess)

    def _finish(self, item: Item, state: workItemState) -> None:
        if state in (State.CookedSuccess, State.CookedCache):
            told = {file.local_path for file in item.outputs}
            item.outputs = [file for file in item.expected if file.local_path not in told] + item.outputs
            self.context.emit(EventType.WorkItemOutputFiles, item.node, item, only_item=True)
        self.context.set_state(item, state)


def _complete(context: Any, node: NodeRecord) -> Event:
    return Event(EventType.CookComplete, context, node, None, "", (State.Undefined, State.Undefined))

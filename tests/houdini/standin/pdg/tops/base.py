"""What an operator is to the engine."""

from __future__ import annotations

import dataclasses
from typing import Any, List

from .._enums import generationType
from .._holders import DependencyHolder, PartitionHolder, WorkItemHolder
from .._items import Item
from .._strict import NotInStandIn
from .._view import NodeView
from .._work_item import WorkItem, handle


@dataclasses.dataclass(frozen=True)
class Generation:
    """One call that makes items."""

    node: Any
    holder: WorkItemHolder
    upstream: List[Item]
    type: generationType

    @property
    def view(self) -> NodeView:
        return self.node.view

    def handles(self) -> List[WorkItem]:
        """Upstream items as callbacks get them: they can only be read."""
        return [handle(item, read_only=True) for item in self.upstream]


class Operator:
    """A type of node: makes items (processor) or groups them (partitioner)."""

    partitioner = False

    def generate(self, generation: Generation) -> None:
        raise NotInStandIn("generation by %s" % type(self).__name__)

    def depend(self, node: Any, holder: DependencyHolder, items: List[Item], static: bool) -> None:
        """Adds dependencies between the items of one node."""

    def cook(self, node: Any, item: WorkItem) -> None:
        """Cooks an in-process item."""
        raise NotInStandIn("in-process cooking by %s" % type(self).__name__)

    def partition(self, node: Any, holder: PartitionHolder, items: List[WorkItem]) -> None:
        raise NotInStandIn("partitioning by %s" % type(self).__name__)

"""What nodes that make captures or look at them share: one item for each item above, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.planning.jobs import Job
from topforge_houdini import messages, work_items
from topforge_houdini.node_settings import NodeSettings


class Maker(Protocol):
    """Makes the items of one call, from what they share."""

    def item(self, parent: Any) -> Item:
        """The item below `parent`, a `pdg.WorkItem`, or None without one."""


def add_each(
    node: Any,
    item_holder: Any,
    upstream_items: Sequence[Any],
    name: str,
    maker_of: Callable[[NodeSettings, Job], Maker],
    *,
    makes_capture: bool = False,
) -> None:
    """Adds the items of a node. Where the node is wired and there is nothing above, there are none.

    Args:
        node: As PDG's `onGenerate` gets it, like the next two; see `training.generate`.
        item_holder: As there.
        upstream_items: As there.
        name: Of the adapter.
        maker_of: The node's own part, from its settings and a job with adapter and environment.
        makes_capture: Items below work on what these make, not on what they work on.

    Raises:
        TopForgeError: Everything that is wrong, before any item exists.
    """
    settings = NodeSettings.of(node)
    if settings.is_wired and not upstream_items:
        return
    folder = work_items.output_folder(settings)
    spec, resolved = settings.environment(name)
    maker = maker_of(settings, Job(adapter=name, environment=spec))
    made: list[tuple[Item, Any]] = []
    errors: list[TopForgeError] = []
    for parent in list(upstream_items) or [None]:
        try:
            made.append((maker.item(parent), parent))
        except TopForgeError as error:
            errors.append(error)
    messages.raise_all(settings.path, errors)
    for index, (item, parent) in enumerate(made):
        work_items.add(settings, item_holder, item, resolved.python, parent, index, folder, makes_capture=makes_capture)

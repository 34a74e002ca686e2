"""Work items of the nodes that make a capture (`frames`, `poses`, `convert`): one for each item above.

What an item makes is not there when the items below it are generated. Those name their work by its key, as jobs with
`prepare` do, so that a scene and a job find each other's results.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from topforge.items import Item
from topforge.planning import item_names, planned_items
from topforge.planning.jobs import Job
from topforge.trainers import registry
from topforge_houdini import capture_nodes, captures, messages, overrides, parameters
from topforge_houdini.node_settings import NodeSettings


@messages.on_node
def generate(node: Any, item_holder: Any, upstream_items: Sequence[Any], generation_type: Any, name: str) -> None:
    """PDG's `onGenerate`; see `training.generate`.

    Several items above may name the same capture: the first item works on it, the others find the result.

    Args:
        node: As there, like the next three.
        item_holder: As there.
        upstream_items: As there.
        generation_type: As there.
        name: Of the adapter.

    Raises:
        NodeError: Everything that is wrong, before any item exists.
    """
    capture_nodes.add_each(node, item_holder, upstream_items, name, _Maker, makes_capture=True)


class _Maker:
    """What all items of one call share."""

    def __init__(self, settings: NodeSettings, job: Job) -> None:
        self._settings, self._job = settings, job
        self._adapter = registry.get(job.adapter)
        self._options = parameters.config(self._adapter, settings.values, settings.path)
        self._pattern = settings.text("wedgeattributes")
        self._contents = captures.Contents(settings)

    def item(self, parent: Any) -> Item:
        """The item below `parent`, a `pdg.WorkItem`, or None without one."""
        where, adapter, options, varied = self._settings.path, self._adapter, self._options, overrides.NONE
        if parent is not None:
            varied = overrides.of_item(where, adapter, options, parent, self._pattern)
            options = overrides.apply(where, options, parent, varied)
        capture = captures.chosen(self._settings, parent, required=True, from_files=adapter.name == "frames")
        content, gates = self._contents.of(capture, parent), captures.gates(capture, parent)
        job = dataclasses.replace(self._job, dataset=str(capture))
        name = item_names.wedged(adapter.name, varied.labels)
        return planned_items.make_item(adapter, name, options, job, content, gates, varied.labels)

"""Work items of `topforge::checkdataset`: one check for each item above."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topforge import schema
from topforge.items import Item
from topforge.planning import planned_items
from topforge.planning.jobs import Job
from topforge.trainers import registry
from topforge_houdini import capture_nodes, captures, messages, parameters
from topforge_houdini.node_settings import NodeSettings


@messages.on_node
def generate(node: Any, item_holder: Any, upstream_items: Sequence[Any], generation_type: Any) -> None:
    """PDG's `onGenerate`; see `training.generate`.

    Several items above may be about the same capture: the first checks it, the others find the result.

    Raises:
        NodeError: Everything that is wrong, before any item exists.
    """
    capture_nodes.add_each(node, item_holder, upstream_items, "check", _Maker)


class _Maker:
    """What all items of one call share."""

    def __init__(self, settings: NodeSettings, job: Job) -> None:
        self._settings, self._job = settings, job
        self._options = schema.to_json(parameters.config(registry.get(job.adapter), settings.values, settings.path))
        self._contents = captures.Contents(settings)

    def item(self, parent: Any) -> Item:
        """The item below `parent`, a `pdg.WorkItem`, or None without one."""
        capture = captures.chosen(self._settings, parent, required=True)
        content, gates = self._contents.of(capture, parent), captures.gates(capture, parent)
        job = dataclasses.replace(self._job, dataset=str(capture))
        return planned_items.companion(job.adapter, self._options, job, content, (), Path(), gates=gates).item

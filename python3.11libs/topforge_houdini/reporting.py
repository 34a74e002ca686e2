"""Work items of `topforge::report`: one page about all items that were waited for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topforge import items, schema
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.planning import planned_items
from topforge.planning.jobs import Job
from topforge.planning.planned_items import Planned
from topforge.trainers import registry
from topforge_houdini import messages, parameters, work_items
from topforge_houdini.node_settings import NodeSettings


class NothingToReportError(TopForgeError):
    """None of the items above has a run folder."""

    def __init__(self, where: str) -> None:
        super().__init__(
            "%s: none of the work items above belongs to a TopForge node." % where,
            "Wire TopForge Train nodes in, directly or through nodes that keep attributes.",
        )


@messages.on_node
def generate(node: Any, item_holder: Any, upstream_items: Sequence[Any], generation_type: Any) -> None:
    """PDG's `onGenerate`, below a Wait for All; see `training.generate`.

    The page comes after the items that it is about, failed ones among them, and is made anew when one has changed.

    Raises:
        NodeError: What is wrong.
    """
    settings = NodeSettings.of(node)
    if not upstream_items:
        return
    folder = work_items.output_folder(settings)
    adapter = registry.get("report")
    options = schema.to_json(parameters.config(adapter, settings.values, settings.path, prefix=""))
    spec, resolved = settings.environment(adapter.name)
    made = []
    for partition in upstream_items:
        runs = work_items.run_folders_of(partition.partitionItems if partition.isPartition else [partition])
        if not runs:
            raise NothingToReportError(settings.path)
        after = tuple(Planned(items.read(RunPaths(run).item), run) for run in runs)
        made.append(
            (planned_items.companion("report", options, Job(environment=spec), "", after, Path()).item, partition)
        )
    for index, (item, partition) in enumerate(made):
        work_items.add(settings, item_holder, item, resolved.python, partition, index, folder)

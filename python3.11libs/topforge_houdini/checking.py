"""Work items of `topforge::checkdataset`: one check for each item above."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topforge import schema
from topforge.errors import TopForgeError
from topforge.planning import planned_items
from topforge.planning.jobs import Job
from topforge.trainers import registry
from topforge_houdini import captures, messages, parameters, work_items
from topforge_houdini.node_settings import NodeSettings


@messages.on_node
def generate(node: Any, item_holder: Any, upstream_items: Sequence[Any], generation_type: Any) -> None:
    """PDG's `onGenerate`; see `training.generate`.

    Several items above may be about the same capture: the first checks it, the others find the result.

    Raises:
        NodeError: Everything that is wrong, before any item exists.
    """
    settings = NodeSettings.of(node)
    if settings.is_wired and not upstream_items:
        return
    folder = work_items.output_folder(settings)
    adapter = registry.get("check")
    options = schema.to_json(parameters.config(adapter, settings.values, settings.path))
    spec, resolved = settings.environment(adapter.name)
    contents, made = captures.Contents(settings), []
    errors: list[TopForgeError] = []
    for parent in list(upstream_items) or [None]:
        try:
            capture = captures.chosen(settings, parent, required=True)
            job = Job(dataset=str(capture), environment=spec)
            content, gates = contents.of(capture, parent), captures.gates(capture, parent)
            made.append((planned_items.companion("check", options, job, content, (), Path(), gates=gates).item, parent))
        except TopForgeError as error:
            errors.append(error)
    messages.raise_all(settings.path, errors)
    for index, (item, parent) in enumerate(made):
        work_items.add(settings, item_holder, item, resolved.python, parent, index, folder)

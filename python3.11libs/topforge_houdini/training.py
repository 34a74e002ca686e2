"""Work items of `topforge::train`: one for each configuration and each item above."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from topforge import schema
from topforge.errors import TopForgeError
from topforge.items import Item, Needs
from topforge.planning import config_files, item_names, planned_items
from topforge.planning.jobs import Job
from topforge.trainers import registry
from topforge.trainers.base import Adapter
from topforge_houdini import captures, configurations, messages, overrides, work_items
from topforge_houdini.configurations import Configuration
from topforge_houdini.node_settings import NodeSettings


class SameWorkError(TopForgeError):
    """Two work items would give the same result."""

    def __init__(self, error: TopForgeError, near_misses: Sequence[str]) -> None:
        hint = " Not options: %s." % ", ".join(near_misses) if near_misses else ""
        super().__init__(error.reason + hint, error.fix)


@messages.on_node
def generate(node: Any, item_holder: Any, upstream_items: Sequence[Any], generation_type: Any) -> None:
    """PDG's `onGenerate`: checks everything, then adds the items.

    Called with all items above, or with one at a time, in whatever thread.

    Args:
        node: The `pdg.Node` inside the asset.
        item_holder: A `pdg.WorkItemHolder`.
        upstream_items: `pdg.WorkItem`s above, only to be read.
        generation_type: A `pdg.generationType`; all are alike here.

    Raises:
        NodeError: Everything that is wrong, before any item exists.
    """
    settings = NodeSettings.of(node)
    if settings.is_wired and not upstream_items:
        return
    plan = _Plan(settings)
    found = plan.made(list(upstream_items) or [None])
    for index, (item, parent) in enumerate(found):
        work_items.add(settings, item_holder, item, plan.python, parent, index, plan.folder)


class _Plan:
    """What all items of one call share, and how they are made."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._adapter: Adapter = registry.get(settings.text("trainer"))
        self._pattern = settings.text("wedgeattributes")
        self._errors: list[TopForgeError] = []
        self._contents = captures.Contents(settings)
        self.folder = ""
        """Output Directory."""
        self.python = ""
        """Interpreter of the environment."""
        self._job = Job()
        self._collect(self._read_node)

    def _collect(self, function: Callable[[], None]) -> None:
        try:
            function()
        except TopForgeError as error:
            self._errors.append(error)

    def _read_node(self) -> None:
        self._collect(self._read_folder)
        self._collect(self._read_environment)
        numbers = {"gpus": "gpus", "gpu_memory_mib": "gpumemory"}
        limits = {"time_limit_seconds": "timelimit", "silence_limit_seconds": "silencelimit"}
        values = {key: self._settings.number(parm) for key, parm in {**numbers, **limits}.items()}
        needs = schema.from_json(Needs, values, self._settings.path)
        self._job = dataclasses.replace(self._job, adapter=self._adapter.name, needs=needs)

    def _read_folder(self) -> None:
        self.folder = work_items.output_folder(self._settings)

    def _read_environment(self) -> None:
        spec, resolved = self._settings.environment(self._adapter.name)
        self._job, self.python = dataclasses.replace(self._job, environment=spec), resolved.python

    def made(self, parents: Sequence[Any]) -> list[tuple[Item, Any]]:
        """The items of all configurations and parents, each with its parent.

        Raises:
            TopForgeError: All problems of all of them.
        """
        shared = self._shared_configurations()
        made: list[tuple[Item, Any]] = []
        unique = item_names.Unique(*planned_items.COMPANIONS)
        for parent in parents:
            try:
                made += self._of_parent(parent, shared, unique)
            except TopForgeError as error:
                self._errors.append(error)
        messages.raise_all(self._settings.path, self._errors)
        self._refuse_same_work(made)
        return made

    def _shared_configurations(self) -> list[Configuration] | None:
        """Those that are the same for all items above; None when each item has its own."""
        source = self._settings.text("configsource")
        if source == "upstream":
            return None
        try:
            if source == "files":
                return configurations.of_files(self._settings, self._adapter, self._errors)
            return configurations.of_node(self._settings, self._adapter)
        except TopForgeError as error:
            self._errors.append(error)
            return []

    def _of_parent(
        self, parent: Any, shared: list[Configuration] | None, unique: item_names.Unique
    ) -> list[tuple[Item, Any]]:
        capture = captures.chosen(self._settings, parent, required=False)
        job = dataclasses.replace(self._job, dataset=None if capture is None else str(capture))
        chosen = configurations.of_item(self._settings, self._adapter, parent) if shared is None else shared
        made = []
        for configuration in chosen:
            try:
                made.append((self._item(configuration, parent, job, unique), parent))
            except TopForgeError as error:
                self._errors.append(error)
        return made

    def _item(self, configuration: Configuration, parent: Any, job: Job, unique: item_names.Unique) -> Item:
        where, options, varied = self._settings.path, configuration.options, overrides.NONE
        if parent is not None:
            varied = overrides.of_item(where, self._adapter, options, parent, self._pattern)
            options = overrides.apply(where, options, parent, varied)
            options = config_files.with_paths(self._adapter, options, self._settings.scene_folder)
        dataset = job.dataset or self._adapter.dataset_of(options)
        if dataset is None and self._adapter.needs_dataset:
            raise captures.NoCaptureError(self._settings, None if parent is None else parent.name)
        capture = Path(dataset) if dataset else None
        job, content = dataclasses.replace(job, dataset=dataset), self._contents.of(capture, parent)
        name = unique(item_names.wedged(configuration.name, varied.labels))
        return planned_items.make_item(
            self._adapter, name, options, job, content, captures.gates(capture, parent), varied.labels
        )

    def _refuse_same_work(self, made: Sequence[tuple[Item, Any]]) -> None:
        try:
            planned_items.refuse_same_work(
                [planned_items.Planned(item, Path()) for item, _ in made], self._settings.path
            )
        except TopForgeError as error:
            options: Any = schema.from_json(self._adapter.options, made[0][0].config, self._settings.path)
            parents = [parent for _, parent in made if parent is not None]
            misses = [miss for parent in parents for miss in overrides.near_misses(self._adapter, options, parent)]
            raise SameWorkError(error, list(dict.fromkeys(misses))) from error

"""From items of the core to work items of PDG: run folders, item.json, attributes and the command that runs them.

Everything that can be wrong is found before the first work item exists, but for one thing: what `__PDG_DIR__` is on
this machine, which only a work item can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import topforge
from topforge import items, results
from topforge.cooking import run_folders
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.planning import planned_items
from topforge.running import previews
from topforge.trainers import registry
from topforge_houdini import attributes
from topforge_houdini.node_settings import NodeSettings

WORKING_FOLDER = "__PDG_DIR__"
"""PDG's token for the scheduler's working directory; what machine it is on is known when the item is scheduled."""


class OutputFolderError(TopForgeError):
    """Output Directory cannot be used."""

    def __init__(self, where: str, folder: str, problem: str) -> None:
        super().__init__(
            "%s: Output Directory (outputfolder) = %s %s." % (where, folder or '""', problem),
            "Begin it with __PDG_DIR__/, or give an absolute path that all machines see.",
        )


class UnknownWorkingFolderError(TopForgeError):
    """The scheduler does not say what `__PDG_DIR__` is here."""

    def __init__(self, where: str, folder: str) -> None:
        super().__init__(
            "%s: Output Directory (outputfolder): the scheduler does not say where %s is on this machine."
            % (where, folder),
            "Give an absolute path in Output Directory, or set Working Directory on the scheduler.",
        )


def output_folder(settings: NodeSettings) -> str:
    """The parameter Output Directory, with its token.

    Raises:
        OutputFolderError: Neither absolute nor in the working directory, or not to be quoted in a command line.
    """
    folder = settings.text("outputfolder").replace("\\", "/").rstrip("/")
    if not folder.startswith(WORKING_FOLDER) and not Path(folder).is_absolute():
        raise OutputFolderError(settings.path, folder, "is neither below __PDG_DIR__ nor absolute")
    if '"' in folder or "`" in folder:
        raise OutputFolderError(settings.path, folder, "has a quotation mark in it")
    return folder


def command(python: str, run_folder: str) -> str:
    """The command line of a work item: one executable and its arguments, for no shell.

    `-I` keeps out what Houdini sets for its own Python: jobs inherit the whole environment of the session.

    Args:
        python: Interpreter of the item's environment.
        run_folder: May begin with PDG's token.
    """
    package = Path(topforge.__file__).resolve().parent
    return '"%s" -I "%s" run-item "%s"' % (Path(python).as_posix(), package.as_posix(), run_folder)


def add(
    settings: NodeSettings,
    item_holder: Any,
    item: Item,
    python: str,
    parent: Any,
    index: int,
    folder: str,
    *,
    makes_capture: bool = False,
) -> None:
    """Adds one work item, and writes its item.json unless the same is there.

    Args:
        settings: Of the node.
        item_holder: The `pdg.WorkItemHolder` of the callback.
        item: What to do.
        python: Interpreter of its environment.
        parent: The `pdg.WorkItem` above, None without one.
        index: Of an item without one above; others have that of the one above.
        folder: As `output_folder` returns it.
        makes_capture: Items below work on what this one makes, not on what it works on.

    Raises:
        TopForgeError: The working directory is unknown, or the run folder cannot be used.
    """
    if parent is None:
        work_item = item_holder.addWorkItem(index=index)
    else:
        work_item = item_holder.addWorkItem(parent=parent)
    planned = planned_items.planned(item, _local(settings, work_item, folder))
    tree = work_item.localizePath(WORKING_FOLDER)
    if WORKING_FOLDER not in tree:
        item = items.portable(item, planned.folder, Path(tree))
    try:
        run_folders.prepare([planned_items.Planned(item, planned.folder)])
    except OSError as error:
        raise OutputFolderError(settings.path, folder, "cannot be written (%s)" % error) from error
    paths = RunPaths(planned.folder)
    attributes.set_value(work_item, attributes.COMMAND, command(python, "%s/%s" % (folder, planned.folder.name)))
    _describe(work_item, planned.item, paths)
    if makes_capture:
        attributes.set_value(work_item, attributes.DATASET, paths.result.as_posix())
        attributes.set_value(work_item, attributes.MADE, [paths.result.as_posix(), item.key])
    _set_standing(work_item, planned.item, paths)


def _local(settings: NodeSettings, work_item: Any, folder: str) -> Path:
    local = work_item.localizePath(folder)
    if WORKING_FOLDER in local:
        raise UnknownWorkingFolderError(settings.path, folder)
    return Path(local)


def _describe(work_item: Any, item: Item, paths: RunPaths) -> None:
    """What stays as it is while the item works."""
    attributes.forget(work_item, attributes.REPORT)  # what makes or looks at captures has none
    is_trainer = registry.get(item.adapter).is_trainer
    if is_trainer or item.adapter == "report":
        page = paths.result / "report.html" if item.adapter == "report" else paths.report
        attributes.set_value(work_item, attributes.REPORT, page.as_posix())
    values = {
        attributes.RESULT: paths.manifest.as_posix(),
        attributes.RUN: paths.run.as_posix(),
        attributes.TRAINER: item.adapter,
    }
    if is_trainer:
        values[attributes.CONFIG] = item.name
    elif item.adapter == "report":  # the others leave that of the item above, which a train node below may read
        attributes.forget(work_item, attributes.CONFIG)
    for name, value in values.items():
        attributes.set_value(work_item, name, value)
    if item.dataset is not None:
        attributes.set_value(work_item, attributes.DATASET, Path(item.dataset).as_posix())


def _set_standing(work_item: Any, item: Item, paths: RunPaths) -> None:
    """How the item stands before it is run: run-item tells the rest, but only of items that PDG runs, not of cached."""
    attributes.forget(work_item, attributes.PSNR)  # of an item of the same kind above
    attributes.set_value(work_item, attributes.STEP, 0)
    attributes.set_value(work_item, attributes.ETA, "")
    attributes.set_value(work_item, attributes.PREVIEW, "")
    result = results.complete(paths.run, item.key)
    if result is None:
        return
    preview = previews.of_result(paths, result)
    if preview is not None:
        attributes.set_value(work_item, attributes.PREVIEW, preview.as_posix())
    if "psnr" in result.metrics:
        attributes.set_value(work_item, attributes.PSNR, result.metrics["psnr"])


def run_folders_of(work_items: Sequence[Any]) -> list[Path]:
    """The run folders of work items, each once, in order; items that have none are passed over."""
    found = (text for item in work_items for text in attributes.texts(item, attributes.RUN))
    return [Path(text) for text in dict.fromkeys(found)]

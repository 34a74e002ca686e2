"""`topforge extend RUN --iter N`: trains a finished or interrupted run longer, from its last saved state.

The run stays as it is. The longer one is an item of its own with a run folder of its own, the same that a job with the
later end would make: cooking such a job afterwards finds it done.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from topforge import items, schema
from topforge.cooking import run_folders
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths, absolute
from topforge.planning import fingerprint, jobs, planned_items, preparations
from topforge.planning.planned_items import Planned
from topforge.running import checkpoints
from topforge.trainers import registry
from topforge.verbs import cook

HELP = "train a run longer, from its last saved state"
_ENDS = ("iter", "time_budget")


class NotExtendableError(TopForgeError):
    """What was asked for is no later end of that run."""

    def __init__(self, folder: Path, problem: str, fix: str) -> None:
        super().__init__("%s cannot be extended: %s." % (folder, problem), fix)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the run folder, finished or not; it stays as it is")
    parser.add_argument("--iter", type=int, metavar="N", help="iterations of each pass, more than before")
    parser.add_argument("--time_budget", type=float, metavar="S", help="seconds for the whole run; 0 = no limit")
    parser.add_argument("--out", type=Path, metavar="NEW", help="the longer run's folder (default: beside RUN)")
    cook.add_shared_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Makes the longer item, gives it the states, and cooks it."""
    paths = RunPaths(absolute(arguments.run))
    earlier = items.read(paths.item)
    item = longer(earlier, paths.run, {key: value for key, value in vars(arguments).items() if key in _ENDS})
    planned = Planned(item, absolute(arguments.out)) if arguments.out else planned_items.planned(item, paths.run.parent)
    if arguments.dry_run:
        return cook.list_plan([planned])
    try:
        for folder in run_folders.move_aside([planned]) if arguments.force else ():
            print("moved aside: %s" % folder)
        run_folders.prepare([planned])
        checkpoints.hand_on(paths, earlier.key, RunPaths(planned.folder), item.key)
    except OSError as error:
        raise cook.OutputError(error) from error
    return cook.run_plan([planned], 1, False, planned.folder / cook.TABLE_FILE)


def longer(earlier: Item, folder: Path, ends: Any) -> Item:
    """The item with a later end.

    Args:
        earlier: The item of the run.
        folder: Its run folder, for messages.
        ends: "iter" and "time_budget", None where it stays.

    Raises:
        NotExtendableError: The end is not later, the capture has changed, another version of the trainer saved its
            states, or the adapter cannot do it.
    """
    adapter = registry.get(earlier.adapter)
    before: Any = schema.from_json(adapter.options, earlier.config, str(folder))
    asked_for = {key: value for key, value in ends.items() if value is not None}
    values = {adapter.option_for_attribute(key, before) or key: value for key, value in asked_for.items()}
    config = schema.updated(before, values, "command line") if values else before
    if not adapter.extends(config, before):
        asked = ", ".join("%s %s" % pair for pair in values.items())
        had = ", ".join("%s %s" % (key, earlier.config[key]) for key in _ENDS if key in earlier.config)
        problem = "%s than its own (%s)" % (asked + " is no later end" if asked else "no later end is named", had)
        raise NotExtendableError(folder, problem, "Give a larger --iter, a larger --time_budget, or both.")
    content = earlier.content
    if earlier.dataset and not preparations.is_made(content):
        content = fingerprint.of_dataset(Path(earlier.dataset))
    if content != earlier.content:
        raise NotExtendableError(folder, "%s has changed since" % earlier.dataset, "Train anew on it.")
    job = jobs.Job(dataset=earlier.dataset, environment=earlier.environment, needs=earlier.needs)
    labels = tuple((key, str(values.get(key, value))) for key, value in earlier.labels)
    if planned_items.make_item(adapter, earlier.name, before, job, content).key != earlier.key:
        problem = "another version of %s trained it, or a file that its options name has changed" % adapter.title
        raise NotExtendableError(folder, problem, "Train anew with the later end.")
    item = planned_items.make_item(adapter, earlier.name, config, job, content, earlier.depends, labels)
    return dataclasses.replace(item, after=earlier.after)

"""`topforge cook JOB.json`: all items of a job, on this machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import List, Sequence

from topforge import atomic, results, schema, terminal_style
from topforge.cooking import cook_table, display, outcomes, run_folders, same_work
from topforge.cooking.cook import Cook, exit_code_of
from topforge.cooking.outcomes import Outcome
from topforge.errors import FailureClass, TopForgeError
from topforge.paths import RunPaths, absolute
from topforge.planning import expansion, file_kinds, jobs, planned_items
from topforge.planning.planned_items import Planned
from topforge.running import run_item
from topforge.trainers import registry

HELP = "run all items of a job file; the same command continues it"
TABLE_FILE = "items.csv"
"""Written into the job's output folder at the end."""
_MOST_PLACES = 4


class OutputError(TopForgeError):
    """The output folder cannot be used."""

    failure_class = FailureClass.INFRA

    def __init__(self, error: OSError) -> None:
        fix = "Make it writable, or choose another one."
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            fix = "There is a file in that place: choose another one."
        super().__init__("The output folder cannot be written: %s." % error, fix)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("job", type=Path, metavar="JOB.json", help="what to run; docs/jobs.md explains the format")
    add_flags(parser)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Declares the flags of this verb; the job is what a script knows."""
    parser.add_argument("--parallel", type=int, metavar="N", help="items at a time, instead of what the job says")
    add_shared_arguments(parser)


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what every verb that runs a plan understands."""
    parser.add_argument("--force", action="store_true", help="do everything anew; what is there is moved aside")
    parser.add_argument("--dry-run", action="store_true", help="only list the items and what is done already")


def run(arguments: argparse.Namespace) -> int:
    """Expands the job and cooks it."""
    path = absolute(arguments.job)
    file_kinds.require(path, file_kinds.JOB, jobs.Job)
    job = jobs.read(path)
    if arguments.parallel is not None:
        job = schema.updated(job, {"parallel": arguments.parallel}, "command line")
    plan = expansion.expand(job, path)
    if arguments.dry_run:
        return list_plan(plan)
    return run_plan(plan, job.parallel, arguments.force, Path(job.output) / TABLE_FILE)


def list_plan(plan: Sequence[Planned]) -> int:
    """Prints what `run_plan` would do."""
    elsewhere = {planned.item.name: result.name for planned, result in same_work.found(plan)}
    for planned in plan:
        name = planned.item.name
        stands = "done" if name in elsewhere or outcomes.if_done_before(planned) else "to do"
        labels = "".join("  %s=%s" % pair for pair in planned.item.labels)
        former = '  (as "%s")' % elsewhere[name] if name in elsewhere else ""
        print("%s  %-5s  %s%s%s" % (planned.item.key[:8], stands, name, labels, former))
    print("%d item%s" % (len(plan), "s"[len(plan) == 1 :]))
    return 0


def run_plan(plan: Sequence[Planned], parallel: int, force: bool, table: Path) -> int:
    """Cooks a plan, shows it, and prints how it ended.

    Args:
        plan: Items, each after those it depends on.
        parallel: Most items at work at once.
        force: Move aside what is there and do everything anew.
        table: CSV file to write at the end.

    Returns:
        The exit code.

    Raises:
        TopForgeError: Nothing could be started.
    """
    shown = display.make(sys.stdout)
    try:
        for folder in run_folders.move_aside(plan) if force else ():
            shown.say("moved aside: %s" % folder)
        for planned, former in () if force else same_work.take_over(plan):
            shown.say("%s: this work was done before in %s; its result is taken over" % (planned.item.name, former))
        run_folders.prepare(plan)
    except OSError as error:
        raise OutputError(error) from error
    for name in {planned.item.adapter for planned in plan}:
        registry.get(name)  # here once, not in each forked process
    cook = Cook(plan, parallel, shown, run_item.run)
    ended = cook.run()
    _write_table(table, ended)
    paragraphs = [[cook_table.text(ended, terminal_style.style_for(sys.stdout, os.environ))]]
    paragraphs += [["Stopped. Everything is on disk; the same command continues."]] if cook.stopped else []
    paragraphs += [_places(ended)]
    shown.conclude("\n" + "\n\n".join("\n".join(lines) for lines in paragraphs if lines))
    return exit_code_of(ended, cook.stopped)


def _write_table(path: Path, ended: Sequence[Outcome]) -> None:
    try:
        atomic.write_text(path, cook_table.as_csv(ended), durable=False)
    except OSError as error:
        print("topforge: %s could not be written: %s." % (path, error), file=sys.stderr)


def _places(ended: Sequence[Outcome]) -> List[str]:
    """Where to look: result and report of a few items, the common folder of many; the job's own report last."""
    done = [outcome.planned for outcome in ended if outcome.succeeded]
    trained = [RunPaths(planned.folder) for planned in done if planned.item.adapter not in planned_items.COMPANIONS]
    places = ["Results: %s" % trained[0].run.parent] if len(trained) > _MOST_PLACES else []
    for paths in trained if len(trained) <= _MOST_PLACES else ():
        places.append("Result: %s" % paths.result)
        if paths.report.exists():
            places.append("Report: %s" % paths.report)
    for planned in done:
        if planned.item.adapter == "report":
            result = results.read(planned.folder)
            places += ["Report of the job: %s" % result.path(output) for output in result.outputs]
    return places

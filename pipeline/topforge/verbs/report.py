"""`topforge report RUN`: a page about one run, or one that compares several."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import List

from topforge import report
from topforge.errors import FailureClass, TopForgeError
from topforge.paths import absolute
from topforge.report import record

HELP = "write report.html about a run, whatever state it is in, or a page that compares several"
COMPARISON_FILE = "comparison.html"


class NothingToCompareError(TopForgeError):
    """Several folders, none of which holds a run that a comparison is about."""

    def __init__(self, folders: List[Path]) -> None:
        super().__init__(
            "There is no run to compare in %s, only checks and reports." % ", ".join(map(str, folders)),
            "Name the run's own folder for a page about it.",
        )


class NotWrittenError(TopForgeError):
    """The page cannot be written there."""

    failure_class = FailureClass.INFRA

    def __init__(self, error: OSError) -> None:
        super().__init__("The report cannot be written: %s." % error, "Name another file with --output.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="RUN", help="run folder, or a folder of such; several are compared"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="page to write (report.html of the run, comparison.html of several)"
    )
    parser.add_argument("--links-from", type=Path, metavar="DIR", help="folder it will be opened from, if another one")
    parser.add_argument("--title", default="", help="what the runs are part of: heading of a comparison")


def run(arguments: argparse.Namespace) -> int:
    """Writes the page and prints where it is."""
    folders = [absolute(folder) for folder in arguments.folders]
    output = absolute(arguments.output) if arguments.output else None
    links_from = absolute(arguments.links_from) if arguments.links_from else None
    runs = list(dict.fromkeys(run for folder in folders for run in report.runs_in(folder)))
    if len(runs) > 1:
        runs = [folder for folder in runs if record.adapter_of(folder) not in record.COMPANIONS]
    if not runs:
        raise NothingToCompareError(folders)
    try:
        if len(runs) == 1:
            written = report.write(runs[0], output, links_from, arguments.title)
        else:
            together = Path(os.path.commonpath([str(folder.parent) for folder in runs]))
            file = output or together / COMPARISON_FILE
            written = report.write_comparison(runs, file, links_from, arguments.title)
    except OSError as error:
        raise NotWrittenError(error) from error
    print("Report: %s" % written)
    return 0

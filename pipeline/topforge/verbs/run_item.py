"""`topforge run-item FOLDER`: what every engine executes.

SIGTERM or Ctrl-C: the item saves and ends; Ctrl-C again: it is killed, and continues later from its last checkpoint.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HELP = "make sure that one work item is done"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("item", type=Path, metavar="ITEM", help="the item's run folder, or the item.json in it")
    parser.add_argument("--no-wait", action="store_true", help="exit 75 at once when the item or every GPU is taken")
    parser.add_argument("--verify", action="store_true", help="compare the hashes of a finished item's outputs")
    parser.add_argument("--force", action="store_true", help="remove result and checkpoints and start anew")
    parser.add_argument("--retries", type=int, metavar="N", help="further attempts after failures of the machine")


def run(arguments: argparse.Namespace) -> int:
    """Runs the item; the exit code says how it ended."""
    from topforge import items
    from topforge.paths import RunPaths
    from topforge.running import finished

    named = arguments.item.absolute()
    paths = RunPaths(named.parent if RunPaths(named.parent).item == named else named)
    done = None if arguments.force else finished.result(paths, items.read(paths.item), arguments.verify)
    if done is not None:  # without importing what it takes to do the work
        print("openjd_status: done before")
        if os.environ.get("PDG_RESULT_SERVER"):
            from topforge.running.pdg_report import PdgReport

            PdgReport(os.environ, print).done(paths, done)
        return 0

    from topforge.running import retry, run_item

    policy = retry.Policy() if arguments.retries is None else retry.Policy(infra_retries=arguments.retries)
    return run_item.run(
        paths.run, not arguments.no_wait, arguments.verify, arguments.force, policy=policy, output=sys.stdout
    )

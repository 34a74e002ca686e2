#!/usr/bin/env python3
"""Measures what TopForge adds around the work itself: starting an item, many small ones, large wedges, finished ones.

    python3 scripts/benchmark_core.py            # a minute and a half; prints a table
    python3 scripts/benchmark_core.py --write    # puts it into docs/benchmarks.md as well

Needs nothing but Python (3.8 or newer). Wall times, so the machine should do nothing else meanwhile.
"""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

import measured_pages  # noqa: E402

from topforge import items  # noqa: E402
from topforge.planning import expansion, jobs  # noqa: E402

TOPFORGE = [sys.executable, str(REPOSITORY / "pipeline" / "topforge")]
RUNS = 3
SLEEP = ("-S", "-c", "import time; time.sleep(1)")
ITEMS, WEDGE_SIDE = 2000, 100


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measure: Callable[[Path], float]
    """Measures once in an empty folder; seconds."""
    limit: float
    """At most so many seconds."""


def seconds_of(command: Sequence[str]) -> float:
    """Wall time of a process that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def item_of(folder: Path, arguments: Sequence[str]) -> Path:
    """A run folder with an item that runs a command."""
    run = folder / "run"
    run.mkdir()
    config = {"arguments": list(arguments), "outputs": []}
    items.write(
        run / "item.json", items.Item("run", "command", config, items.compute_key("command", "1", config, "", ()))
    )
    return run


def added_by_run_item(folder: Path) -> float:
    """`run-item` around a child that sleeps a second, less the same child alone."""
    run = item_of(folder, ("{python}", *SLEEP))
    return seconds_of([*TOPFORGE, "run-item", str(run)]) - seconds_of([sys.executable, *SLEEP])


def finished_item_again(folder: Path) -> float:
    """`run-item` where the result is there already, from the start of the process to its end."""
    run = item_of(folder, ("true",))
    seconds_of([*TOPFORGE, "run-item", str(run)])
    return seconds_of([*TOPFORGE, "run-item", str(run)])


def job_of(folder: Path, **keys: object) -> Path:
    """A job file."""
    path = folder / "job.json"
    path.write_text(json.dumps({"check": False, "report": False, **keys}), encoding="utf-8")
    return path


def each_of_many(folder: Path) -> float:
    """A cook of commands that do nothing, two at a time, with their processes; the share of one item."""
    wedge = {"arguments": [["true", str(number)] for number in range(ITEMS)]}
    job = job_of(folder, adapter="command", configs=[{"arguments": ["true"]}], wedge=wedge, parallel=2)
    return seconds_of([*TOPFORGE, "cook", str(job)]) / ITEMS


def expanding_a_wedge(folder: Path) -> float:
    """A job file to checked, named and keyed items of the built-in trainer."""
    (folder / "capture").mkdir()
    (folder / "capture" / "photograph.png").write_bytes(b"not looked into")
    wedge = {
        "learning_rate": {"from": 0.001, "to": 0.1, "count": WEDGE_SIDE, "scale": "log"},
        "iter": {"from": 100, "to": 1090, "count": WEDGE_SIDE},
    }
    job = job_of(folder, dataset="capture", configs=[{"name": "config"}], wedge=wedge)
    began = time.perf_counter()
    plan = expansion.expand(jobs.read(job), job)
    seconds = time.perf_counter() - began
    assert len(plan) == WEDGE_SIDE**2
    return seconds


ROWS = (
    Row("`run-item` around a trainer", added_by_run_item, 0.2),
    Row("`run-item` on a finished item, whole process", finished_item_again, 0.3),
    Row("`cook`, each of %d items that do nothing, two at a time" % ITEMS, each_of_many, 0.02),
    Row("expanding a wedge of %d items" % WEDGE_SIDE**2, expanding_a_wedge, 2.0),
)


def median_of(row: Row) -> float:
    """The row's value over some runs, each in a folder of its own."""
    values = []
    for _ in range(RUNS):
        folder = Path(tempfile.mkdtemp(prefix="topforge-benchmark-"))
        os.environ["TOPFORGE_CACHE"] = str(folder / "cache")
        try:
            values.append(row.measure(folder))
        finally:
            shutil.rmtree(str(folder))
    return statistics.median(values)


def shown(seconds: float) -> str:
    """Seconds, or milliseconds below one."""
    return "%.2f s" % seconds if seconds >= 1 else "%.*f ms" % (0 if seconds >= 0.01 else 1, 1000 * seconds)


def table(values: Sequence[float]) -> str:
    """The measurements as Markdown."""
    head = "Median of %d, %s, %d cores, Python %s, wall time." % (
        RUNS,
        measured_pages.processor(),
        os.cpu_count() or 0,
        platform.python_version(),
    )
    lines = [head, "", "| what | measured | required | |", "|---|---|---|---|"]
    for row, value in zip(ROWS, values):
        verdict = "reached" if value <= row.limit else "MISSED"
        lines.append("| %s | %s | at most %s | %s |" % (row.what, shown(value), shown(row.limit), verdict))
    return "\n".join(lines)


def main() -> int:
    """Measures, prints; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="also put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    values = [median_of(row) for row in ROWS]
    text = table(values)
    print(text)
    if arguments.write:
        measured_pages.replace(measured_pages.BENCHMARKS, "core", "benchmark_core.py", text)
    return 0 if all(value <= row.limit for row, value in zip(ROWS, values)) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Trains the sample from nothing and measures what comes out: quality, time, memory. Prints a table.

    python3 scripts/benchmark.py                 # hip/configs/quickstart.json, once
    python3 scripts/benchmark.py --runs 3        # median of three
    python3 scripts/benchmark.py --set iter=200 --set probe_res=32
    python3 scripts/benchmark.py --write         # puts the table into docs/benchmarks.md as well

Training time is the trainer's own: from reading the photographs to the last iteration, kernel compilation included,
installation not. Compare numbers of one machine only, and only while it does nothing else. The costs of the core
(run-item, cook, wedges) are measured by scripts/benchmark_core.py.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

import measured_pages  # noqa: E402

from topforge.environments import private_environment  # noqa: E402
from topforge.paths import RunPaths  # noqa: E402

CAPTURE = REPOSITORY / "hip" / "sample_capture"
CONFIG = REPOSITORY / "hip" / "configs" / "quickstart.json"

ROWS = [  # what, key, unit, floor, is more better
    ("training time", "seconds", "s", 180.0, False),
    ("whole item: start, export, validation, report", "item_seconds", "s", None, False),
    ("peak memory of the trainer", "peak_memory_mib", "MiB", 3072.0, False),
    ("PSNR, 12 test views, white background, sRGB", "psnr", "dB", 27.0, True),
    ("PSNR of the worst test view", "psnr_worst", "dB", None, True),
    ("SSIM, 12 test views", "ssim", "", None, True),
    ("F-score at 1 % of the diagonal", "f_score", "", 0.95, True),
    ("chamfer distance / diagonal", "chamfer", "", None, False),
    ("PSNR relit by the second light, as it is", "relit_psnr", "dB", 24.0, True),
    ("PSNR relit, one factor for each colour channel", "relit_psnr_scaled", "dB", None, True),
    ("triangles", "triangles", "", None, False),
]


def main():
    """Trains, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the trainer")
    parser.add_argument("--write", action="store_true", help="also put the table into docs/benchmarks.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.set:
        parser.error("--write documents the shipped settings; leave --set out")
    python = private_environment.ensure(REPOSITORY, ["train"])
    records = [run(str(python), number, arguments.set) for number in range(arguments.runs)]
    text = table(records)
    print(text)
    if arguments.write:
        measured_pages.replace(measured_pages.BENCHMARKS, "sample", "benchmark.py", text)
    missed = [row[0] for row in ROWS if row[3] is not None and not reached(row, median(records, row[1]))]
    if missed:
        print("Not reached: %s" % ", ".join(missed))
    return 1 if missed else 0


def run(python, number, settings):
    """One training from nothing through `topforge train`; all measured values by key."""
    folder = REPOSITORY / "runs" / "benchmark" / ("run-%d" % number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "pipeline")}
    command = [python, "-m", "topforge", "train", str(CONFIG), "--dataset", str(CAPTURE), "--out", str(folder)]
    for setting in settings:
        key, _, value = setting.partition("=")
        command += ["--" + key.replace("_", "-"), value]
    began = time.monotonic()
    subprocess.run(command, check=True, env=environment)
    item_seconds = time.monotonic() - began
    result = RunPaths(folder).result
    scoring = [python, "-m", "topforge_train.evaluation.sample_scores", str(result), str(CAPTURE)]
    scores = json.loads(subprocess.run(scoring, check=True, env=environment, stdout=subprocess.PIPE).stdout)
    summary = json.loads((result / "summary.json").read_text(encoding="utf-8"))
    return {**summary["metrics"], **scores, "item_seconds": item_seconds}


def median(records, key):
    """Median over the runs."""
    return statistics.median(record[key] for record in records)


def reached(row, value):
    """Whether a value meets its floor."""
    return value >= row[3] if row[4] else value <= row[3]


def table(records):
    """The measurements as Markdown."""
    lines = [
        "Median of %d, %s, %d cores, Python %s."
        % (len(records), measured_pages.processor(), os.cpu_count() or 0, platform.python_version()),
        "",
        "| what | measured | required | |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        name, key, unit, floor, more = row
        value = median(records, key)
        required = "" if floor is None else "%s %g %s" % ("at least" if more else "at most", floor, unit)
        verdict = "" if floor is None else ("reached" if reached(row, value) else "MISSED")
        lines.append("| %s | %s | %s | %s |" % (name, ("%.4g %s" % (value, unit)).strip(), required.strip(), verdict))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

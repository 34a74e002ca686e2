#!/usr/bin/env python3
"""What an option costs on this machine: milliseconds an iteration of both passes on the sample, one change at a time.

python3 scripts/measure_options.py            # Markdown rows for docs/own-capture.md; about eight minutes on two cores
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CAPTURE = REPOSITORY / "hip" / "sample_capture"
BASE = json.loads((REPOSITORY / "hip" / "configs" / "quickstart.json").read_text(encoding="utf-8"))
CHANGES = [
    {},
    {"batch": 1},
    {"batch": 4},
    {"train_res": [128, 128]},
    {"dmtet_grid": 32},
    {"dmtet_grid": 64},
    {"dmtet_grid": 96},
    {"texture_res": [1024, 1024]},
    {"texture_res": [2048, 2048]},
    {"probe_res": 32},
    {"probe_res": 128},
    {"isosurface": "dmtet"},
]
ITERATION = re.compile(r"^iter= *(\d+), .* time=([\d.]+) ms")
ITERATIONS = 30
REPEATS = 3
"""Of which the quickest counts: other work on the machine only ever adds time."""


def measure(changes):
    """Milliseconds an iteration of pass 1 and of pass 2, and the seconds spent outside of iterations.

    A tenth of the iterations was quicker.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = {**BASE, **changes, "iter": ITERATIONS, "save_interval": 0, "coarse_share": 0.5}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-u", "-m", "topforge_train", "--config", str(folder / "config.json")]
        command += ["--dataset", str(CAPTURE), "--output", str(folder / "o")]
        command += ["--checkpoints", str(folder / "c"), "--previews", str(folder / "p")]
        path = str(REPOSITORY / "pipeline")
        environment = {**os.environ, "PYTHONPATH": path, "TOPFORGE_REPORT_INTERVAL": "0"}
        began = time.monotonic()
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        seconds = time.monotonic() - began
    found = [ITERATION.match(line) for line in done.stdout.splitlines()]
    times = [float(match.group(2)) for match in found if match]
    first, second = times[5:ITERATIONS], times[ITERATIONS + 5 :]  # the first few set up tables
    return statistics.quantiles(first, n=10)[0], statistics.quantiles(second, n=10)[0], seconds - sum(times) / 1000


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rounds = [[measure(changes) for changes in CHANGES] for _ in range(REPEATS)]
    print("| change | pass 1, ms | pass 2, ms | rest, s |\n|---|---|---|---|")
    for changes, *found in zip(CHANGES, *rounds):
        name = ", ".join("`%s` %s" % (key, json.dumps(value)) for key, value in changes.items()) or "none: quickstart"
        print("| %s | %.0f | %.0f | %.0f |" % (name, *(min(times) for times in zip(*found))))


if __name__ == "__main__":
    main()

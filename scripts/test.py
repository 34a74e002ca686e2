#!/usr/bin/env python3
"""Lint, format, types and tests, in a private environment that this script makes.

python3 scripts/test.py              # everything that needs no GPU and no long wait
python3 scripts/test.py --all        # the slow ones as well
python3 scripts/test.py -k checkpoint tests/trainer     # anything else goes to pytest
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge.environments import private_environment  # noqa: E402


def main() -> int:
    """Runs every stage, also after one has failed, and names those that did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.usage = "test.py [--all] [arguments of pytest]"
    parser.add_argument("--all", action="store_true", help="the slow tests as well")
    flags, arguments = parser.parse_known_args()
    python = str(private_environment.ensure_or_exit(REPOSITORY, ["train", "test", "poses"]))
    marker = [] if flags.all else ["-m", "not slow"]
    tests = ["-m", "pytest", "-n", "2", "--dist", "loadfile", *marker, *arguments]
    stages = {
        "lint": ["-m", "ruff", "check", "."],
        "format": ["-m", "ruff", "format", "--check", "."],
        "types": ["-m", "mypy"],
        "tests": tests,
    }
    if arguments:  # someone works on one test: the rest would only delay it
        stages = {"tests": tests}
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    failed = []
    for name, command in stages.items():
        print("--- %s" % name, flush=True)
        if subprocess.run([python, *command], cwd=str(REPOSITORY), env=environment).returncode:
            failed.append(name)
    if failed:
        print("FAILED: %s" % ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""From a fresh machine to a reconstructed asset: installs what it needs, cooks the sample, names the results.

python3 scripts/quickstart.py            # run again: says at once that the result is there
python3 scripts/quickstart.py --force    # train anew
"""

import argparse
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge.environments import private_environment  # noqa: E402
from topforge.verbs import cook  # noqa: E402


def main() -> None:
    """Makes the environment, then becomes `topforge cook` in it."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    cook.add_flags(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    parser.parse_args()  # what `cook` would not understand is refused now, not after the installation
    python = private_environment.ensure_or_exit(REPOSITORY, ["train"])
    os.environ["PYTHONPATH"] = str(REPOSITORY / "pipeline")
    command = [str(python), "-m", "topforge", "cook", str(REPOSITORY / "hip" / "quickstart.json"), *sys.argv[1:]]
    os.execv(str(python), command)


if __name__ == "__main__":
    main()

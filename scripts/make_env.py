#!/usr/bin/env python3
"""Makes the private Python environment that the built-in trainer runs in, beside this checkout, and prints its path.

python3 scripts/make_env.py                # a few minutes and about 2.5 GB; run again: says at once that it is there
python3 scripts/make_env.py train poses    # with what finds cameras for a video or photographs, 70 MB more

Needs Python 3.11 or newer; Houdini's `hython` is one. The nodes use this environment where they name no other.
TOPFORGE_ENV puts it elsewhere, for instance on a disk that all machines of a farm see.
"""

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge.environments import private_environment  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="of pyproject.toml's optional packages (train)")
    groups = parser.parse_args().groups or ["train"]
    private_environment.ensure_or_exit(REPOSITORY, groups)
    print(private_environment.folder(REPOSITORY))
    return 0


if __name__ == "__main__":
    sys.exit(main())

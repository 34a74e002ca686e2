"""`python -m topforge`, and the same by path where the package is not installed: `python pipeline/topforge`."""

import os
import sys

if not __package__:  # started by path: search the folder above, which holds the package, not the package's own
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

from topforge.cli import main

if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env hython
"""The first thing to run where there is a Houdini: is TopForge at work in it, all of it?

hython scripts/selfcheck.py                   # some minutes: builds, cooks, caches, cancels, imports
hython scripts/selfcheck.py --quick           # without training
hython scripts/selfcheck.py --report FILE

One line for each check, PASS or FAIL, and a report to send us, without your name or your folders. Lines marked NOTE
answer what the documentation leaves open. Nothing of yours is changed: it works on scenes of its own in a temporary
folder. Make the trainer's environment first: python3 scripts/make_env.py
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.append(str(REPOSITORY / "python3.11libs"))  # behind Houdini's own: only if the package is not installed

from topforge_houdini import selfcheck  # noqa: E402

if __name__ == "__main__":
    sys.exit(selfcheck.main(sys.argv[1:]))

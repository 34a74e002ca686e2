#!/usr/bin/env hython
"""Cooks a TOP node of a scene, without a window; the exit code tells success.

hython scripts/cook_top.py hip/topforge_quickstart.hip --top /tasks/topforge
hython scripts/cook_top.py SCENE --top /tasks/topforge/train --set train/topforge_iter=200 --set check/dataset=/data/cup
hython scripts/cook_top.py SCENE --top /tasks/topforge/train --items 0,2      # only these work items
hython scripts/cook_top.py SCENE --top /tasks/topforge --generate-only

Exit codes: 0 all done, 1 an item or a node failed, 2 the command line, 130 Ctrl-C (cancelled; cook again to go on).
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.append(str(REPOSITORY / "python3.11libs"))  # behind Houdini's own: only if the package is not installed

from topforge_houdini import cooking  # noqa: E402

if __name__ == "__main__":
    sys.exit(cooking.main(sys.argv[1:]))

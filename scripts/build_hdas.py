#!/usr/bin/env python3
"""Writes the digital assets in otls/ from the table of nodes in topforge_houdini/nodes. Needs no Houdini.

python3 scripts/build_hdas.py            # writes otls/
python3 scripts/build_hdas.py --check    # exits with 1 and names the files that are not up to date
"""

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "python3.11libs"), str(REPOSITORY / "pipeline")]

from topforge_houdini import assets  # noqa: E402
from topforge_scene import asset_files  # noqa: E402


def generated():
    """Path below otls/ -> bytes of every file."""
    return {
        "%s/%s" % (folder, path): content
        for folder, library in assets.libraries().items()
        for path, content in asset_files.files(library).items()
    }


def committed(otls):
    """The same of what is there."""
    paths = sorted(path for path in otls.glob("topforge.*.hda/**/*") if path.is_file())
    return {path.relative_to(otls).as_posix(): path.read_bytes() for path in paths}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--otls", type=Path, default=REPOSITORY / "otls", metavar="FOLDER", help="where they are")
    arguments = parser.parse_args()
    wanted, found = generated(), committed(arguments.otls)
    differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    for name in differing:
        path = arguments.otls / name
        if arguments.check:
            print("%s is not up to date: run scripts/build_hdas.py" % path)
        elif name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[name])
            print(path)
        else:
            path.unlink()
            print("%s (removed)" % path)
    return 1 if arguments.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())

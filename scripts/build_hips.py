#!/usr/bin/env python3
"""Writes the sample scenes in hip/ from their description in topforge_houdini/scenes.

python3 scripts/build_hips.py            # without Houdini: hip/topforge_*.hip (odc) and hip/text/ (text form)
python3 scripts/build_hips.py --check    # exits with 1 and names the files that are not up to date
hython  scripts/build_hips.py --output DIR     # with Houdini: makes the same nodes and lets Houdini save them
"""

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "python3.11libs"), str(REPOSITORY / "pipeline")]

from topforge.errors import TopForgeError  # noqa: E402
from topforge_houdini import scenes  # noqa: E402
from topforge_scene import scene  # noqa: E402

HIP = REPOSITORY / "hip"


def generated():
    """Path below hip/ -> bytes of every scene's two forms."""
    files = {}
    for name, make in scenes.SCENES.items():
        described = make()
        files[name + ".hip"] = scene.to_bytes(described, "odc")
        files["text/%s.hip" % name] = scene.to_bytes(described, "text")
    return files


def write(folder, only_check):
    """Writes what differs, or names it. 1 when a check found something."""
    wanted = generated()
    found = {path.relative_to(folder).as_posix() for path in [*folder.glob("*.hip"), *folder.glob("text/*.hip")]}
    differing = [name for name, data in wanted.items() if name not in found or (folder / name).read_bytes() != data]
    for name in sorted({*differing, *(found - set(wanted))}):
        path = folder / name
        if only_check:
            print("%s is not up to date: run scripts/build_hips.py" % path)
        elif name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[name])
            print(path)
        else:
            print("%s is no scene of ours; it stays" % path)
    return 1 if only_check and (differing or found - set(wanted)) else 0


def build_with_houdini(hou, folder):
    """Makes every scene with hou and lets Houdini save it."""
    from topforge_houdini import networks

    folder.mkdir(parents=True, exist_ok=True)
    for name, make in scenes.SCENES.items():
        hou.hipFile.clear(suppress_save_prompt=True)
        for manager, nodes in make().networks.items():
            for node in nodes:
                networks.create(hou.node("/" + manager), node)
        path = folder / (name + ".hip")
        hou.hipFile.save(str(path), save_to_recent_files=False)
        print("%s (saved by Houdini %s)" % (path, hou.applicationVersionString()))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare with what the description gives")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to (default: hip/)")
    arguments = parser.parse_args()
    try:
        import hou
    except ImportError:
        hou = None
    folder = arguments.output or HIP
    try:
        if hou is None or arguments.check:
            return write(folder, arguments.check)
        return build_with_houdini(hou, folder)
    except TopForgeError as error:
        print("%s\n  %s" % (error.reason, error.fix), file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

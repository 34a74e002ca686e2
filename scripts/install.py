#!/usr/bin/env python3
"""Shows TopForge to Houdini, and takes it away again: one small file in the packages folder of your preferences.

python3 scripts/install.py                    # every Houdini from 20.5 that has preferences on this machine
python3 scripts/install.py --houdini 21.0     # this one, also before its first start
python3 scripts/install.py --prefs DIR        # preferences in an unusual place (may be given several times)
python3 scripts/install.py --uninstall

Nothing is copied and Houdini's own files stay as they are. The file is this checkout's package.json with the checkout's
path in place of $HOUDINI_PACKAGE_PATH. A pointer by `package_path` would be shorter, but that key is documented less
well than `hpath`, which is all that SideFX's own package uses, and the package that it would lead to is called
package.json in every second checkout, while `load_package_once` keeps only the first package of a name.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge import atomic  # noqa: E402
from topforge.errors import TopForgeError  # noqa: E402

NAME = "topforge.json"
OLDEST, NEWEST = (20, 5), (22, 99)
"""As in package.json's `enable`."""
HERE = "$HOUDINI_PACKAGE_PATH"
VERSION = re.compile(r"(\d+)\.(\d+)\Z")
KEYS = {"name", "version", "show", "load_package_once", "enable", "hpath", "env"}
"""What this script has ever written."""


class InstallError(TopForgeError):
    """The package cannot be installed or removed."""


def pointer(checkout: str) -> str:
    """The text of a package file that leads to a checkout."""
    text = (REPOSITORY / "package.json").read_text(encoding="utf-8")
    return text.replace(HERE, json.dumps(checkout, ensure_ascii=False)[1:-1])


def is_ours(path: Path) -> bool:
    """Whether a file says nothing but what this script writes, of whatever version and for whatever checkout."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = [list(variable) for variable in found["env"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return set(found) <= KEYS and found.get("name") == "topforge" and names == [["TOPFORGE"]]


def user_preferences(environment, home: Path, platform: str):
    """Pattern of the preference folders of one user, with `*` for the version: its folder and the name in it."""
    chosen = environment.get("HOUDINI_USER_PREF_DIR", "")
    if chosen:
        if "__HVER__" not in chosen:
            raise InstallError(
                "HOUDINI_USER_PREF_DIR is %s, without the __HVER__ that Houdini asks for." % chosen,
                "Give the folder with --prefs, or correct the variable.",
            )
        pattern = Path(chosen.replace("__HVER__", "*"))
        return pattern.parent, pattern.name
    if platform == "darwin":
        return home / "Library" / "Preferences" / "houdini", "*"
    if platform == "win32":
        return home / "Documents", "houdini*"
    return home, "houdini*"


def version_in(name: str, pattern: str):
    """The Houdini version in the name of a preference folder, (21, 0); None when it is none."""
    before, _, after = pattern.partition("*")
    match = VERSION.match(name[len(before) : len(name) - len(after)])
    inside = match and name.startswith(before) and name.endswith(after)
    return (int(match.group(1)), int(match.group(2))) if match and inside else None


def folders(arguments, environment, home: Path, platform: str):
    """The preference folders to work on."""
    if arguments.prefs:
        return [Path(os.path.abspath(folder)) for folder in arguments.prefs]  # noqa: PTH100 -- links stay
    parent, pattern = user_preferences(environment, home, platform)
    if arguments.houdini:
        return [parent / pattern.replace("*", version) for version in arguments.houdini]
    found = {folder: version_in(folder.name, pattern) for folder in sorted(parent.glob(pattern)) if folder.is_dir()}
    known = [folder for folder, version in found.items() if version and OLDEST <= version <= NEWEST]
    if not known and not arguments.uninstall:
        raise InstallError(
            "There are no preferences of Houdini 20.5 or newer in %s." % parent,
            "Start Houdini once, or name its version (--houdini 21.0) or its folder (--prefs DIR).",
        )
    return known


def install(folder: Path) -> str:
    """Writes the package file into a preference folder; what happened, in words."""
    path, text = folder / "packages" / NAME, pointer(REPOSITORY.as_posix())
    if path.is_symlink() or path.exists():
        if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text:
            return "already there  %s" % path
        if not is_ours(path):
            raise InstallError(
                "%s is not a file of this script (or was changed by hand), so it stays as it is." % path,
                "Remove or rename it, then run this again.",
            )
        atomic.write_text(path, text)
        return "updated        %s" % path
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, text)
    return "written        %s" % path


def uninstall(folder: Path) -> str:
    """Removes the package file from a preference folder; what happened, in words."""
    path = folder / "packages" / NAME
    if not path.exists():
        return "nothing there  %s" % path
    if not is_ours(path):
        raise InstallError(
            "%s is not a file of this script (or was changed by hand), so it stays." % path, "Remove it by hand."
        )
    path.unlink()
    return "removed        %s" % path


def parser() -> argparse.ArgumentParser:
    """The flags."""
    result = argparse.ArgumentParser(description="Shows TopForge to Houdini, or takes it away.", allow_abbrev=False)
    result.add_argument("--houdini", metavar="X.Y", action="append", help="only this version, such as 21.0")
    result.add_argument("--prefs", metavar="DIR", action="append", help="this preference folder")
    result.add_argument("--uninstall", action="store_true", help="remove the file again")
    return result


def check_versions(versions) -> None:
    """Refuses what is no version, or none that the package is enabled for."""
    for text in versions or ():
        match = VERSION.match(text)
        if not match or not OLDEST <= (int(match.group(1)), int(match.group(2))) <= NEWEST:
            raise InstallError(
                "--houdini %s is not a version that TopForge supports." % text,
                "Give major and minor number of a Houdini from 20.5 to 22: --houdini 21.0.",
            )


def main(words, environment=os.environ, platform=sys.platform) -> int:
    arguments = parser().parse_args(words)
    try:
        check_versions(arguments.houdini)
        chosen = folders(arguments, environment, Path.home(), platform)
        for folder in chosen:
            print((uninstall if arguments.uninstall else install)(folder))
    except TopForgeError as error:
        print("%s\n  %s" % (error.reason, error.fix), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print("%s\n  Check the permissions of that folder." % error, file=sys.stderr)
        return 74
    print(_next_step(arguments.uninstall, bool(chosen)))
    return 0


def _next_step(uninstalling: bool, found: bool) -> str:
    if uninstalling:
        return "\nRestart Houdini. The checkout itself is still here." if found else "Nothing to remove."
    return (
        "\nNext: make the trainer's environment once (python3 scripts/make_env.py), then restart Houdini.\n"
        "In a TOP network, TAB > TopForge has the nodes; the shelf TopForge is added with the + beside its tabs.\n"
        "First check: hython scripts/selfcheck.py"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`topforge adopt SCENE.hip`: a scene made the Kartaverse way as a job file and as a scene of TopForge's nodes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Dict, Mapping, Tuple

from topforge import atomic
from topforge.errors import FailureClass, TopForgeError
from topforge.paths import absolute

HELP = "read a Kartaverse-style scene (without running it) and write the same work as a job file and a TopForge scene"


class ExistsError(TopForgeError):
    """There is something already where the files would go."""

    def __init__(self, path: Path) -> None:
        super().__init__("%s is there already." % path, "Name another folder with --output, or use --force.")


class FolderError(TopForgeError):
    """The output folder cannot be written."""

    failure_class = FailureClass.INFRA

    def __init__(self, error: OSError) -> None:
        super().__init__("Nothing can be written: %s." % error, "Name another folder with --output.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("scene", type=Path, metavar="SCENE.hip", help="the scene, odc or text")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: SCENE_topforge beside it)")
    parser.add_argument("--top", metavar="PATH", help="the TOP network, or the generic generator in it, to take")
    parser.add_argument("--gpus", type=int, default=1, metavar="N", help="devices that each item leases (%(default)s)")
    parser.add_argument("--keep-command", action="store_true", help="never replace the command by TopForge's trainer")
    parser.add_argument("--force", action="store_true", help="write over what an earlier adoption wrote")


def run(arguments: argparse.Namespace) -> int:
    """Reads, writes and prints the account."""
    path = absolute(arguments.scene)
    folder = absolute(arguments.output) if arguments.output else path.with_name(path.stem + "_topforge")
    files, account = _made(path, folder, arguments, os.environ)
    if not arguments.force:
        for file in files:
            if file.exists():
                raise ExistsError(file)
    try:
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(file, content)
    except OSError as error:
        raise FolderError(error) from error
    print(account, end="")
    return 0


def _made(
    path: Path, folder: Path, arguments: argparse.Namespace, machine: Mapping[str, str]
) -> Tuple[Dict[Path, bytes], str]:
    """The files to write, and the account. Only here does the core reach beyond itself, and only when asked to."""
    from topforge_scene import scene as scenes
    from topforge_scene.adopt import account, job, network, reading

    recipe = reading.read(scenes.read(path), path, arguments.top, machine)
    plan = job.plan(recipe, arguments.gpus, arguments.keep_command)
    made = network.scene(recipe, plan, account.text(recipe, plan, ()))
    files: Dict[Path, bytes] = {folder / (path.stem + ".json"): job.to_bytes(plan)}
    files[folder / (path.stem + ".hip")] = scenes.to_bytes(made, "odc")
    files[folder / "text" / (path.stem + ".hip")] = scenes.to_bytes(made, "text")
    return files, account.text(recipe, plan, list(files))

"""`topforge convert`: turns a capture of any format that is read into one of any format that is written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import List, Tuple

from topforge import capture_program
from topforge.trainers.convert import ADAPTER, FORMATS

HELP = "turn a capture of one format into one of another, and say what was lost"
IMAGES = ("copy", "link", "reference")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("source", type=Path, help="the capture's folder, or the file with its poses")
    parser.add_argument("out", type=Path, help="the folder to write; it must not exist yet, or be empty")
    parser.add_argument("--to", choices=FORMATS, required=True, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument("--images", choices=IMAGES, default="copy", help="how images get there (%(default)s)")
    parser.add_argument(
        "--undistort", action="store_true", help="resample images to a pinhole, so that nothing of the lens is lost"
    )
    parser.add_argument(
        "--hold_out", type=int, default=0, metavar="N", help="every Nth view is for validation, if there are no splits"
    )
    parser.add_argument(
        "--box", nargs="+", default=[], metavar="BOX", help="where the object is: auto, or X Y Z SIZE (y up)"
    )
    parser.add_argument("--centre", action="store_true", help="move the world so that the box's middle is the origin")
    parser.add_argument(
        "--fit", type=float, default=0.0, metavar="SIDE", help="also scale it, so that mesh_scale SIDE holds the box"
    )
    parser.add_argument("--photographs", type=Path, metavar="DIR", help="where images are looked for first")
    parser.add_argument("--env", metavar="PREFIX", help="environment with numpy and imageio: its root, or its name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as well")


def run(arguments: argparse.Namespace) -> int:
    """Prints the report.

    Raises:
        FailedError: The capture cannot be read, or not be written in this format.
    """
    exit_code, text = capture_program.run(ADAPTER, arguments.env, command(arguments))
    print(text)
    return exit_code


def command(arguments: argparse.Namespace) -> Tuple[str, ...]:
    """The converter's command line; `{python}` stands for the environment's interpreter."""
    words: List[str] = ["{python}", "-u", "-m", "topforge_capture", "convert"]
    words += [str(arguments.source.absolute()), str(arguments.out.absolute())]
    words += ["--to", arguments.to, "--images", arguments.images, "--hold_out", str(arguments.hold_out)]
    words += ["--undistort"] if arguments.undistort else []
    words += ["--centre"] if arguments.centre else []
    words += ["--fit", repr(arguments.fit)] if arguments.fit else []
    words += ["--box", *arguments.box] if arguments.box else []
    for flag, path in (("--photographs", arguments.photographs), ("--json", arguments.json)):
        words += [flag, str(path.absolute())] if path else []
    return tuple(words)

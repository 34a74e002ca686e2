"""`topforge convert`: turns a capture of any format that is read into one of any format that is written."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from topforge.environments import environment
from topforge.errors import FailureClass, TopForgeError
from topforge.terminal_style import OneLine
from topforge.trainers import capture_step
from topforge.trainers.convert import ADAPTER, FORMATS
from topforge.verbs.check import CheckerBrokeError, environment_for, start

HELP = "turn a capture of one format into one of another, and say what was lost"
IMAGES = ("copy", "link", "reference")


class ConversionFailedError(TopForgeError):
    """The converter said no, in its own words."""

    def __init__(self, verdict: Dict[str, Any]) -> None:
        super().__init__(verdict["reason"], verdict["fix"])
        self.failure_class = FailureClass(verdict.get("class", FailureClass.CONFIG.value))


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
        ConversionFailedError: The capture cannot be read, or not be written in this format.
    """
    resolved = environment.resolve(environment_for(arguments.env), os.environ, trainer="convert")
    return _follow(start((resolved.python, *command(arguments)), resolved))


def command(arguments: argparse.Namespace) -> Tuple[str, ...]:
    """The converter's command line, without its interpreter."""
    words: List[str] = ["-u", "-m", "topforge_capture", "convert"]
    words += [str(arguments.source.absolute()), str(arguments.out.absolute())]
    words += ["--to", arguments.to, "--images", arguments.images, "--hold_out", str(arguments.hold_out)]
    words += ["--undistort"] if arguments.undistort else []
    words += ["--centre"] if arguments.centre else []
    words += ["--fit", repr(arguments.fit)] if arguments.fit else []
    words += ["--box", *arguments.box] if arguments.box else []
    for flag, path in (("--photographs", arguments.photographs), ("--json", arguments.json)):
        words += [flag, str(path.absolute())] if path else []
    return tuple(words)


def _follow(child: subprocess.Popen[str]) -> int:
    """Shows progress in one line of a terminal, and passes the report on."""
    assert child.stdout is not None
    progress = OneLine(sys.stderr)
    lines: List[str] = []
    verdict: Optional[Dict[str, Any]] = None
    for line in child.stdout:
        report = ADAPTER.parse(line)
        if report is not None and report.progress is not None:
            progress.show(report.progress, report.message)
        elif capture_step.summary(line) is not None:
            verdict = capture_step.summary(line)
        else:
            lines.append(line.rstrip())
    progress.erase()
    exit_code = child.wait()
    if verdict is None:
        raise CheckerBrokeError(exit_code, lines[-12:])
    if verdict["reason"]:
        raise ConversionFailedError(verdict)
    print("\n".join(lines))
    return exit_code

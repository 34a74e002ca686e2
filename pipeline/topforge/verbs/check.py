"""`topforge check`: looks at a capture before anything is trained on it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from topforge import capture_program
from topforge.schema import add_to_parser, from_arguments
from topforge.trainers.check import ADAPTER, CheckOptions, command

HELP = "check a capture before training: images, masks, cameras, axes, units"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("folder", type=Path, help="the capture, with its transforms_train.json, sparse/ ...")
    parser.add_argument("--env", metavar="PREFIX", help="environment with numpy and imageio: its root, or its name")
    parser.add_argument("--json", action="store_true", help="print the report as JSON instead of text")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write cameras.png and contact_sheet.png there")
    add_to_parser(parser, CheckOptions)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report. Exit code 0 when the capture can be trained on, 1 when findings say otherwise."""
    options = from_arguments(CheckOptions(), arguments)
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        where = ["--json", str(report)]
        where += ["--pictures", str(arguments.pictures.absolute())] if arguments.pictures else []
        words = command(str(arguments.folder.absolute()), options, where)
        exit_code, text = capture_program.run(ADAPTER, arguments.env, words)
        if arguments.json:
            sys.stdout.write(report.read_text(encoding="utf-8"))
            return exit_code
    print(text)
    if arguments.pictures:
        print("Pictures: %s, contact_sheet.png" % (arguments.pictures / "cameras.png"))
    return exit_code

"""`python -m topforge_capture convert IN OUT --to FORMAT`: what `topforge convert` starts.

Lines on stdout: `progress=0.42 message=...`, then the report as text, then `summary=` with JSON: `reason` and `fix`,
which are "" here; `__main__` tells failures.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Callable, List, Optional

import numpy as np

from topforge import atomic
from topforge_capture import box, conversion_text, formats, placing
from topforge_capture.capture import Bound, CaptureError
from topforge_capture.convert import Request, convert

HELP = "turn a capture of one format into one of another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("source", type=Path, help="the capture's folder, or the file with its poses")
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--to", choices=formats.NAMES, required=True)
    parser.add_argument("--images", choices=placing.MODES, default="copy")
    parser.add_argument("--undistort", action="store_true")
    parser.add_argument("--hold_out", type=int, default=0)
    parser.add_argument("--box", nargs="+", default=[])
    parser.add_argument("--centre", action="store_true")
    parser.add_argument("--fit", type=float, default=0.0)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--json", type=Path)


def run(arguments: argparse.Namespace, say: Callable[[float, str], None]) -> int:
    """Converts and prints the report.

    Raises:
        TopForgeError: It cannot be done.
        OSError: Something cannot be written.
    """
    request = Request(
        source=arguments.source,
        out=arguments.out,
        to=arguments.to,
        images=arguments.images,
        undistort=arguments.undistort,
        hold_out=arguments.hold_out,
        find_box=arguments.box == ["auto"],
        box=_given_box(arguments.box),
        centre=arguments.centre,
        fit=_given_side(arguments.fit),
        photographs=arguments.photographs,
    )
    report = convert(request, say)
    if arguments.json:
        atomic.write_json(arguments.json, report)
    print(conversion_text.render(report, str(arguments.out)))
    print("summary=" + json.dumps({"reason": "", "fix": ""}), flush=True)
    return 0


def _given_side(side: float) -> float:
    """What the box is to fit into; 0 = anything.

    Raises:
        CaptureError: `bad-value`: negative, or no number.
    """
    if not 0 <= side < float("inf"):
        raise CaptureError("bad-value", "--fit %r is no size." % side, "Use --fit 2.1, the default mesh_scale.")
    return side


def _given_box(words: List[str]) -> Optional[Bound]:
    """From X Y Z SIZE; None for "auto" or nothing.

    Raises:
        CaptureError: `bad-value`: anything else.
    """
    if words in ([], ["auto"]):
        return None
    try:
        x, y, z, size = (float(word) for word in words)
    except ValueError:
        size = -1.0
    if not 0 < size < float("inf") or not np.isfinite([x, y, z]).all():
        reason = "--box %s is neither auto nor four numbers with a size above 0." % " ".join(words)
        raise CaptureError("bad-value", reason, "Use --box auto, or --box X Y Z SIZE.")
    return box.given(np.array([x, y, z]), size)

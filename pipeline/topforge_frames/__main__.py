"""What the adapters "frames" and "poses" start; see the package for the two forms.

Lines on stdout: `progress=0.42 message=...` while it works; at a failure one line `summary=` with JSON (`class`,
`reason`, `fix`) for whoever started it, and the exit code of the failure's class.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Optional, Sequence

from topforge.errors import TopForgeError
from topforge_frames import frames, poses, reconstruction


def main(words: Optional[Sequence[str]] = None) -> int:
    """Runs one form; its exit code."""
    arguments = _parser().parse_args(words)
    settings = json.loads(arguments.settings)
    try:
        if arguments.verb == "frames":
            frames.run(arguments.source, arguments.out, frames.Choice(**settings), _say)
        else:
            poses.run(arguments.source, arguments.out, arguments.work, reconstruction.Settings(**settings), _say)
    except TopForgeError as failure:
        told = {"class": failure.failure_class.value, "reason": failure.reason, "fix": failure.fix}
        print("summary=" + json.dumps(told), flush=True)
        return failure.exit_code
    return 0


def _say(done: float, message: str) -> None:
    print("progress=%.3f message=%s" % (done, message), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m topforge_frames", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, what, settings in (
        ("frames", "a video, or a folder with photographs", frames.Choice),
        ("poses", "a folder with images/, and masks/ where there are", reconstruction.Settings),
    ):
        form = verbs.add_parser(verb)
        form.add_argument("source", type=Path, help=what)
        form.add_argument("out", type=Path, help="where the result goes")
        known = ", ".join(field.name for field in dataclasses.fields(settings))
        form.add_argument("--settings", default="{}", help="JSON object: " + known)
        form.add_argument("--work", type=Path, default=Path("work"), help="scratch (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

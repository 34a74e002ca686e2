"""Runs one stage of RichDreamer and says what the stage itself keeps to its files: length, losses, whether it worked.

    python richdreamer_launch.py --stage NAME --total STEPS --folder FOLDER --until FILE -- PROGRAM [ARGUMENT ...]

What it left decides, not its exit code: a stage whose file is there, whole and from this run, has worked, even where
something after it went wrong (the turntable video, the clean-up of the exported mesh). Standard library only: it runs
in the trainer's environment.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence

MARK = "topforge richdreamer "
"""Begins the lines that the adapter reads: a JSON object follows."""
_POLL_SECONDS = 0.5
_NOT_WRITTEN = 65


def say(**values: object) -> None:
    """One line for the adapter."""
    print(MARK + json.dumps(values, sort_keys=True), flush=True)


class Table:
    """Lightning's metrics.csv while it grows: one for each version, the newest counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: Dict[str, int] = {}

    def tell(self) -> None:
        """Says the rows that are new. Lightning writes the file anew now and then: rows count, not bytes."""
        for path in sorted(self._folder.glob("csv_logs/version_*/metrics.csv")):
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
            except OSError:
                continue
            known = self._told.get(str(path), 0)
            for line in lines[1 + known :]:
                self._tell_row(lines[0].split(","), line.split(","))
            self._told[str(path)] = max(known, len(lines) - 1)

    @staticmethod
    def _tell_row(header: List[str], cells: List[str]) -> None:
        row = dict(zip(header, cells))
        step = row.pop("step", "")
        losses = {}
        for name, text in row.items():
            try:
                losses[name.rpartition("/")[2]] = float(text)
            except ValueError:
                continue
        losses.pop("epoch", None)
        if step.isdigit() and losses:
            say(step=int(step), metrics=losses)


def is_written(wanted: str, began: float) -> bool:
    """Whether the stage's file is there: not empty, from this run, and whole where it is a checkpoint."""
    path = Path(wanted)
    found = sorted(path.parent.parent.glob("%s/%s" % (path.parent.name, path.name)))
    fresh = [each for each in found if each.stat().st_size and each.stat().st_mtime >= began - 1.0]
    return any(each.suffix != ".ckpt" or zipfile.is_zipfile(str(each)) for each in fresh)


def watch(table: Table, done: threading.Event) -> None:
    """Tells losses until the stage is over."""
    while not done.wait(_POLL_SECONDS):
        table.tell()


def main(words: Optional[Sequence[str]] = None) -> int:
    """Runs the stage.

    Returns:
        0 when its file is there, else the program's exit code, or 65 where that is 0.
    """
    parser = argparse.ArgumentParser()
    for name in ("stage", "folder", "until"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--total", type=int, required=True)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(words)
    say(stage=given.stage, total=given.total)
    began = time.time()
    table, done = Table(Path(given.folder)), threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the whole group is asked to stop: the program decides
    child = subprocess.Popen(given.command, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    thread = threading.Thread(target=watch, args=(table, done), daemon=True)
    thread.start()
    code = child.wait()
    done.set()
    thread.join()
    table.tell()
    if code < 0:  # killed: whatever it had written, it was not asked to end
        return 128 - code
    if is_written(given.until, began):
        if code:
            say(warning="stage %s wrote what it should, and ended with exit code %d afterwards" % (given.stage, code))
        return 0
    if code == 0:
        print("topforge-launch: stage %s ended without an error, but %s is missing" % (given.stage, given.until))
    return code or _NOT_WRITTEN


if __name__ == "__main__":
    sys.exit(main())

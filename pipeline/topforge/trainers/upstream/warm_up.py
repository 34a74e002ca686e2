"""Compiled extensions of an upstream trainer, as a program that runs in the trainer's own environment.

    python warm_up.py --trainer NAME                                          only sweeps
    python warm_up.py --trainer NAME --stamp TEXT --until PATTERN -- COMMAND  builds as well

Both remove lock files that a killed build left in the folder of compiled extensions. The second also starts the trainer
itself on its smallest job, under a kernel lock, waits for a line that matches the pattern, which it prints once its
extensions work, and ends it. That was done already where the folder's stamp says TEXT. Nothing is known here of how a
trainer builds its extensions; that it trains is the proof that they are there.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping, Optional, Sequence, Tuple

if __name__ == "__main__":  # started by its path, in an environment that need not know where TopForge lies
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from topforge import platform_posix
from topforge.doctor import build_locks
from topforge.trainers.base import Report, Step

NAME = "warm-up"
"""The adapter of items that do nothing but this."""
STAGE = "extensions"
VARIABLE = "TORCH_EXTENSIONS_DIR"
_LOCK, _STAMP = ".topforge-warm-up.lock", ".topforge-warm-up-%s"
_POLL_SECONDS, _SAY_SECONDS, _STOP_SECONDS = 0.5, 30.0, 30.0


def step(
    trainer: str,
    variables: Tuple[Tuple[str, str], ...] = (),
    build: Sequence[str] = (),
    until: str = "",
    stamp: str = "",
    weight: float = 0.002,
) -> Step:
    """The step that sweeps, and with `build`, a command, builds; arguments as the module's docstring says."""
    arguments = ["{python}", "-u", str(Path(__file__).resolve()), "--trainer", trainer]
    if build:
        arguments += ["--stamp", stamp, "--until", until, "--", *build]
    return Step(STAGE, tuple(arguments), weight, variables=variables)


def parse(line: str) -> Optional[Report]:
    """Reads this program's own lines."""
    mark = "topforge %s: " % STAGE
    return Report(stage=STAGE, message=line[len(mark) :].strip()) if line.startswith(mark) else None


def say(text: str) -> None:
    """A line for people, and for `parse`."""
    print("topforge %s: %s" % (STAGE, text), flush=True)


def folders(variables: Mapping[str, str]) -> Tuple[Path, ...]:
    """Where extensions are built; the first is where they are built now."""
    named = variables.get(VARIABLE)
    return (Path(named),) if named else build_locks.roots(variables, Path.home())


def sweep(places: Sequence[Path]) -> None:
    """Removes locks that are old and held by no process; says what it does, and which others it leaves."""
    for lock in build_locks.find(places):
        if lock.stale:
            say(
                "removing the stale lock %s (%.0f minutes old, held by no process)" % (lock.path, lock.age_seconds / 60)
            )
            lock.path.unlink()
        elif lock.holder is not None:
            say("%s belongs to a build of process %d" % (lock.path, lock.holder))
        else:
            say("%s is held by no process of this machine, but young: perhaps another machine builds" % lock.path)


def take(path: Path) -> int:
    """Our lock, held for as long as this process lives; says now and then that it waits."""
    said = 0.0
    while True:
        lock = platform_posix.try_lock(path)
        if lock is not None:
            return lock
        if time.monotonic() - said >= _SAY_SECONDS:
            said = time.monotonic()
            say("waiting: another run builds the extensions in %s" % path.parent)
        time.sleep(_POLL_SECONDS)


def build(command: Sequence[str], until: str, variables: Mapping[str, str]) -> int:
    """Runs the command until it prints what says that its extensions work.

    Returns:
        0 when it did; else its exit code, or 1 where that is 0.
    """
    child = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(variables), universal_newlines=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        print(line, end="", flush=True)
        if re.search(until, line):
            _stop(child)
            return 0
    return child.wait() or 1


def _stop(child: subprocess.Popen[str]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(words: Optional[Sequence[str]] = None) -> int:
    """Sweeps, and builds where asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainer", required=True)
    parser.add_argument("--stamp", default="")
    parser.add_argument("--until", default="")
    parser.add_argument("command", nargs="*")
    arguments = parser.parse_args(words)
    places = folders(os.environ)
    if not arguments.command:
        sweep(places)
        return 0
    places[0].mkdir(parents=True, exist_ok=True)
    take(places[0] / _LOCK)
    sweep(places)
    stamp = places[0] / (_STAMP % arguments.trainer)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == arguments.stamp:
        say("the extensions in %s are there already" % places[0])
        return 0
    say("building the extensions in %s" % places[0])
    code = build(arguments.command, arguments.until, {**os.environ, VARIABLE: str(places[0])})
    if code == 0:
        stamp.write_text(arguments.stamp, encoding="utf-8")
        say("the extensions work")
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Checks of the machine around the environment: build locks, disk, folders, other environments."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import List, Sequence

from topforge.doctor import build_locks
from topforge.doctor.build_locks import BuildLock
from topforge.doctor.model import Checks, Outcome, ok, problem, skipped, warning
from topforge.doctor.subject import Subject
from topforge.environments import prefix_discovery

CHECKS = Checks()


@CHECKS.add("build-locks", "Extension build locks")
def _build_locks(subject: Subject) -> Outcome:
    locks = build_locks.find(build_locks.roots(subject.parent, subject.home()))
    stale = [lock for lock in locks if lock.stale]
    if stale and subject.repair:
        return _remove(subject, stale)
    if stale:
        command = "topforge doctor --fix removes %s" % ("it" if len(stale) == 1 else "them")
        return problem("left by a killed build, every later build waits for it: " + _listed(stale), command)
    if not locks:
        return ok("none")
    held = [lock for lock in locks if lock.holder is not None]
    if held:
        return ok("a build is at work: " + _listed(held))
    fix = "Wait for it; if no machine builds there, delete the file."
    return warning("young, and no process here holds it: " + _listed(locks), fix)


def _remove(subject: Subject, locks: Sequence[BuildLock]) -> Outcome:
    for lock in locks:
        subject.say("removing %s (%s old, held by no process)" % (lock.path, _age(lock.age_seconds)))
        lock.path.unlink()
    return ok("removed " + _listed(locks))


def _listed(locks: Sequence[BuildLock]) -> str:
    holder = " (%s old%s)"
    return ", ".join(
        str(lock.path) + holder % (_age(lock.age_seconds), ", process %d" % lock.holder if lock.holder else "")
        for lock in locks
    )


def _age(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return "%d %s" % (seconds / size, unit)
    return "%d s" % seconds


@CHECKS.add("disk", "Free disk space")
def _disk(subject: Subject) -> Outcome:
    needed = subject.target.disk_gib
    short, texts = [], []
    for purpose, folder in subject.folders():
        free = shutil.disk_usage(str(_existing(folder))).free / 2**30
        texts.append("%s %.1f GiB" % (purpose, free))
        if free < needed:
            short.append("%s has %.1f GiB left (%s)" % (folder, free, purpose))
    if short:
        wanted = "; %s takes up to %d GiB" % (subject.target.name, needed)
        return problem("; ".join(short) + wanted, "Make room, or set TOPFORGE_CACHE and TMPDIR to a larger disk.")
    return ok(", ".join(texts))


@CHECKS.add("folders", "Writable folders")
def _folders(subject: Subject) -> Outcome:
    refused: List[str] = []
    for purpose, folder in subject.folders():
        try:
            with tempfile.TemporaryFile(dir=str(_existing(folder))) as stream:
                stream.write(b"topforge")
        except OSError as error:
            refused.append("%s (%s): %s" % (folder, purpose, error.strerror))
    if refused:
        return problem("; ".join(refused), "Give this user the right to write there, or choose other folders.")
    return ok(", ".join("%s %s" % (purpose, folder) for purpose, folder in subject.folders()))


def _existing(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that exists: the one it would be made in."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


@CHECKS.add("environments", "Environments found")
def _environments(subject: Subject) -> Outcome:
    found = prefix_discovery.discover(subject.parent, subject.home())
    if not found:
        return skipped("no conda installation or active venv here; `--env PREFIX` judges any other folder")
    return ok(", ".join(str(path) for path in found))

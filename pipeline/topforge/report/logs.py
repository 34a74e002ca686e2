"""What the attempts' logs tell: our own notes in them, and how the newest one ends."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

from topforge.paths import RunPaths
from topforge.running.journal import NOTE

_TAIL_BYTES = 64 << 10
_MOST_CHARACTERS = 400
_STEP = re.compile(r'^step "(.*?)": (.*)$', re.DOTALL)
_ENDED = re.compile(r"^attempt \d+ ended: (.*)$", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class AttemptLog:
    """attempt-N.log."""

    number: int
    path: Path
    size: int
    """Bytes."""
    notes: Tuple[str, ...]
    """TopForge's own lines, without their mark."""

    @property
    def commands(self) -> Sequence[Tuple[str, str]]:
        """Name and command line of each step that was started."""
        return [match.groups() for match in map(_STEP.match, self.notes) if match]  # type: ignore[misc]

    @property
    def ending(self) -> Optional[str]:
        """Why the attempt failed, as the runner noted it."""
        return next((match.group(1) for match in map(_ENDED.match, reversed(self.notes)) if match), None)


def read(paths: RunPaths) -> List[AttemptLog]:
    """All attempts' logs, first to last; one that cannot be read is left out."""
    found = []
    for path in paths.run.glob("attempt-*.log"):
        digits = path.stem.partition("-")[2]
        if digits.isdigit():
            try:
                found.append(AttemptLog(int(digits), path, path.stat().st_size, _notes(path)))
            except OSError:
                continue
    return sorted(found, key=lambda log: log.number)


def _notes(path: Path) -> Tuple[str, ...]:
    mark = NOTE.encode("ascii")
    with path.open("rb") as stream:
        return tuple(_text(line[len(mark) :]) for line in stream if line.startswith(mark))


def tail(path: Path, count: int) -> List[str]:
    """The last lines of a log, overlong ones cut; of a line redrawn with carriage returns only its last state."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - _TAIL_BYTES))
            lines = _text(stream.read()).split("\n")[-count:]
    except OSError:
        return []
    lines = [line.rsplit("\r", 1)[-1] for line in lines]
    return [line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 3] + "..." for line in lines]


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").rstrip("\r\n")


def seconds_of(attempts: Sequence[Mapping[str, object]]) -> float:
    """Working time of attempts as result.json lists them."""
    return sum(float(str(attempt.get("seconds", 0))) for attempt in attempts)

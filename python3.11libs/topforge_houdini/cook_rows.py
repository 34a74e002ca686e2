"""What a cook's work items came to: one row for each, and the table of them at the end."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pdg

from topforge import results, states
from topforge.durations import duration
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.terminal_style import PLAIN, Style

_STATES = {
    "Undefined": "unknown",
    "Dirty": "not cooked",
    "Uncooked": "not cooked",
    "Waiting": "waiting",
    "Scheduled": "scheduled",
    "Cooking": "cooking",
    "CookedSuccess": "cooked",
    "CookedCache": "from cache",
    "CookedFail": "failed",
    "CookedCancel": "cancelled",
}
"""Name in `pdg.workItemState` -> words."""
SUCCEEDED = ("cooked", "from cache")
_WIDEST = 28


@dataclasses.dataclass(frozen=True)
class Row:
    """One work item."""

    identity: int
    """PDG's number of it."""
    name: str
    """Node and index: "train[0]"."""
    label: str
    """Name of its configuration; "" for nodes that have none, and where it is only the node's name again."""
    state: str
    percent: float
    """Progress of cooking, 0 to 1."""
    custom: str
    """What it says about itself: "step 400/1000, 3 min left"."""
    seconds: float
    """How long it cooked; 0 while it has not, or when it came from the cache."""
    run: Path | None
    """Its run folder on this machine; None for nodes that are not ours."""
    runs_something: bool
    """It has a command. Others succeed at once when they are made."""

    @property
    def succeeded(self) -> bool:
        """Whether it is done."""
        return self.state in SUCCEEDED


def of(item: Any, node: str) -> Row:
    """The row of a `pdg.WorkItem`.

    Args:
        item: The work item.
        node: What its node is called for people.
    """
    run = item.stringAttribValue("topforge_run") if item.attrib("topforge_run") is not None else ""
    config = item.stringAttribValue("config") if item.attrib("config") is not None else ""
    return Row(
        item.id,
        "%s[%d]" % (node, item.index),
        config if config not in ("", node.split("/")[0]) else "",
        state_of(item),
        float(item.cookPercent or 0.0),
        item.customState or "",
        float(item.cookDuration or 0.0),
        Path(item.localizePath(run)) if run else None,
        bool(item.command),
    )


def state_of(item: Any) -> str:
    """A work item's state in words."""
    return next(words for name, words in _STATES.items() if item.state == getattr(pdg.workItemState, name))


def table(rows: Sequence[Row], style: Style = PLAIN) -> str:
    """All rows, aligned, and below them each failure with its reason and fix."""
    folder = _shared_folder(rows)
    head = ["item", "config", "state", "PSNR dB", "time", "run folder in %s" % folder]
    cells = [_cells(row, folder) for row in rows]
    kept = [index for index, title in enumerate(head) if title in ("item", "state") or any(c[index] for c in cells)]
    columns = [[line[index] for index in kept] for line in [head, *cells]]
    widths = [max(len(cell) for cell in column) for column in zip(*columns)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in columns]
    painted = [style.bold(lines[0]), *(_painted(row, line, style) for row, line in zip(rows, lines[1:]))]
    return "\n".join([*painted, *_complaints(rows, style)])


def _painted(row: Row, line: str, style: Style) -> str:
    return line if row.succeeded else line.replace(row.state, style.bad(row.state), 1)


def _shared_folder(rows: Sequence[Row]) -> str:
    """The folder that holds all run folders: told once, it leaves the lines short. "" where there are none."""
    parents = [str(row.run.parent) for row in rows if row.run is not None]
    return os.path.commonpath(parents) if len({Path(parent).drive for parent in parents}) == 1 else ""


def _cells(row: Row, folder: str) -> list[str]:
    label = row.label if len(row.label) <= _WIDEST else row.label[: _WIDEST - 3] + "..."
    psnr = _read(row, lambda run: results.read(run).metrics.get("psnr")) if row.succeeded else None
    shown = "" if psnr is None else "%.2f" % psnr
    time = duration(row.seconds) if row.seconds > 0 else ""
    run = "" if row.run is None else os.path.relpath(row.run, folder) if folder else str(row.run)
    return [row.name, label, row.state, shown, time, run]


def _complaints(rows: Sequence[Row], style: Style) -> list[str]:
    lines: list[str] = []
    for row in rows:
        if row.state == "failed":
            state = _read(row, lambda run: states.read(RunPaths(run).state))
            reason = state.reason if state is not None and state.reason else "it ended without a reason; see its log"
            fix = ["  " + state.fix] if state is not None and state.fix else []
            lines += ["", "%s: %s" % (style.bad(row.name), reason.replace("\n", "\n  ")), *fix]
    return lines


def _read(row: Row, read: Callable[[Path], Any]) -> Any:
    """What a file of the run folder says; None without one, or where it is unreadable: a table is no place to fail."""
    try:
        return read(row.run) if row.run else None
    except (OSError, ValueError, TopForgeError):
        return None


def pages(rows: Sequence[Row]) -> list[Path]:
    """The pages to read next: those of report items, else those of the items that are done."""
    made = [RunPaths(row.run) for row in rows if row.run is not None and row.succeeded]
    compared = [paths.result / "report.html" for paths in made]
    single = [paths.report for paths in made]
    return [page for page in compared if page.is_file()] or [page for page in single if page.is_file()]


def summary(rows: Sequence[Row]) -> str:
    """How many items are in each state: `2 cooked, 1 failed.`."""
    counts = {words: sum(row.state == words for row in rows) for words in dict.fromkeys(_STATES.values())}
    return ", ".join("%d %s" % (count, words) for words, count in counts.items() if count) + "."

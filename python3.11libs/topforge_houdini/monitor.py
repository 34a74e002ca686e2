"""What the PDG ML Training Monitor of Houdini 21 shows about our nodes: curves and pictures of every work item.

Documented [D] for that panel: a function `ml_description(node)` in the asset's Python module, which returns one
dictionary for each model, with the keys `name` (required), `first_epoch`, `max_epochs` and `plots`. The keys of the
entries of `plots`, and that of the pictures, stand on a part of the page that could not be read: those in `_plot` and
`_PICTURES` are our guess, not yet seen in a real Houdini.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import hou

from topforge import items
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.running import previews
from topforge_houdini import runs

_PLOTTED = {"loss": "Loss", "psnr": "PSNR (dB)"}
"""Columns of metrics.csv that are shown first; the others follow in their order."""
_NOT_METRICS = frozenset(("step", "total", "stage", "attempt", "seconds"))
_PICTURES = "test_results"


def ml_description(node: hou.OpNode) -> list[dict[str, Any]]:
    """One description for each run of a node that has told anything, running or done, whichever trainer it has."""
    described = (_described(RunPaths(run)) for run in runs.runs_of(node))
    return [description for description in described if description is not None]


def _described(paths: RunPaths) -> dict[str, Any] | None:
    columns, first, last = _table(paths.metrics)
    if not columns:
        return None
    description: dict[str, Any] = {
        "name": _name(paths),
        "first_epoch": _whole(first.get("step")) or 0,
        "plots": [_plot(paths.metrics, column) for column in _in_order(columns)],
    }
    total = _whole(last.get("total")) or _whole(last.get("step"))
    if total:
        description["max_epochs"] = total
    picture = previews.newest(paths)
    if picture is not None:
        description[_PICTURES] = [picture.as_posix()]
    return description


def _plot(table: Path, column: str) -> dict[str, Any]:
    title = _PLOTTED.get(column, column.replace("_", " "))
    return {"name": title, "csv_file": table.as_posix(), "x_column": "step", "y_columns": [column]}


def _name(paths: RunPaths) -> str:
    try:
        return items.read(paths.item).name
    except TopForgeError:  # damaged: the folder's name tells as much
        return paths.run.name


def _table(path: Path) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """The metrics of a metrics.csv, its first and its last whole row; nothing while there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return [], {}, {}
    whole = [line for line in lines if line.endswith("\n")]  # the last one may be half written
    if len(whole) < 2:
        return [], {}, {}
    first, last = (next(csv.DictReader([whole[0], line])) for line in (whole[1], whole[-1]))
    return [name for name in first if name not in _NOT_METRICS], first, last


def _in_order(columns: list[str]) -> list[str]:
    known = [column for column in _PLOTTED if column in columns]
    return known + [column for column in columns if column not in _PLOTTED]


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None

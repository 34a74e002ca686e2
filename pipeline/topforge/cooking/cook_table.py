"""The table at the end of a cook, for people and as CSV."""

from __future__ import annotations

import csv
import io
from typing import Callable, Dict, Iterable, List, Sequence, Tuple

from topforge import results
from topforge.cooking.outcomes import WAS_DONE, Outcome
from topforge.durations import duration
from topforge.states import Status
from topforge.terminal_style import PLAIN, Style

MOST_ROWS = 40
"""Rows printed of a longer table: those that did not succeed first, then the best PSNR."""
_WIDEST = 36
"""Characters of a cell."""


def text(outcomes: Sequence[Outcome], style: Style = PLAIN) -> str:
    """The table, what went wrong with its fixes or looks wrong, and the count of each status."""
    shown = list(outcomes)
    if len(shown) > MOST_ROWS:
        shown = sorted(shown, key=lambda o: (o.succeeded, -o.metrics.get("psnr", 0.0)))[:MOST_ROWS]
        shown.sort(key=outcomes.index)
    lines = _aligned(_rows(shown), style)
    if len(shown) < len(outcomes):
        lines.append("... and %d more rows" % (len(outcomes) - len(shown)))
    return "\n".join([*lines, *_complaints(outcomes, style), "", _summary(outcomes)])


def as_csv(outcomes: Sequence[Outcome]) -> str:
    """All items with all metrics and the reason, for spreadsheets."""
    labels, metrics = _keys(outcomes, lambda o: dict(o.planned.item.labels)), _keys(outcomes, lambda o: o.metrics)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["name", *labels, "status", *metrics, "seconds", "reason", "folder"])
    for o in outcomes:
        wedged = dict(o.planned.item.labels)
        writer.writerow(
            [o.planned.item.name, *(wedged.get(key, "") for key in labels), o.status]
            + [o.metrics.get(key, "") for key in metrics]
            + ["" if o.seconds is None else "%.3f" % o.seconds, o.reason, o.planned.folder]
        )
    return stream.getvalue()


def _keys(outcomes: Sequence[Outcome], of: Callable[[Outcome], Iterable[str]]) -> List[str]:
    """All keys in the order in which they first appear."""
    return list({key: None for outcome in outcomes for key in of(outcome)})


def _rows(outcomes: Sequence[Outcome]) -> List[List[str]]:
    labels = _keys(outcomes, lambda o: dict(o.planned.item.labels))
    known = _keys(outcomes, lambda o: o.metrics)
    metrics = [(key, title, form) for key, title, form in _METRICS if key in known]
    rows = [["item", *labels, "status", *(title for _, title, _ in metrics), "time"]]
    for o in outcomes:
        wedged = dict(o.planned.item.labels)
        values = [form % o.metrics[key] if key in o.metrics else "" for key, _, form in metrics]
        time = "" if o.seconds is None else duration(o.seconds)
        rows.append([o.planned.item.name, *(wedged.get(key, "") for key in labels), o.status, *values, time])
    return rows


_METRICS: Tuple[Tuple[str, str, str], ...] = (("psnr", "PSNR dB", "%.2f"), ("loss", "loss", "%.4g"))


def _aligned(rows: List[List[str]], style: Style) -> List[str]:
    rows = [[cell if len(cell) <= _WIDEST else cell[: _WIDEST - 3] + "..." for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return [style.bold(lines[0]), *lines[1:]]


def _complaints(outcomes: Sequence[Outcome], style: Style) -> List[str]:
    """Each reason and each remark once, with the items it is about and the fix."""
    struck: Dict[Tuple[str, str, bool], List[str]] = {}
    for outcome in outcomes:
        told = [(outcome.reason, outcome.fix)] if outcome.reason else []
        told += [(results.sentence(remark), "") for remark in outcome.remarks]
        for reason, fix in told:
            struck.setdefault((reason, fix, outcome.succeeded), []).append(outcome.planned.item.name)
    lines = []
    for (reason, fix, succeeded), names in struck.items():
        few = ", ".join(names[:5]) + (" and %d more" % (len(names) - 5) if len(names) > 5 else "")
        name = style.notice(few) if succeeded else style.bad(few)
        lines += ["", "%s: %s" % (name, reason.replace("\n", "\n  ")), *(["  " + fix] if fix else [])]
    return lines


def _summary(outcomes: Sequence[Outcome]) -> str:
    order = [Status.DONE.value, WAS_DONE, Status.FAILED.value, "skipped", Status.CANCELLED.value, Status.QUEUED.value]
    counts = [(status, sum(outcome.status == status for outcome in outcomes)) for status in order]
    return ", ".join("%d %s" % (count, status) for status, count in counts if count) + "."

"""Curves over the iterations, from metrics.csv."""

from __future__ import annotations

import itertools
import math
from typing import Callable, List, Optional, Sequence, Tuple

from topforge.report.charts import Axes, Line, chart
from topforge.report.definitions import metric
from topforge.report.document import Section, figure, note
from topforge.report.markup import Html, element
from topforge.report.record import Record
from topforge.report.scales import wants_logarithm
from topforge.report.series import Point, Table, gaps

_FIRST = ("loss", "psnr", "rate", "regulariser")
_OTHER = frozenset(("step", "total", "attempt", "seconds"))
"""Columns that are no curves."""
_SMOOTH_FROM = 100
"""Fewer points than this are drawn as they are."""


def section(record: Record) -> Optional[Section]:
    """All curves; None when nothing was reported."""
    names = [name for name in record.table.columns if name not in _OTHER]
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    drawn = [_curve(record, name) for name in names]
    drawn.insert(2, _speed(record))
    shown = [one for one in drawn if one is not None]
    if not shown:
        return None
    return Section("curves", "Curves", [note(_legend(record, names)), element("div", shown, class_="charts")])


def _legend(record: Record, names: Sequence[str]) -> str:
    """Explains what is drawn, and only that."""
    columns = [record.table.points(name) for name in names]
    words = "As the trainer reported them."
    if any(len(points) >= _SMOOTH_FROM for points in columns):
        words += " Pale is every value, strong the running mean."
    if any(not math.isfinite(value) for points in columns for _, value in points):
        words += " Red marks stand for values that are not finite."
    return words


def marks(record: Record) -> List[Tuple[float, str]]:
    """Where something else begins: the second pass, a new stage, a further attempt."""
    found: List[Tuple[float, str]] = []
    length, total = record.config.get("iter"), record.table.last("total")
    if isinstance(length, int) and total == 2 * length and (record.table.last("step") or 0) > length:
        found.append((float(length), "pass 2"))
    steps, attempts = record.table.columns.get("step", ()), record.table.columns.get("attempt", ())
    stages = record.table.stages
    for index in range(1, len(steps)):
        step, attempt = steps[index], attempts[index] if index < len(attempts) else None
        if step is None:
            continue
        if attempt is not None and attempt != attempts[index - 1]:
            found.append((step, "attempt %g" % attempt))
        elif stages and stages[index] != stages[index - 1]:
            found.append((step, stages[index]))
    return found[:8]


def _curve(record: Record, name: str) -> Optional[Html]:
    points, about = record.table.points(name), metric(name)
    finite = [value for _, value in points if math.isfinite(value)]
    smooth = len(points) >= _SMOOTH_FROM and name not in ("psnr", "rate")
    lines = [Line(about.title, points, faint=smooth)]
    if smooth:
        lines.append(Line(about.title, running_mean(points), silent_gaps=True))
    remark = "held-out views" if name == "psnr" else ("logarithmic" if wants_logarithm(finite) else "")
    return drawn_figure(about.title, remark, finite[-1:], about.with_unit, lines, about.unit, marks(record))


def drawn_figure(
    title: str,
    remark: str,
    last: Sequence[float],
    shown: Callable[[float], str],
    lines: Sequence[Line],
    unit: str,
    places: Sequence[Tuple[float, str]],
) -> Optional[Html]:
    """A chart under its title, with the last value beside it; None when there is nothing to draw."""
    axes = Axes("iteration", title + (", " + unit if unit else ""), unit)
    words = "%s over iterations%s" % (title, ", last %s" % shown(last[0]) if last else "")
    drawn = chart(words, lines, axes, places)
    if drawn is None:
        return None
    value = element("span", shown(last[0]), class_="now") if last else None
    return figure(drawn, [element("b", title), " ", element("span", remark, class_="remark"), value], "chart-figure")


def _speed(record: Record) -> Optional[Html]:
    points = speed(record.table)
    if not points:
        return None
    lines = [Line("Speed", points)]
    return drawn_figure(
        "Speed", "running mean", [points[-1][1]], lambda v: "%.3g/s" % v, lines, "iterations/s", marks(record)
    )


def speed(table: Table, across: int = 5) -> List[Point]:
    """Iterations per second over the last `across` reports, from the columns step, seconds and attempt."""
    rows = [
        row
        for row in zip(
            table.columns.get("step", ()), table.columns.get("seconds", ()), table.columns.get("attempt", ())
        )
        if row[0] is not None and row[1] is not None
    ]
    found: List[Point] = []
    for index in range(1, len(rows)):
        first = max(0, index - across)
        while first < index and (rows[first][2] != rows[index][2] or rows[first][0] > rows[index][0]):  # type: ignore[operator]
            first += 1
        steps, seconds = rows[index][0] - rows[first][0], rows[index][1] - rows[first][1]  # type: ignore[operator]
        if steps > 0 and seconds > 0:
            found.append((float(rows[index][0]), steps / seconds))  # type: ignore[arg-type]
    return sorted(dict(found).items())


def running_mean(points: Sequence[Point]) -> List[Point]:
    """Mean over a fortieth of the points around each, fewer towards the ends; never across a gap."""
    reach = max(1, len(points) // 80)
    found: List[Point] = []
    for piece in gaps(points):
        sums = [0.0, *itertools.accumulate(value for _, value in piece)]
        for index, (position, _) in enumerate(piece):
            near = min(reach, index, len(piece) - 1 - index)
            mean = (sums[index + near + 1] - sums[index - near]) / (2 * near + 1)
            found.append((position, mean))
        found.append((piece[-1][0], math.nan))
    return found[:-1]

"""One view of all runs beside each other, and their curves over each other."""

from __future__ import annotations

import math
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from topforge.report import pictures, wording
from topforge.report.charts import Axes, Line, chart
from topforge.report.document import Section, figure, note
from topforge.report.markup import Content, Html, element
from topforge.report.pictures import VIEW_PIXELS
from topforge.report.record import Record, View

Ranked = Sequence[Tuple[Record, str]]
"""Runs, best first, each with the ending of its colour's CSS classes."""
_MOST = 11
"""Runs whose pictures are shown, beside the photograph."""
_SPLIT_AT = 60.0
"""Seconds from which a time axis counts minutes."""


def section(ranked: Ranked, links_from: Path) -> Optional[Section]:
    """The photograph, and each run's picture of it with its difference; None without a common view."""
    name = _common_view(ranked)
    if name is None:
        return None
    owners = [(record, kind, _view(record, name)) for record, kind in ranked]
    compared = [(record, kind, view) for record, kind, view in owners if view is not None]
    shown = [_photograph(compared[0][0], compared[0][2])]
    shown += [_compared(record, kind, view, links_from) for record, kind, view in compared[:_MOST]]
    words = (
        "Held-out view %s: the photograph, then each run's picture above its difference, four times amplified." % name
    )
    if len(compared) > _MOST:
        words += " The best %d of %d runs." % (_MOST, len(compared))
    grid = element("div", [one for one in shown if one is not None], class_="contest")
    return Section("views", "The same view of each", [note(words), grid], menu="View")


def _common_view(ranked: Ranked) -> Optional[str]:
    """The best run's median view, or the next to it that as many runs as possible have."""
    views = next((record.views for record, _ in ranked if record.views), ())
    if not views:
        return None
    ordered = sorted(views, key=lambda view: view.values["psnr"])
    middle = len(ordered) // 2
    by_nearness = sorted(ordered, key=lambda view: abs(ordered.index(view) - middle))
    return max(by_nearness, key=lambda view: sum(_view(record, view.name) is not None for record, _ in ranked)).name


def _view(record: Record, name: str) -> Optional[View]:
    return next((view for view in record.views if view.name == name), None)


def _photograph(record: Record, view: View) -> Optional[Html]:
    source = pictures.embed(record.file(view.files + "_ref.png"), VIEW_PIXELS)
    return figure(source.image("Photograph %s" % view.name), element("b", "Photograph")) if source else None


def _compared(record: Record, kind: str, view: View, links_from: Path) -> Optional[Html]:
    paths = [record.file("%s_%s.png" % (view.files, side)) for side in ("opt", "ref")]
    result = pictures.embed(paths[0], VIEW_PIXELS)
    apart = pictures.difference(paths[0], paths[1], VIEW_PIXELS)
    if result is None:
        return None
    images: List[Content] = [result.image("%s by %s" % (view.name, record.name))]
    if apart is not None:
        images.append(apart.image("Difference of %s by %s: white where equal" % (view.name, record.name)))
    report = record.paths.report
    name = wording.link(report if report.exists() else record.paths.run, links_from, record.name)
    chip = element("i", class_="fill-" + kind)
    caption = [element("b", chip, name), element("span", "%.2f dB" % view.values["psnr"])]
    return figure(images, caption)


def curves(ranked: Ranked) -> Optional[Section]:
    """PSNR of held-out views over iterations and over time; None when no run reported it."""
    named = "Each curve in the colour that its run has in the table"
    if len(ranked) > len([kind for _, kind in ranked if kind != "rest"]):
        named += "; the others are pale"
    drawn = [_overlay(ranked, "step", "iteration", 1.0), _over_time(ranked)]
    shown = [one for one in drawn if one is not None]
    if not shown:
        return None
    return Section(
        "curves", "PSNR on the way", [note(named + "."), element("div", shown, class_="charts")], menu="Curves"
    )


def _over_time(ranked: Ranked) -> Optional[Html]:
    longest = max((record.table.last("seconds") or 0.0 for record, _ in ranked), default=0.0)
    if longest > 2 * _SPLIT_AT:
        return _overlay(ranked, "seconds", "minutes", 60.0)
    return _overlay(ranked, "seconds", "seconds", 1.0)


def _overlay(ranked: Ranked, column: str, x_title: str, divisor: float) -> Optional[Html]:
    lines = []
    for record, kind in reversed(ranked):  # the best on top
        points = [(a / divisor, b) for a, b in record.table.points("psnr", column) if math.isfinite(b)]
        if points:
            lines.append(Line(record.name, points, "line-" + kind))
    best = ", ".join(record.name for record, _ in ranked[:3])
    description = "PSNR of %d runs over %s; best in the end: %s" % (len(lines), x_title, best)
    drawn = chart(description, lines, Axes(x_title, "PSNR, dB", "dB"))
    title = [
        element("b", "PSNR"),
        " ",
        element("span", "over " + ("iterations" if column == "step" else "working time")),
    ]
    return figure(drawn, title, "chart-figure") if drawn else None

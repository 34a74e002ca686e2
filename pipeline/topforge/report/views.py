"""Held-out views: strips of the best, the median and the worst, and how all of them did."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from topforge.report import pictures
from topforge.report.charts import Axes, Line, chart
from topforge.report.document import Section, figure, note
from topforge.report.markup import Content, Html, element
from topforge.report.pictures import VIEW_PIXELS, Source
from topforge.report.record import Record, View
from topforge.report.wording import reference

KINDS: Tuple[Tuple[str, str], ...] = (
    ("ref", "Photograph"),
    ("opt", "Result"),
    ("", "Difference \u00d7 4"),
    ("kd", "Base colour"),
    ("ks", "Occlusion, roughness, metalness"),
    ("normal", "Normal"),
)
"""End of a picture's file name and its title; the difference is made here."""
_WORST = 3
"""Views that are named as the worst."""


def section(record: Record, links_from: Path) -> Optional[Section]:
    """Strips and chart; None when no view was measured."""
    if not record.views:
        return None
    ordered = sorted(record.views, key=lambda view: view.values["psnr"])
    strips = [_strip(record, view, word, links_from) for word, view in _chosen(ordered)]
    return Section("views", "Held-out views", [_introduction(ordered), *strips, _overview(ordered)])


def _chosen(ordered: Sequence[View]) -> List[Tuple[str, View]]:
    """The views to show, each once: best, median, worst, second worst."""
    wanted = [("Best", -1), ("Median", len(ordered) // 2), ("Worst", 0), ("Second worst", 1)]
    chosen: Dict[str, Tuple[str, View]] = {}
    for word, index in wanted:
        view = ordered[index % len(ordered)]
        chosen.setdefault(view.files + view.name, (word, view))
    return list(chosen.values())


def _introduction(ordered: Sequence[View]) -> Html:
    worst = ", ".join("%s (%.2f dB)" % (view.name, view.values["psnr"]) for view in ordered[:_WORST])
    count = "1 photograph was" if len(ordered) == 1 else "%d photographs were" % len(ordered)
    sentence = "%s kept from the trainer and are what the result is measured on. " % count
    return note(sentence, "Worst: ", element("b", worst), "." if len(ordered) > 1 else None)


def _strip(record: Record, view: View, word: str, links_from: Path) -> Html:
    numbers = "%.2f dB" % view.values["psnr"]
    numbers += ", SSIM %.3f" % view.values["ssim"] if "ssim" in view.values else ""
    title = element("h3", word, " ", element("span", "%s \u00b7 %s" % (view.name, numbers)))
    shown = [_picture(record, view, kind, name, links_from) for kind, name in KINDS]
    return element("div", title, element("div", shown, class_="strip"), class_="view")


def _picture(record: Record, view: View, kind: str, name: str, links_from: Path) -> Optional[Html]:
    if not kind:
        pair = [record.file("%s_%s.png" % (view.files, side)) for side in ("opt", "ref")]
        source = pictures.difference(pair[0], pair[1], VIEW_PIXELS)
        return _framed(source, "%s of %s: white where equal" % (name, view.name), name, None)
    path = record.file("%s_%s.png" % (view.files, kind))
    target = reference(path, links_from) if path else None
    return _framed(pictures.embed(path, VIEW_PIXELS), "%s of %s" % (name, view.name), name, target)


def _framed(source: Optional[Source], alternative: str, name: str, target: Optional[str]) -> Optional[Html]:
    if source is None:
        return None
    image = source.image(alternative)
    return figure(element("a", image, href=target) if target else image, name)


def _overview(ordered: Sequence[View]) -> Optional[Html]:
    """PSNR of every view, from worst to best."""
    if len(ordered) < 3:
        return None
    points = [(float(rank), view.values["psnr"]) for rank, view in enumerate(ordered, start=1)]
    description = "PSNR of all %d held-out views from worst to best" % len(ordered)
    axes = Axes("view, from worst to best", "PSNR, dB", "dB", [view.name for view in ordered])
    lines = [Line("PSNR", points[:_WORST], "line-2", joined=False), Line("PSNR", points[_WORST:], joined=False)]
    drawn = chart(description, lines, axes, wide=True)
    caption: Content = [element("b", "Every view"), " from worst to best"]
    return figure(drawn, caption, "chart-figure wide") if drawn else None

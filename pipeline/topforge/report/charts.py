"""Line charts as inline SVG: no script, tooltips by `<title>`, colours from the page's style sheet."""

from __future__ import annotations

import dataclasses
import math
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from topforge.report import series
from topforge.report.markup import Html, element
from topforge.report.scales import Scale, fitted, wants_logarithm
from topforge.report.series import Point
from topforge.report.wording import number

WIDTH, WIDE, HEIGHT = 520.0, 1080.0, 250.0
"""Of a chart, and of one that takes the page's whole width; units are CSS pixels on a laptop."""
LEFT, RIGHT, TOP, BOTTOM = 64.0, 12.0, 14.0, 40.0
"""Margins around the plot."""
_MOST_TOOLTIPS = 60
_MOST_DOTS = 25
_MOST_NAMES = 16


@dataclasses.dataclass(frozen=True)
class Line:
    """One curve."""

    label: str
    """Begins its tooltips."""
    points: Sequence[Point]
    """In order of x; a y that is not finite is a gap, and marked at the bottom."""
    kind: str = "line-1"
    """CSS class that gives the colour."""
    faint: bool = False
    """In the background, without tooltips."""
    silent_gaps: bool = False
    """Gaps are not marked: another line does."""
    joined: bool = True
    """False draws dots only: neighbours have nothing to do with each other."""


@dataclasses.dataclass(frozen=True)
class Axes:
    """What the axes say."""

    x_title: str
    y_title: str
    unit: str = ""
    """Of y, in tooltips."""
    names: Sequence[str] = ()
    """Of the places 1, 2, ... along x, instead of numbers."""


def chart(
    description: str, lines: Sequence[Line], axes: Axes, marks: Iterable[Tuple[float, str]] = (), wide: bool = False
) -> Optional[Html]:
    """A chart, or None when there is not one finite value to draw.

    Args:
        description: In words, for those who do not see it.
        lines: Drawn in this order.
        axes: Titles and unit.
        marks: Places along x that get an upright line and a word.
        wide: Across the whole page.
    """
    values = [b for line in lines for _, b in line.points if math.isfinite(b)]
    if not values:
        return None
    width = WIDE if wide else WIDTH
    x = fitted([a for line in lines for a, _ in line.points], LEFT, width - RIGHT, margin=0.02 if axes.names else 0.0)
    y = fitted(values, HEIGHT - BOTTOM, TOP, wants_logarithm(values))
    shapes: List[Html] = [*_grid(x, y), *_along(x, axes), _upright(axes), *(_mark(x, *mark) for mark in marks)]
    for line in lines:
        shapes += _curve(line, x, y)
    for line in lines:
        shapes += _missing(line, x) if not line.silent_gaps else []
        shapes += [] if line.faint else _tooltips(line, x, y, axes)
    box = "0 0 %d %d" % (width, HEIGHT)
    return element(
        "svg", shapes, viewBox=box, role="img", aria_label=description, class_="chart wide" if wide else "chart"
    )


def _grid(x: Scale, y: Scale) -> Iterable[Html]:
    for value in y.ticks(5):
        at = y.place(value)
        yield element("line", x1=x.start, x2=x.end, y1=at, y2=at, class_="grid")
        yield element("text", number(value), x=x.start - 8, y=at + 3.5, text_anchor="end")


def _along(x: Scale, axes: Axes) -> Iterable[Html]:
    yield element("line", x1=x.start, x2=x.end, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM, class_="axis")
    yield element("text", axes.x_title, x=(x.start + x.end) / 2, y=HEIGHT - 6, text_anchor="middle")
    for value in x.ticks(6 if not axes.names else len(axes.names)):
        label = number(value, 6)
        if axes.names:
            if len(axes.names) > _MOST_NAMES or value != int(value) or not 1 <= value <= len(axes.names):
                continue
            label = axes.names[int(value) - 1]
        at = x.place(value)
        yield element("line", x1=at, x2=at, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM + 4, class_="axis")
        yield element("text", label, x=at, y=HEIGHT - BOTTOM + 16, text_anchor="middle")


def _upright(axes: Axes) -> Html:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turn = "rotate(-90 10 %g)" % middle
    return element("text", axes.y_title, x=10, y=middle, text_anchor="middle", transform=turn)


def _mark(x: Scale, value: float, word: str) -> Html:
    at = x.place(value)
    line = element("line", x1=at, x2=at, y1=TOP, y2=HEIGHT - BOTTOM, class_="mark")
    return element("g", line, element("text", word, x=at + 5, y=TOP + 9, class_="mark-word"))


def _curve(line: Line, x: Scale, y: Scale) -> List[Html]:
    shapes, class_ = [], "%s %s" % (line.kind, "faint" if line.faint else "curve")
    for piece in series.gaps(line.points):
        places = [("%.1f" % x.place(a), "%.1f" % y.place(b)) for a, b in series.thinned(piece)]
        if len(places) > 1 and line.joined:
            shapes.append(element("polyline", points=" ".join(map(",".join, places)), class_=class_))
        if len(places) == 1 or not line.joined or (len(line.points) <= _MOST_DOTS and not line.faint):
            radius = 2.5 if line.joined else 4
            shapes += [element("circle", cx=cx, cy=cy, r=radius, class_=line.kind + " dot") for cx, cy in places]
    return shapes


def _missing(line: Line, x: Scale) -> List[Html]:
    """A small red mark on the axis for each value that is not finite, as far as they can be told apart."""
    bottom = HEIGHT - BOTTOM
    shapes: Dict[int, Html] = {}
    for position, value in line.points:
        if not math.isfinite(value):
            at = round(x.place(position))
            title = element("title", "%s: %g at %s" % (line.label, value, number(position, 9)))
            path = "M%d %g l4 7 h-8 z" % (at, bottom - 7)
            shapes.setdefault(at // 8, element("path", title, d=path, class_="missing"))
    return list(shapes.values())


def _tooltips(line: Line, x: Scale, y: Scale, axes: Axes) -> List[Html]:
    points = [point for point in line.points if math.isfinite(point[1])]
    step = max(1, -(-len(points) // _MOST_TOOLTIPS))
    unit = " " + axes.unit if axes.unit else ""
    shapes = []
    for a, b in dict.fromkeys([*points[::step], *points[-1:]]):
        place = axes.names[int(a) - 1] if axes.names else "%s %s" % (axes.x_title, number(a, 9))
        title = element("title", "%s: %s%s, %s" % (line.label, number(b), unit, place))
        shapes.append(element("circle", title, cx=x.place(a), cy=y.place(b), r=7, class_="touch"))
    return shapes

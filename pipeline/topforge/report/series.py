"""metrics.csv as columns of numbers, thinned to what a chart can show."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

Point = Tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of metrics.csv."""

    columns: Mapping[str, Sequence[Optional[float]]]
    """Numbers by column, None for an empty cell, NaN and infinities as they are; all of one length."""
    stages: Sequence[str]

    def points(self, name: str, x: str = "step") -> List[Point]:
        """The rows in which a column has a value, as (x, value); a later attempt replaces what it did again."""
        by_x: Dict[float, float] = {}
        previous = -math.inf
        for position, value in zip(self.columns.get(x, ()), self.columns.get(name, ())):
            if position is None or value is None or not math.isfinite(position):
                continue
            if position < previous:  # resumed from a checkpoint
                by_x = {known: kept for known, kept in by_x.items() if known < position}
            by_x[position] = value
            previous = position
        return sorted(by_x.items())

    def last(self, name: str) -> Optional[float]:
        """The last finite value of a column."""
        values = (value for value in reversed(self.columns.get(name, ())) if value is not None and math.isfinite(value))
        return next(values, None)


def read_table(path: Path, problems: List[str]) -> Table:
    """The table at `path`; empty without a file. Rows that are torn are left out."""
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Table({}, ())
    except OSError as error:
        problems.append("%s could not be read: %s." % (path.name, error))
        return Table({}, ())
    rows = csv.reader(io.StringIO(content.replace("\0", "")))
    names = next(rows, [])
    whole = [row for row in rows if len(row) == len(names)]
    stages = [row[names.index("stage")] for row in whole] if "stage" in names else []
    numbers = [name for name in names if name != "stage"]
    return Table({name: [_number(row[names.index(name)]) for row in whole] for name in numbers}, stages)


def _number(cell: str) -> Optional[float]:
    try:
        return float(cell) if cell else None
    except ValueError:
        return None


def gaps(points: Sequence[Point]) -> Iterator[List[Point]]:
    """The unbroken pieces of a series: it breaks where a value is not finite."""
    piece: List[Point] = []
    for point in points:
        if math.isfinite(point[1]):
            piece.append(point)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def thinned(points: Sequence[Point], most: int = 600) -> List[Point]:
    """At most about `most` points that keep every visible peak: least and greatest of each of equal runs.

    The first and last point stay. Values must be finite.
    """
    if len(points) <= most:
        return list(points)
    size = -(-2 * len(points) // most)
    kept = {points[0], points[-1]}
    for start in range(0, len(points), size):
        run = points[start : start + size]
        kept.update((min(run, key=lambda point: point[1]), max(run, key=lambda point: point[1])))
    return sorted(kept)

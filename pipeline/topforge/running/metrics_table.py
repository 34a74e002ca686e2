"""metrics.csv: one row for each step a trainer reports, readable while it grows.

Columns: `step,total,stage`, one for each metric in the order of first appearance, `attempt,seconds`. The header grows
when a new metric appears: the file is rewritten under a temporary name, so that a reader sees the old or the new.
`seconds` counts working time over all attempts. A value that is not finite is written as `nan` or `inf`.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Dict, List, Optional

from topforge import atomic
from topforge.trainers.base import Report

_FIRST = ("step", "total", "stage")
_LAST = ("attempt", "seconds")


class MetricsTable:
    """Collects rows in memory; `flush` appends them to the file."""

    def __init__(self, path: Path, attempt: int) -> None:
        """Continues the file at `path` if there is one; a row that a killed runner left half written is removed.

        Args:
            path: metrics.csv.
            attempt: Number that goes into this attempt's rows.
        """
        self._path, self._attempt = path, attempt
        self._columns: Optional[List[str]] = None
        self._rows: List[Dict[str, str]] = []
        self._offset = 0.0
        if path.exists():
            self._continue()

    def _continue(self) -> None:
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(str(self._path), len(whole))
        reader = csv.DictReader(io.StringIO(whole.decode("utf-8")))
        rows = list(reader)
        self._columns = list(reader.fieldnames) if reader.fieldnames else None
        self._offset = float(rows[-1]["seconds"]) if rows else 0.0

    def add(self, report: Report, stage: str, seconds: float) -> None:
        """Notes one report, if it tells of a step or a metric; `seconds` counts from the start of this attempt."""
        if report.step is None and not report.metrics:
            return
        row = {name: repr(float(value)) for name, value in (report.metrics or {}).items()}
        row.update(step=_text(report.step), total=_text(report.total), stage=stage)
        row.update(attempt=str(self._attempt), seconds="%.3f" % (self._offset + seconds))
        self._rows.append(row)

    def flush(self) -> None:
        """Writes what was noted since the last time.

        Raises:
            OSError: Disk full and the like; the rows are kept for the next try.
        """
        if not self._rows:
            return
        metrics = [name for row in self._rows for name in row if name not in _FIRST + _LAST]
        known = self._columns or [*_FIRST, *_LAST]
        new = [name for name in dict.fromkeys(metrics) if name not in known]
        if self._columns is None or new:
            self._grow([*known[: -len(_LAST)], *new, *_LAST])
        text = self._csv(self._rows, header=False)
        with self._path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(text)
        self._rows = []

    def _grow(self, columns: List[str]) -> None:
        before: List[Dict[str, str]] = []
        if self._path.exists():
            before = list(csv.DictReader(io.StringIO(self._path.read_text(encoding="utf-8"))))
        self._columns = columns
        atomic.write_text(self._path, self._csv(before, header=True), durable=False)

    def _csv(self, rows: List[Dict[str, str]], header: bool) -> str:
        assert self._columns is not None
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, self._columns, restval="", lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue()


def _text(number: Optional[int]) -> str:
    return "" if number is None else str(number)

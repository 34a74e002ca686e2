"""The page about one run."""

from __future__ import annotations

from pathlib import Path

from topforge.report.markup import Html, element
from topforge.report.record import Record


def render(record: Record, links_from: Path) -> Html:
    """The whole page."""
    rows = [element("tr", element("th", key), element("td", "%g" % value)) for key, value in sorted(_metrics(record))]
    body = [element("h1", record.name), element("table", rows)]
    head = element("head", element("meta", charset="utf-8"), element("title", record.name))
    return Html("<!DOCTYPE html>\n" + element("html", head, element("body", body), lang="en"))


def _metrics(record: Record):  # type: ignore[no-untyped-def]
    return (record.result.metrics if record.result else {}).items()

"""The page that compares runs."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from topforge.report.markup import Html, element
from topforge.report.record import Record


def render(records: Sequence[Record], links_from: Path, title: str) -> Html:
    """The whole page."""
    rows = [
        element("tr", element("th", record.name), element("td", "%s" % record.metric("psnr"))) for record in records
    ]
    head = element("head", element("meta", charset="utf-8"), element("title", title or "Comparison"))
    body = element("body", element("h1", title or "Comparison"), element("table", rows))
    return Html("<!DOCTYPE html>\n" + element("html", head, body, lang="en"))

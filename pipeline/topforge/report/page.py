"""The page about one run."""

from __future__ import annotations

from pathlib import Path

from topforge.report import curves, document, findings, gallery, logs, maps, ran, settings, summary, tables, views
from topforge.report.markup import Html
from topforge.report.record import Record


def render(record: Record, links_from: Path, title: str = "") -> Html:
    """The whole page.

    Args:
        record: The run.
        links_from: Folder the page will be opened from.
        title: What the run is part of.
    """
    attempts = logs.read(record.paths)
    sections = (
        findings.section(record),
        findings.pictures_section(record),
        ran.log_section(record, attempts),
        views.section(record, links_from),
        gallery.section(record, links_from),
        curves.section(record),
        maps.section(record, links_from),
        settings.section(record),
        ran.section(record, attempts, links_from),
        tables.metrics(record),
        tables.files(record, links_from),
        tables.provenance(record),
        tables.licences(record),
    )
    name = "%s \u00b7 TopForge report" % record.name
    return document.page(name, summary.header(record, title), sections)

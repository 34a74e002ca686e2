"""What a check found in a capture, and the pictures it drew."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable, List, Mapping, Optional, Tuple

from topforge.report import pictures
from topforge.report.document import Section, figure, note
from topforge.report.markup import Content, Html, element
from topforge.report.record import Record

_WORDS = {
    "error": ("Error", "bad"),
    "warning": ("Warning", "open"),
    "info": ("Note", "plain"),
    "fine": ("Fine", "good"),
}
_MOST_FILES = 12
_PICTURES = (("cameras.png", "Cameras around the object's hull"), ("contact_sheet.png", "The photographs"))
_PICTURE_PIXELS = 1600


def section(record: Record) -> Optional[Section]:
    """The findings, gravest first; None when this is no check or it left none."""
    found = list(_findings(record.findings or {}))
    if not found:
        return None
    order = list(_WORDS)
    found.sort(key=lambda pair: order.index(pair[1]["severity"]) if pair[1].get("severity") in order else 0)
    return Section("findings", "Findings", element("ul", [_finding(*pair) for pair in found], class_="findings"))


def _findings(report: Mapping[str, Any]) -> Iterable[Tuple[str, Mapping[str, Any]]]:
    """Title of the check and the finding."""
    for check in report.get("checks") or ():
        if isinstance(check, dict):
            for finding in check.get("findings") or ():
                if isinstance(finding, dict):
                    yield str(check.get("title", "")), finding


def _finding(title: str, finding: Mapping[str, Any]) -> Html:
    word, kind = _WORDS.get(str(finding.get("severity")), ("Finding", "open"))
    head = [element("span", word, class_="pill " + kind), " ", element("b", title)]
    files = [str(name) for name in finding.get("files") or ()]
    names = ", ".join(files[:_MOST_FILES]) + (
        " and %d more" % (len(files) - _MOST_FILES) if len(files) > _MOST_FILES else ""
    )
    parts: List[Content] = [element("p", head), element("p", str(finding.get("sentence", "")))]
    if finding.get("fix"):
        parts.append(element("p", element("b", "What to do: "), str(finding["fix"])))
    if names:
        parts.append(note(names))
    return element("li", *parts)


def pictures_section(record: Record) -> Optional[Section]:
    """The check's pictures: published ones, or those of a check that failed, which lie among the previews."""
    if record.adapter != "check":
        return None
    shown = []
    for name, title in _PICTURES:
        source = pictures.embed(_first_file(record, name), _PICTURE_PIXELS)
        if source is not None:
            shown.append(figure(source.image(title), title, "map wide"))
    return Section("pictures", "Capture", shown) if shown else None


def _first_file(record: Record, name: str) -> Optional[Path]:
    places = (record.paths.result / name, record.paths.previews / name)
    return next((path for path in places if path.is_file()), None)

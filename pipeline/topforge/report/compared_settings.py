"""Settings that differ between runs."""

from __future__ import annotations

from typing import List, Optional, Sequence

from topforge.report import settings
from topforge.report.document import Section, code, note, table
from topforge.report.markup import Content, element
from topforge.report.record import Record
from topforge.report.wording import value

_MOST_COLUMNS = 4
_MOST_NAMES = 8
_ABSENT = object()


def differing(records: Sequence[Record]) -> List[str]:
    """Names of the settings that are not the same in all runs, in the order in which they are defined."""
    names = dict.fromkeys(name for record in records for name in record.config)
    return [name for name in names if len({_shown(record, name) for record in records}) > 1]


def columns(records: Sequence[Record]) -> List[str]:
    """Settings that get a column of the ranking: the wedged ones, else a few that differ."""
    wedged = list(dict.fromkeys(key for record in records for key, _ in record.labels))
    if wedged:
        return wedged
    found = differing(records)
    return found if len(found) <= _MOST_COLUMNS else []


def shown(record: Record, name: str) -> str:
    """A run's value of a setting; for a wedged one as the job wrote it."""
    return dict(record.labels).get(name) or _shown(record, name)


def _shown(record: Record, name: str) -> str:
    found = record.config.get(name, _ABSENT)
    return "\u2013" if found is _ABSENT else value(found)


def section(records: Sequence[Record]) -> Optional[Section]:
    """A row for each differing setting: its values, whose they are, and what it means."""
    names = differing(records)
    title = "Settings that differ between the runs"
    if len(records) < 2:
        return None
    if not names:
        return Section("settings", title, note("None."), menu="Settings")
    meanings = {}
    for adapter in dict.fromkeys(record.adapter for record in records):
        meanings.update(settings.described(adapter))
    rows = [(code(name), _values(records, name), settings.explanation(meanings.get(name))) for name in names]
    return Section("settings", title, table(("Setting", "Values", "Meaning"), rows, "compared"), menu="Settings")


def _values(records: Sequence[Record], name: str) -> Content:
    """Each value with the runs that have it."""
    lines: List[Content] = []
    for one in dict.fromkeys(_shown(record, name) for record in records):
        owners = [record.name for record in records if _shown(record, name) == one]
        names = ", ".join(owners[:_MOST_NAMES])
        if len(owners) > _MOST_NAMES:
            names += " and %d more" % (len(owners) - _MOST_NAMES)
        lines.append(element("div", code(one), " ", element("span", names, class_="remark")))
    return lines

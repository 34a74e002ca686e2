"""Settings: those that differ from the defaults with what they mean, and all of them."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Mapping, Optional, Sequence

from topforge import schema
from topforge.report import titles
from topforge.report.document import Section, code, more, note, table
from topforge.report.markup import Content, Html, element
from topforge.report.record import Record
from topforge.report.wording import value
from topforge.schema import OptionField

_MISSING = object()


def section(record: Record) -> Optional[Section]:
    """None when there is no configuration."""
    if not record.config:
        return None
    fields, defaults = described(record.adapter), defaults_of(record.adapter)
    changed = [
        name for name in record.config if _differs(record, name, defaults) or asked_for(record, name) is not None
    ]
    rows = [_row(record, name, defaults, fields.get(name)) for name in changed]
    headings = ("Setting", "Value", "Default", "Meaning")
    if rows:
        shown: Html = table(headings, rows, "settings")
    else:
        shown = note("None: every setting has its default.")
    every = [
        (code(name), code(value(setting)), explanation(fields.get(name))) for name, setting in record.config.items()
    ]
    everything = more("All %d settings" % len(every), table(("Setting", "Value", "Meaning"), every, "settings"))
    title = "Settings that differ from the defaults"
    return Section("settings", title, [shown, everything], menu="Settings")


def _row(record: Record, name: str, defaults: Mapping[str, Any], field: Optional[OptionField]) -> Sequence[Content]:
    setting: List[Content] = [code(value(record.config[name]))]
    asked = asked_for(record, name)
    if asked is not None:
        setting.append(element("span", "lowered from ", code(asked), class_="tag"))
    default = code(value(defaults[name])) if name in defaults else "\u2013"
    return code(name), [part for part in setting], default, explanation(field)


def _differs(record: Record, name: str, defaults: Mapping[str, Any]) -> bool:
    return bool(record.config[name] != defaults.get(name, _MISSING))


def asked_for(record: Record, name: str) -> Optional[str]:
    """What a setting was before a retry lowered it; None when it ran as asked for."""
    asked = record.item.get("config")
    if not isinstance(asked, dict) or name not in asked or asked[name] == record.config[name]:
        return None
    return value(asked[name])


def explanation(field: Optional[OptionField]) -> Content:
    """Help and unit of an option, with the allowed range as a tooltip."""
    if field is None:
        return "not an option of this version"
    unit = " (%s)" % field.limits.unit if field.limits.unit else ""
    words = field.help.replace("\n", " ")
    return element("span", words, element("span", unit, class_="unit"), title=field.range or None)


def described(adapter: str) -> Dict[str, OptionField]:
    """The adapter's options by name; without help where its source cannot be read, empty for an unknown one."""
    found = titles.adapter(adapter)
    if found is None or not dataclasses.is_dataclass(found.options):
        return {}
    try:
        return {field.name: field for field in schema.describe(found.options)}
    except OSError:
        return {}


def defaults_of(adapter: str) -> Dict[str, Any]:
    """The adapter's defaults as JSON; empty for an unknown one, or one with required options."""
    found = titles.adapter(adapter)
    if found is None or not dataclasses.is_dataclass(found.options):
        return {}
    try:
        return schema.to_json(found.options())
    except TypeError:
        return {}

"""Command line flags and documentation tables, made from the same fields."""

from __future__ import annotations

import argparse
import dataclasses
import json
import typing
from typing import Any, Dict, List, TypeVar, Union

from topforge.schema.edit import updated
from topforge.schema.fields import OptionField, leaves

T = TypeVar("T")
_DESTINATION = "option:"


def add_to_parser(parser: argparse.ArgumentParser, cls: type) -> None:
    """Adds `--name VALUE` for each option, under its group's heading; `-` may be written for `_`.

    Flags left out leave no trace, so that `from_arguments` can tell them from flags set to the default.
    """
    groups: Dict[str, Any] = {}
    for field in leaves(cls):
        title = field.limits.group or "Options"
        group = groups.get(title) or groups.setdefault(title, parser.add_argument_group(title))
        kind: Dict[str, Any] = {"dest": _DESTINATION + field.name, "default": argparse.SUPPRESS}
        group.add_argument("--" + field.name, metavar=_metavar(field), help=_help(field).replace("%", "%%"), **kind)
        if "_" in field.name:
            group.add_argument("--" + field.name.replace("_", "-"), help=argparse.SUPPRESS, **kind)


def from_arguments(instance: T, arguments: argparse.Namespace, where: str = "command line") -> T:
    """`instance` with what the flags of `add_to_parser` set.

    A value is read as JSON where it is JSON (`--train_res "[256, 256]"`, `--lock_light true`), as a list where a list
    is wanted (`--train_res 256,256`), and as plain text otherwise.

    Raises:
        topforge.schema.ConfigError: As for a file.
    """
    fields = {field.name: field for field in leaves(type(instance))}
    given = {name[len(_DESTINATION) :]: text for name, text in vars(arguments).items() if name.startswith(_DESTINATION)}
    return updated(instance, {name: parse_value(fields[name].hint, text) for name, text in given.items()}, where)


def parse_value(hint: Any, text: str) -> Any:
    """The JSON value a person means by `text` where the type `hint` is wanted; not yet checked."""
    members = typing.get_args(hint) if typing.get_origin(hint) is Union else (hint,)
    if str in members and not (text == "null" and type(None) in members):
        return text
    wants_list = any(typing.get_origin(member) is tuple for member in members)
    candidates: List[str] = [text, "[%s]" % text] if wants_list else [text]
    if wants_list and float not in members and not text.lstrip().startswith("["):
        candidates.reverse()
    for candidate in candidates:
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return [entry.strip() for entry in text.split(",")] if wants_list else text


def markdown_table(cls: type) -> str:
    """The options as a Markdown table, one row each, in order of definition."""
    rows = ["| option | type | default | allowed | what it does |", "|---|---|---|---|---|"]
    for field in leaves(cls):
        cells = ("`%s`" % field.name, field.type, _default(field), _extent(field), " ".join(field.help.split()))
        rows.append("| %s |" % " | ".join(cell.replace("|", "\\|") for cell in cells))
    return "\n".join(rows) + "\n"


def _metavar(field: OptionField) -> str:
    if field.limits.choices and len(field.limits.choices) <= 5:
        return "{%s}" % ",".join(str(choice) for choice in field.limits.choices)
    members = typing.get_args(field.hint) if typing.get_origin(field.hint) is Union else (field.hint,)
    if members[0] is bool:
        return "{true,false}"
    return "NUMBER" if members[0] in (int, float) else "TEXT" if members[0] is str else "JSON"


def _help(field: OptionField) -> str:
    notes = [note for note in (field.range if not field.limits.choices else "", field.limits.unit) if note]
    if not field.required:
        notes.append("default " + _default(field))
    return "%s (%s)" % (" ".join(field.help.split()), "; ".join(notes)) if notes else " ".join(field.help.split())


def _extent(field: OptionField) -> str:
    return " ".join(part for part in (field.range, "(%s)" % field.limits.unit if field.limits.unit else "") if part)


def _default(field: OptionField) -> str:
    if field.required:
        return "required"
    default = dataclasses.asdict(field.default) if dataclasses.is_dataclass(field.default) else field.default  # type: ignore[arg-type]
    return json.dumps(default)

"""From an attribute of a work item to the value of an option: what it means, never more than it says."""

from __future__ import annotations

import typing
from typing import Any

from topforge.schema.faces import parse_value


def option_value(hint: Any, given: Any) -> Any:
    """The JSON value that an attribute means for an option; the option's own check judges it afterwards.

    PDG has no true and false, and its numbers and lists come as people make them in a Wedge. So 0 and 1 may stand for
    false and true, a float without a fraction for a whole number, one value for a list of one, and text for whatever
    JSON it holds. Nothing is rounded or cut.

    Args:
        hint: The option's type.
        given: As `attributes.value` reads it.
    """
    wanted = set(_members(hint))
    if isinstance(given, str):
        return given if str in wanted else parse_value(hint, given)
    if isinstance(given, list):
        return [_number(_entry_types(wanted), entry) for entry in given]
    number = _number(wanted, given)
    lists_only = all(typing.get_origin(member) is tuple for member in wanted - {type(None)})
    return [_number(_entry_types(wanted), given)] if lists_only and not isinstance(given, dict) else number


def _members(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)


def _entry_types(wanted: set[Any]) -> set[Any]:
    """Types of the entries of the lists among `wanted`."""
    lists = (typing.get_args(member) for member in wanted if typing.get_origin(member) is tuple)
    return {kind for entries in lists for entry in entries for kind in _members(entry)}


def _number(wanted: set[Any], given: Any) -> Any:
    """A number as the type among `wanted` that it means without loss; anything else as it is."""
    if type(given) is int and bool in wanted and int not in wanted and given in (0, 1):
        return bool(given)
    if type(given) is float and int in wanted and float not in wanted and given.is_integer():
        return int(given)
    return given

"""How attributes of the items above vary options: an attribute with the name of an option overrides it."""

from __future__ import annotations

import dataclasses
import difflib
import json
from typing import Any

from topforge import schema
from topforge.errors import TopForgeError
from topforge.schema import ConfigError, Problem
from topforge.trainers.base import Adapter
from topforge_houdini import attributes
from topforge_houdini.option_values import option_value

_PATTERN = "*?[^"
"""What makes a word of the parameter Wedge Attributes a pattern."""


class NoSuchAttributeError(TopForgeError):
    """The node names an attribute that an item above does not have."""

    def __init__(self, where: str, item: str, name: str, known: list[str]) -> None:
        super().__init__(
            "%s: work item %s has no attribute %s (it has: %s)." % (where, item, name, ", ".join(known) or "none"),
            "Create the attribute above, or correct the name on this node.",
        )


class NotAnOptionError(TopForgeError):
    """An attribute that the node names varies no option."""

    def __init__(self, where: str, name: str, near: str) -> None:
        super().__init__(
            "%s: Wedge Attributes names %s, which is no option of this trainer." % (where, name),
            'Did you mean "%s"?' % near if near else "Correct the name; docs/options.md lists the options.",
        )


@dataclasses.dataclass(frozen=True)
class Overrides:
    """What one item above overrides."""

    values: dict[str, Any]
    """JSON values by dotted option name."""
    labels: tuple[tuple[str, str], ...]
    """The same as text, for names, tables and reports."""


NONE = Overrides({}, ())


def of_item(where: str, adapter: Adapter, config: Any, item: Any, pattern: str) -> Overrides:
    """The options that the attributes of an item override.

    Args:
        where: The node's path, for messages.
        adapter: Whose options.
        config: Instance of them, before.
        item: The `pdg.WorkItem` above.
        pattern: Names and patterns of attributes, as in the parameter Wedge Attributes.

    Raises:
        TopForgeError: An attribute that is named is missing or no option, or one has a type that no option has.
    """
    for word in pattern.split():
        if not set(word) & set(_PATTERN):
            _require(where, adapter, config, item, word)
    values: dict[str, Any] = {}
    labels = []
    for name in _matching(item, pattern):
        option = adapter.option_for_attribute(name, config)
        if option is not None:
            given = attributes.value(item, name)
            values[option] = option_value(schema.hint_of(adapter.options, option, where), given)
            labels.append((option, label(given)))
    return Overrides(values, tuple(labels))


def apply(where: str, config: Any, item: Any, overrides: Overrides) -> Any:
    """A copy of the config with the overrides.

    Raises:
        ConfigError: Every value that is not allowed, with the item and the attribute that gives it.
    """
    try:
        return schema.updated(config, overrides.values, where)
    except ConfigError as error:
        source = "(attribute of work item %s)" % item.name
        problems = (Problem("%s %s" % (problem.key, source), problem.text) for problem in error.problems)
        raise ConfigError(where, problems) from error


def label(given: Any) -> str:
    """An attribute's value as people write it; floats without the noise of a wedge's arithmetic."""
    if isinstance(given, float):
        return "%.9g" % given
    if isinstance(given, list):
        return "[%s]" % ", ".join(map(label, given))
    return given if isinstance(given, str) else json.dumps(given)


def near_misses(adapter: Adapter, config: Any, item: Any) -> list[str]:
    """What may have been meant: "dmtet_gird (did you mean dmtet_grid?)" for each attribute that is nearly an option."""
    found = []
    for name in item.attribNames():
        if name not in attributes.OURS and adapter.option_for_attribute(name, config) is None:
            near = _nearest(adapter, name)
            found += ["%s (did you mean %s?)" % (name, near)] if near else []
    return found


def _matching(item: Any, pattern: str) -> list[str]:
    return sorted(name for name in item.attribMatch(pattern) if name not in attributes.OURS) if pattern else []


def _require(where: str, adapter: Adapter, config: Any, item: Any, name: str) -> None:
    if item.attrib(name) is None:
        raise NoSuchAttributeError(where, item.name, name, sorted(item.attribNames()))
    if name in attributes.OURS or adapter.option_for_attribute(name, config) is None:
        raise NotAnOptionError(where, name, _nearest(adapter, name))


def _nearest(adapter: Adapter, name: str) -> str:
    known = [field.name for field in schema.leaves(adapter.options)]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.75)), "")

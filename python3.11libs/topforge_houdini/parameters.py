"""The options of a trainer as parameters of a node, and a node's values as a configuration.

Everything is made from the adapter's dataclass: folders by group, rare options in a folder Advanced, labels, units,
limits and help. The way back reads values only; whether they are allowed is the dataclass's own check.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from topforge import schema
from topforge.errors import TopForgeError
from topforge.planning import presets
from topforge.schema import ConfigError, OptionField, Problem
from topforge.strict_json import JsonError
from topforge.trainers.base import Adapter
from topforge_houdini.option_kinds import Evaluate, JsonKind, OptionalPathKind, Settings, kind_of
from topforge_scene.dialog_script import Entry, Folder, Parameter

_FIRST = "Upstream"
_TITLES = {"Monitor": "Progress"}
"""Groups that a node calls otherwise: train has a tab Monitor of its own."""


class ParameterTextError(TopForgeError):
    """A parameter whose text cannot be read as its option's value."""

    def __init__(self, where: str, label: str, name: str, error: TopForgeError) -> None:
        super().__init__("%s: %s (%s): %s" % (where, label, name, error.reason), error.fix)


def options(adapter: Adapter) -> Iterator[OptionField]:
    """The options that nodes show: all but the ignored ones."""
    return (field for field in schema.leaves(adapter.options) if not field.limits.ignored)


def parameter_name(adapter: Adapter, option: str, prefix: str | None = None) -> str:
    """What the parameter of an option is called on a node.

    Args:
        adapter: Whose option.
        option: Its dotted name.
        prefix: In front of it; None = the adapter's name, as on nodes that show options of several.
    """
    start = adapter.name + "_" if prefix is None else prefix
    return (start + option).replace(".", "_").replace("-", "_")


def label(field: OptionField) -> str:
    """What people read beside the parameter, with the unit unless the words say it already."""
    unit, text = field.limits.unit, _within(field).label
    return text if not unit or unit.lower() in text.lower() else "%s (%s)" % (text, unit)


def _within(field: OptionField) -> OptionField:
    """An option of a nested dataclass as it is called there: it stands in a folder that says the rest."""
    return dataclasses.replace(field, name=field.name.rpartition(".")[2])


def help_text(field: OptionField) -> str:
    """The option's help, what is allowed, and its key in config files."""
    unit = " " + field.limits.unit if field.limits.unit else ""
    allowed = "Allowed: %s%s. " % (field.range, unit) if field.range else ""
    form = "JSON: %s. " % field.type if typeless(field) else ""
    form = "Empty is null. " if isinstance(kind_of(field), OptionalPathKind) else form
    return "%s %s%sConfig key: %s." % (" ".join(field.help.split()), allowed, form, field.name)


def typeless(field: OptionField) -> bool:
    """Whether the option stands on the node as JSON text."""
    return isinstance(kind_of(field), JsonKind)


def entries(adapter: Adapter, field: OptionField, prefix: str | None = None) -> tuple[Entry, ...]:
    """The parameter or parameters of one option."""
    name, hidden = parameter_name(adapter, field.name, prefix), ""
    if field.limits.when:
        deciding, value = field.limits.when
        token = str(int(value)) if isinstance(value, bool) else str(value)
        sibling = field.name.rpartition(".")[0] + "." + deciding if "." in field.name else deciding
        hidden = "{ %s != %s }" % (parameter_name(adapter, sibling, prefix), token)
    return kind_of(field).entries(Parameter(name, label(field), "string", help=help_text(field), hide_when=hidden))


def folders(adapter: Adapter) -> tuple[Folder, ...]:
    """The options in one tab for each group, the rare ones in a folder of their own below the others.

    What has to be set before anything works comes first: where the trainer lies.
    """
    fields = list(options(adapter))
    groups: dict[str, list[OptionField]] = {_FIRST: []} if any(f.limits.group == _FIRST for f in fields) else {}
    for field in fields:
        groups.setdefault(field.limits.group or "Options", []).append(field)
    return tuple(_group(adapter, title, fields) for title, fields in groups.items())


def _group(adapter: Adapter, title: str, fields: list[OptionField]) -> Folder:
    name = parameter_name(adapter, title.lower().replace(" ", "_") + "_group")
    shown, rare = (
        tuple(entry for field in fields if field.limits.advanced is advanced for entry in entries(adapter, field))
        for advanced in (False, True)
    )
    if shown and rare:
        rare = (Folder(name + "_advanced", "Advanced", rare, kind="groupcollapsible"),)
    return Folder(name, _TITLES.get(title, title), shown + rare)


def config_values(
    adapter: Adapter,
    evaluate: Evaluate,
    count: Callable[[str], int] | None = None,
    *,
    prefix: str | None = None,
    where: str = "the node",
) -> dict[str, Any]:
    """The options of an adapter that differ from their defaults on a node, as JSON values by dotted name.

    Args:
        adapter: Whose options.
        evaluate: All components of a parameter, `node.evalParmTuple`.
        count: Length of a list parameter; None = `evaluate` gives that as well, as it does in Houdini.
        prefix: See `parameter_name`.
        where: The node's path, for messages.

    Raises:
        ParameterTextError: A text that should be JSON is not; names node, label and parameter.
    """

    def read(name: str) -> Any:
        return (count(name),) if count is not None and name in lists else evaluate(name)

    lists = _list_names(adapter, prefix)
    values: dict[str, Any] = {}
    for field in options(adapter):
        name = parameter_name(adapter, field.name, prefix)
        try:
            value = kind_of(field).read(name, read)
        except JsonError as error:
            raise ParameterTextError(where, label(field), name, error) from error
        if not _same(value, field.default):
            values[field.name] = value
    return values


def _list_names(adapter: Adapter, prefix: str | None) -> set[str]:
    found = (entry for field in options(adapter) for entry in entries(adapter, field, prefix))
    return {entry.name for entry in found if not isinstance(entry, (Parameter, Folder))}


def _same(value: Any, default: Any) -> bool:
    """Whether a JSON value is the default. True and 1 are not the same."""
    if isinstance(default, tuple):
        return isinstance(value, list) and len(value) == len(default) and all(map(_same, value, default))
    return type(value) is type(default) and bool(value == default)


def config(
    adapter: Adapter,
    evaluate: Evaluate,
    where: str,
    changes: Mapping[str, Any] | None = None,
    prefix: str | None = None,
) -> Any:
    """The adapter's options as a node has them.

    Args:
        adapter: Whose options.
        evaluate: `node.evalParmTuple`.
        where: The node's path, for messages.
        changes: JSON values by dotted name that win over the node's: a wedge's.
        prefix: See `parameter_name`.

    Raises:
        TopForgeError: Whatever is not allowed, all of it, by the labels and names of the node's parameters.
    """
    values = nested(config_values(adapter, evaluate, prefix=prefix, where=where))
    try:
        instance: Any = schema.from_json(adapter.options, values, where)
    except ConfigError as error:
        raise in_words_of_the_node(adapter, error, where, prefix) from error
    return schema.updated(instance, changes or {}, where)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name as the JSON object of a config file."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        *folders_of_name, last = name.split(".")
        place = result
        for part in folders_of_name:
            place = place.setdefault(part, {})
        place[last] = value
    return result


def in_words_of_the_node(adapter: Adapter, error: ConfigError, where: str, prefix: str | None = None) -> ConfigError:
    """The same complaint, naming for each option the label and the name of its parameter."""
    fields = {field.name: field for field in options(adapter)}

    def renamed(problem: Problem) -> Problem:
        field = fields.get(problem.key.split("[")[0])
        if field is None:
            return problem
        return dataclasses.replace(problem, key="%s (%s)" % (label(field), parameter_name(adapter, field.name, prefix)))

    return ConfigError(where, map(renamed, error.problems))


def settings(adapter: Adapter, values: Mapping[str, Any], prefix: str | None = None) -> Settings:
    """What to set on a node so that `config_values` gives these JSON values by dotted name, in order."""
    result: Settings = {}
    for field in options(adapter):
        if field.name in values:
            name = parameter_name(adapter, field.name, prefix)
            result.update(kind_of(field).settings(name, values[field.name]))
    return result


def preset_settings(adapter: Adapter, preset: str) -> Settings:
    """What to set on a node for a preset: its own values, and the defaults of what only other presets set.

    What no preset names (the training box, say, which depends on the capture) is left alone.

    Raises:
        UnknownPresetError: There is none of that name.
    """
    chosen = presets.values(adapter, preset)
    named = {option for values in adapter.presets.values() for option in values}
    defaults = {field.name: field.default for field in options(adapter) if field.name in named}
    return settings(adapter, {**defaults, **chosen})

"""Instances of option dataclasses back to JSON, and copies of them with some options changed."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple, TypeVar

from topforge.paths import absolute
from topforge.schema.convert import ConfigError, Problem, convert, unknown_option
from topforge.schema.fields import shape

T = TypeVar("T")


def to_json(instance: Any) -> Dict[str, Any]:
    """The JSON object that `from_json` turns into an equal instance: all fields, tuples as lists."""
    return {name: _plain(getattr(instance, name)) for name in shape(type(instance))}


def updated(instance: T, changes: Mapping[str, Any], where: str) -> T:
    """A copy with some options set, checked like a file.

    Args:
        instance: What to start from.
        changes: JSON values by dotted option name.
        where: As for `from_json`.

    Raises:
        ConfigError: As for `from_json`.
    """
    problems: List[Problem] = []
    result = _replace(instance, changes, "", problems)
    if problems:
        raise ConfigError(where, problems)
    return typing.cast(T, result)


def hint_of(cls: type, name: str, where: str) -> Any:
    """The type of the option with the dotted name `name`.

    Raises:
        ConfigError: There is no such option.
    """
    hint: Any = cls
    for part in name.split("."):
        if _is_dict(hint):
            return Any
        hint = shape(typing.cast(type, hint)).get(part, (None,))[0] if dataclasses.is_dataclass(hint) else None
    if hint is None:
        raise ConfigError(where, [unknown_option(name, _dotted(cls))])
    return hint


def with_absolute_paths(instance: T, folder: Path, *others: Path) -> T:
    """A copy in which every relative path (options made with `path=True`, nested ones too) starts at `folder`.

    Where nothing is there, it starts at the first of `others` where something is.
    """
    changes: Dict[str, Any] = {}
    places = (folder, *others)
    for name, (hint, limits, _) in shape(type(instance)).items():
        if not limits.path and not dataclasses.is_dataclass(hint):
            continue
        value = getattr(instance, name)
        if dataclasses.is_dataclass(hint):
            changes[name] = with_absolute_paths(value, folder, *others)
        elif value is not None:
            single = isinstance(value, str)
            changes[name] = located(places, value) if single else tuple(located(places, entry) for entry in value)
    return typing.cast(T, dataclasses.replace(typing.cast(Any, instance), **changes)) if changes else instance


def located(folders: Tuple[Path, ...], path: str) -> str:
    """A path made absolute: below the first of the folders where something is, else below the first."""
    candidates = [absolute(folder / path) for folder in folders]
    return str(next((each for each in candidates if each.exists()), candidates[0]))


def _replace(instance: Any, changes: Mapping[str, Any], prefix: str, problems: List[Problem]) -> Any:
    fields = shape(type(instance))
    values: Dict[str, Any] = {}
    nested: Dict[str, Dict[str, Any]] = {}
    for key, value in changes.items():
        name, _, rest = key.partition(".")
        if rest and name in fields and rest in _keys(getattr(instance, name)):
            merged = {**values.get(name, getattr(instance, name)), rest: value}
            values[name] = convert(fields[name][0], merged, prefix + name, fields[name][1], problems)
        elif name not in fields or (rest and not dataclasses.is_dataclass(fields[name][0])):
            problems.append(unknown_option(prefix + key, [prefix + known for known in _known(instance)]))
        elif rest:
            nested.setdefault(name, {})[rest] = value
        else:
            hint, limits, _ = fields[name]
            values[name] = convert(hint, value, prefix + name, limits, problems)
    for name, below in nested.items():
        values[name] = _replace(getattr(instance, name), below, prefix + name + ".", problems)
    return instance if problems else dataclasses.replace(instance, **values)


def _known(instance: Any) -> List[str]:
    """Dotted names of all options, and of the entries of those that are objects with free keys."""
    names = _dotted(type(instance))
    for name in shape(type(instance)):
        names.extend("%s.%s" % (name, key) for key in _keys(getattr(instance, name)))
    return names


def _keys(value: Any) -> List[str]:
    return list(value) if isinstance(value, dict) else []


def _is_dict(hint: Any) -> bool:
    return typing.get_origin(hint) is dict


def _dotted(cls: type) -> List[str]:
    names = []
    for name, (hint, _, _) in shape(cls).items():
        names.append(name)
        if dataclasses.is_dataclass(hint):
            names.extend("%s.%s" % (name, below) for below in _dotted(typing.cast(type, hint)))
    return names


def _plain(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return to_json(value) if dataclasses.is_dataclass(value) else value

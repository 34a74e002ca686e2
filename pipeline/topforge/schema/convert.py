"""JSON to dataclass, strictly, with every problem of a file in one error; and back."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import os
import typing
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Type, TypeVar, Union

from topforge.errors import TopForgeError
from topforge.schema.fields import Limits, OptionField, shape, type_in_words

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing wrong with one option."""

    key: str
    """Dotted name, with [index] inside lists."""
    text: str
    """What is wrong and what is allowed: `= -3 must be a whole number, at least 1`."""

    def __str__(self) -> str:
        return "%s %s" % (self.key, self.text) if self.key else self.text


class ConfigError(TopForgeError):
    """Options that cannot be used: names the place and, for each problem, the key, the value and what is allowed."""

    def __init__(self, where: str, problems: Iterable[Problem]) -> None:
        self.where = where
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__("%s: %s." % (where, self.problems[0]), "Correct that option.")
        else:
            lines = "".join("\n  %s" % problem for problem in self.problems)
            super().__init__("%s: %d problems:%s" % (where, len(self.problems), lines), "Correct these options.")


def from_json(cls: Type[T], mapping: Any, where: str) -> T:
    """An instance of the dataclass `cls` from a JSON object.

    Args:
        cls: See `topforge.schema`.
        mapping: The object; missing keys take their defaults.
        where: File name, or whatever tells a person where the object came from.

    Raises:
        ConfigError: Every unknown key, missing key, wrong type and value out of range.
    """
    problems: List[Problem] = []
    instance = _dataclass(cls, mapping, "", problems)
    if problems:
        raise ConfigError(where, problems)
    return typing.cast(T, instance)


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
        hint = shape(typing.cast(type, hint)).get(part, (None,))[0] if dataclasses.is_dataclass(hint) else None
    if hint is None:
        raise ConfigError(where, [_unknown(name, _dotted(cls))])
    return hint


def with_absolute_paths(instance: T, folder: Path) -> T:
    """A copy in which every relative path (options made with `path=True`, nested ones too) starts at `folder`."""
    changes: Dict[str, Any] = {}
    for name, (hint, limits, _) in shape(type(instance)).items():
        if not limits.path and not dataclasses.is_dataclass(hint):
            continue
        value = getattr(instance, name)
        if dataclasses.is_dataclass(hint):
            changes[name] = with_absolute_paths(value, folder)
        elif value is not None:
            single = isinstance(value, str)
            changes[name] = _below(folder, value) if single else tuple(_below(folder, entry) for entry in value)
    return typing.cast(T, dataclasses.replace(typing.cast(Any, instance), **changes)) if changes else instance


def _below(folder: Path, path: str) -> str:
    return os.path.abspath(str(folder / path))  # noqa: PTH100 -- removes `..`, keeps links as the person named them


def _replace(instance: Any, changes: Mapping[str, Any], prefix: str, problems: List[Problem]) -> Any:
    fields, values = shape(type(instance)), {}
    nested: Dict[str, Dict[str, Any]] = {}
    for key, value in changes.items():
        name, _, rest = key.partition(".")
        if name not in fields or (rest and not dataclasses.is_dataclass(fields[name][0])):
            problems.append(_unknown(prefix + key, [prefix + known for known in _dotted(type(instance))]))
        elif rest:
            nested.setdefault(name, {})[rest] = value
        else:
            hint, limits, _ = fields[name]
            values[name] = _convert(hint, value, prefix + name, limits, problems)
    for name, below in nested.items():
        values[name] = _replace(getattr(instance, name), below, prefix + name + ".", problems)
    return instance if problems else dataclasses.replace(instance, **values)


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


def _dataclass(cls: type, mapping: Any, key: str, problems: List[Problem]) -> Any:
    if not isinstance(mapping, dict):
        problems.append(_wrong(key, mapping, "an object"))
        return None
    fields, prefix = shape(cls), key + "." if key else ""
    problems.extend(
        _unknown(prefix + name, [prefix + known for known in fields]) for name in mapping if name not in fields
    )
    before, values = len(problems), {}
    for name, (hint, limits, default) in fields.items():
        if name in mapping:
            values[name] = _convert(hint, mapping[name], prefix + name, limits, problems)
        elif default is dataclasses.MISSING:
            problems.append(Problem(prefix + name, "is missing; give %s" % _allowed(hint, limits)))
    return None if len(problems) > before else cls(**values)


def _convert(hint: Any, value: Any, key: str, limits: Limits, problems: List[Problem]) -> Any:
    """The value as the type `hint`; appends to `problems` and returns None where that cannot be."""
    origin = typing.get_origin(hint)
    if origin is Union:
        return _union(hint, value, key, limits, problems)
    if origin is tuple:
        return _tuple(hint, value, key, limits, problems)
    if dataclasses.is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), value, key, problems)
    if hint is Any or origin in (dict, list) or hint in (dict, list):
        return _free(hint, origin or hint, value, key, problems)
    return _scalar(hint, value, key, limits, problems)


def _scalar(hint: Any, value: Any, key: str, limits: Limits, problems: List[Problem]) -> Any:
    if hint is float and type(value) is int and abs(value) < 2**1023:
        value = float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        problems.append(_wrong(key, value, _allowed(hint, limits)))
    elif limits.choices and value not in limits.choices:
        near = difflib.get_close_matches(str(value), [str(choice) for choice in limits.choices], n=1)
        problems.append(_wrong(key, value, "one of " + _allowed(hint, limits), near))
    elif hint in (int, float) and not _in_range(value, limits):
        problems.append(_wrong(key, value, _allowed(hint, limits)))
    return value


def _in_range(value: Union[int, float], limits: Limits) -> bool:
    return (limits.minimum is None or value >= limits.minimum) and (limits.maximum is None or value <= limits.maximum)


def _tuple(hint: Any, value: Any, key: str, limits: Limits, problems: List[Problem]) -> Any:
    members = typing.get_args(hint)
    variadic = members[-1] is Ellipsis
    low, high = (len(members), len(members)) if not variadic else limits.length or (0, 10**9)
    if not isinstance(value, (list, tuple)):
        problems.append(_wrong(key, value, _allowed(hint, limits)))
        return None
    if not low <= len(value) <= high:
        count = str(low) if low == high else "%d to %d" % (low, high)
        problems.append(_wrong(key, value, "a list of %s entries" % count))
        return None
    hints = [members[0]] * len(value) if variadic else members
    inner = dataclasses.replace(limits, length=None) if limits.length else limits
    return tuple(
        _convert(entry_hint, entry, "%s[%d]" % (key, index), inner, problems)
        for index, (entry_hint, entry) in enumerate(zip(hints, value))
    )


def _union(hint: Any, value: Any, key: str, limits: Limits, problems: List[Problem]) -> Any:
    """The first member that takes the value; if none does, the complaint of the only member of its kind, if one is."""
    kindred: List[List[Problem]] = []
    for member in typing.get_args(hint):
        if member is type(None):
            if value is None:
                return None
            continue
        found: List[Problem] = []
        converted = _convert(member, value, key, limits, found)
        if not found:
            return converted
        if _kind(member) == type(value).__name__:
            kindred.append(found)
    problems.extend(kindred[0] if len(kindred) == 1 else [_wrong(key, value, _allowed(hint, limits))])
    return None


def _kind(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is tuple or origin is list:
        return "list"
    return "dict" if origin is dict or dataclasses.is_dataclass(hint) else getattr(hint, "__name__", "")


def _free(hint: Any, container: Any, value: Any, key: str, problems: List[Problem]) -> Any:
    if container in (dict, list) and not isinstance(value, container):
        problems.append(_wrong(key, value, type_in_words(hint)))
    elif not _is_json(value):
        problems.append(_wrong(key, value, "JSON with finite numbers"))
    return value


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(entry) for name, entry in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_json(entry) for entry in value)
    return value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))


def _allowed(hint: Any, limits: Limits) -> str:
    words, extent = type_in_words(hint), OptionField("", hint, "", None, "", limits).range
    unit = " (%s)" % limits.unit if limits.unit else ""
    if limits.choices:
        return extent
    return "%s%s%s" % (words, ", " + extent if extent else "", unit)


def _wrong(key: str, value: Any, allowed: str, near: Optional[List[str]] = None) -> Problem:
    shown = value if isinstance(value, (float, tuple)) else None
    text = str(shown) if shown is not None else json.dumps(value, default=str, ensure_ascii=False)
    text = text if len(text) <= 60 else text[:57] + "..."
    return Problem(key, "= %s is not allowed; give %s" % (text, allowed) + _did_you_mean(near or []))


def _unknown(key: str, known: List[str]) -> Problem:
    near = difflib.get_close_matches(key, known, n=1)
    return Problem(key, "is not an option" + (_did_you_mean(near) or " (known: %s)" % _shortened(known)))


def _did_you_mean(near: List[str]) -> str:
    return ' (did you mean "%s"?)' % near[0] if near else ""


def _shortened(names: List[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")

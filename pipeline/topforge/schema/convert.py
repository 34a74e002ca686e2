"""JSON to dataclass, strictly, with every problem of a file in one error; and back."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import typing
from typing import Any, Iterable, List, Optional, Type, TypeVar, Union

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


def _dataclass(cls: type, mapping: Any, key: str, problems: List[Problem]) -> Any:
    if not isinstance(mapping, dict):
        held = "a list" if isinstance(mapping, list) else "one value"
        whole = Problem("", "it holds %s, no object of options" % held)
        problems.append(_wrong(key, mapping, "an object") if key else whole)
        return None
    fields, prefix = shape(cls), key + "." if key else ""
    problems.extend(
        unknown_option(prefix + name, [prefix + known for known in fields]) for name in mapping if name not in fields
    )
    before, values = len(problems), {}
    for name, (hint, limits, default) in fields.items():
        if name in mapping:
            values[name] = convert(hint, mapping[name], prefix + name, limits, problems)
        elif default is dataclasses.MISSING:
            problems.append(Problem(prefix + name, "is missing; give %s" % _allowed(hint, limits)))
    return None if len(problems) > before else cls(**values)


def convert(hint: Any, value: Any, key: str, limits: Limits, problems: List[Problem]) -> Any:
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
        convert(entry_hint, entry, "%s[%d]" % (key, index), inner, problems)
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
        converted = convert(member, value, key, limits, found)
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


def unknown_option(key: str, known: List[str]) -> Problem:
    """The problem of a key that is none of the `known`."""
    near = difflib.get_close_matches(key, known, n=1)
    return Problem(key, "is not an option" + (_did_you_mean(near) or " (known: %s)" % _shortened(known)))


def _did_you_mean(near: List[str]) -> str:
    return ' (did you mean "%s"?)' % near[0] if near else ""


def _shortened(names: List[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")

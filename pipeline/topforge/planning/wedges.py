"""Wedges: one configuration, many values.

A wedge is a JSON object from dotted option names to values: a list, or a range
`{"from": 0.001, "to": 0.1, "count": 5, "scale": "log"}` with both ends included. Several options are combined as their
product (the last named varies fastest) or zipped (all lists equally long).
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from topforge import schema
from topforge.errors import TopForgeError
from topforge.schema import ConfigError, Problem, option

LIMIT = 1_000_000
"""Most items a wedge may make; more is a slip."""


class WedgeError(TopForgeError):
    """Wedged options that cannot be combined."""

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__("%s: wedge: %s." % (where, problem), fix)


@dataclasses.dataclass(frozen=True)
class Range:
    """Evenly spaced numbers, both ends included."""

    start: float
    to: float
    count: int = option(2, minimum=1, maximum=LIMIT)
    """How many values."""
    scale: str = option("linear", choices=("linear", "log"))
    """Evenly spaced by difference, or by factor (both ends must be above 0)."""

    def values(self) -> List[float]:
        """The numbers in order; the last is exactly `to`. Rounded to 12 digits, so that 0.1 stays 0.1."""
        if self.count == 1:
            return [self.start]
        shares = [index / (self.count - 1) for index in range(self.count)]
        if self.scale == "log":
            inner = [self.start * (self.to / self.start) ** share for share in shares]
        else:
            inner = [self.start + (self.to - self.start) * share for share in shares]
        return [self.start, *(float("%.12g" % value) for value in inner[1:-1]), self.to]


def expand(cls: type, wedge: Mapping[str, Any], combine: str, where: str) -> Iterator[Dict[str, Any]]:
    """All combinations, each a mapping from dotted option names to JSON values; one empty mapping for an empty wedge.

    Args:
        cls: Dataclass of the options. A range over a whole-number option is rounded.
        wedge: See the module's docstring.
        combine: "product" or "zip".
        where: The job file, for messages.

    Raises:
        ConfigError: An option does not exist, or a range is malformed.
        WedgeError: Empty lists, zipped lists of different lengths, or too many items.
    """
    lists = {name: _values(cls, name, spec, where) for name, spec in wedge.items()}
    lengths = {name: len(values) for name, values in lists.items()}
    if combine == "zip" and len(set(lengths.values())) > 1:
        counts = ", ".join("%s has %d" % pair for pair in lengths.items())
        raise WedgeError(
            where, "lists to zip differ in length: %s" % counts, "Give all as many values, or use product."
        )
    total = 1
    for length in lengths.values():
        total = max(length, 1) if combine == "zip" else total * length
    if total > LIMIT:
        raise WedgeError(where, "makes %d items" % total, "Give fewer values; at most %d items are allowed." % LIMIT)
    rows: Iterator[Tuple[Any, ...]] = itertools.product(*lists.values())
    if combine == "zip" and lists:
        rows = zip(*lists.values())
    return (dict(zip(lists, row)) for row in rows)


def _values(cls: type, name: str, spec: Any, where: str) -> List[Any]:
    hint = schema.hint_of(cls, name, where + ": wedge")
    if isinstance(spec, dict):
        numbers = _range(name, spec, where)
        return _rounded(numbers, name, where) if hint is int else numbers
    if not isinstance(spec, list):
        text = 'must be a list of values or {"from": .., "to": .., "count": ..}'
        raise ConfigError(where, [Problem("wedge." + name, text)])
    if not spec:
        raise WedgeError(where, "%s has no values" % name, "Give at least one, or remove the option from the wedge.")
    return spec


def _range(name: str, spec: Dict[str, Any], where: str) -> List[Any]:
    renamed = {"start" if key == "from" else key: value for key, value in spec.items()}
    try:
        numbers = schema.from_json(Range, renamed, where)
    except ConfigError as error:
        keys = ["from" if problem.key == "start" else problem.key for problem in error.problems]
        found = [Problem("wedge.%s.%s" % (name, key), old.text) for key, old in zip(keys, error.problems)]
        raise ConfigError(where, found) from None
    if numbers.scale == "log" and not (numbers.start > 0 and numbers.to > 0):
        raise WedgeError(where, "%s: a log range must start and end above 0" % name, "Correct `from` or `to`.")
    return list(numbers.values())


def _rounded(values: List[float], name: str, where: str) -> List[int]:
    rounded = [round(value) for value in values]
    if len(set(rounded)) != len(rounded):
        raise WedgeError(where, "%s: rounded to whole numbers, some values repeat" % name, "Lower `count`.")
    return rounded

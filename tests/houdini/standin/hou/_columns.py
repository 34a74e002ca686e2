"""One attribute of a geometry: a column of values, one row for each element."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from ._errors import OperationFailed
from ._strict import NotInStandIn

TYPES = {"float": np.float32, "int": np.int32, "string": np.int32}


class Column:
    """Floats and integers as they are; strings as places in a table, -1 for the empty one, as Houdini keeps them."""

    def __init__(self, kind: str, size: int, default: Tuple[Any, ...], count: int, option: bool = False) -> None:
        self.kind, self.size, self.default = kind, size, default
        self.as_normal = option
        self.table: List[str] = []
        self.rows = np.full((count, size), -1 if kind == "string" else 0, TYPES[kind])
        self.rows[:] = self.filler()

    def filler(self) -> Any:
        """What a new element gets. String attributes do not support a default value (hou.Geometry.addAttrib)."""
        return -1 if self.kind == "string" else np.array(self.default, TYPES[self.kind])

    def resized(self, count: int) -> None:
        """Makes room for more elements, or forgets the last ones."""
        rows = np.empty((count, self.size), TYPES[self.kind])
        kept = min(count, len(self.rows))
        rows[:kept], rows[kept:] = self.rows[:kept], self.filler()
        self.rows = rows

    def texts(self) -> List[str]:
        table = [*self.table, ""]
        return [table[place] for place in self.rows.reshape(-1).tolist()]

    def set_texts(self, values: Sequence[str], place: Optional[int] = None) -> None:
        for value in set(values):
            if not isinstance(value, str):
                raise TypeError(
                    "in method 'Geometry_set…StringAttribValues', argument 3 of type 'std::vector<std::string>'"
                )
            if value and value not in self.table:
                self.table.append(value)
        number = {text: index for index, text in enumerate(self.table)}
        number[""] = -1
        rows = np.array([number[value] for value in values], np.int32).reshape(-1, self.size)
        if place is None:
            self.rows = rows
        else:
            self.rows[place] = rows

    def row(self, index: int) -> Any:
        """The value of one element as Python gets it."""
        values = self.texts_of(index) if self.kind == "string" else self.rows[index].tolist()
        return values[0] if self.size == 1 else tuple(values)

    def texts_of(self, index: int) -> List[str]:
        table = [*self.table, ""]
        return [table[place] for place in self.rows[index].tolist()]

    def appended(self, other: Optional[Column], count: int) -> None:
        """`count` more elements: those of `other`, or the default."""
        before = len(self.rows)
        self.resized(before + count)
        if other is None:
            return
        if (other.kind, other.size) != (self.kind, self.size):
            raise NotInStandIn("merging attributes of one name but different types")
        if self.kind == "string":
            self.table += [text for text in other.table if text not in self.table]
            places = np.array([*(self.table.index(text) for text in other.table), -1], np.int32)
            self.rows[before:] = places[other.rows]
        else:
            self.rows[before:] = other.rows


def of_default(value: Any) -> Tuple[str, int, Tuple[Any, ...]]:
    """Kind and size of the attribute that a default value asks for.

    Raises:
        OperationFailed: The value is of no type that attributes have.
    """
    values = (value,) if isinstance(value, (int, float, str, dict)) else tuple(value)
    if not values or isinstance(values[0], bool):
        raise OperationFailed("Invalid default value %r" % (value,))
    if any(isinstance(one, dict) for one in values):
        raise NotInStandIn("dictionary attributes")
    if all(isinstance(one, int) for one in values):
        return "int", len(values), values
    if all(isinstance(one, (int, float)) for one in values):
        return "float", len(values), tuple(float(one) for one in values)
    if all(isinstance(one, str) for one in values):
        return "string", len(values), values
    raise OperationFailed("Invalid default value %r" % (value,))

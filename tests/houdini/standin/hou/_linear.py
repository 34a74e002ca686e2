"""hou.Vector3, hou.Matrix4 and hou.BoundingBox: the little of them that is used here."""

from __future__ import annotations

from typing import Any, Iterator, Sequence, Tuple

from ._errors import OperationFailed
from ._strict import NotInStandIn, Strict


class Vector3(Strict):
    """Three numbers."""

    def __init__(self, values: Any = (0.0, 0.0, 0.0)) -> None:
        triple = tuple(float(value) for value in values)
        if len(triple) != 3:
            raise NotInStandIn("a hou.Vector3 of %r" % (values,))
        self._values = triple

    def x(self) -> float:
        return self._values[0]

    def y(self) -> float:
        return self._values[1]

    def z(self) -> float:
        return self._values[2]

    def __getitem__(self, index: int) -> float:
        return self._values[index]

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[float]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector3) and self._values == other._values

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<hou.Vector3 [%g, %g, %g]>" % self._values

    def __mul__(self, matrix: Matrix4) -> Vector3:
        """A point through a transformation: vectors are rows in Houdini."""
        if not isinstance(matrix, Matrix4):
            raise NotInStandIn("hou.Vector3 * %s" % type(matrix).__name__)
        rows = matrix.asTupleOfTuples()
        row = (*self._values, 1.0)
        return Vector3([sum(row[k] * rows[k][column] for k in range(4)) for column in range(3)])


class Matrix4(Strict):
    """Four rows of four; vectors are rows, so the last row is the translation."""

    def __init__(self, values: Any = 0) -> None:
        if isinstance(values, (int, float)):
            rows = [[float(values) if row == column else 0.0 for column in range(4)] for row in range(4)]
        else:
            flat = [float(v) for row in values for v in (row if isinstance(row, (list, tuple)) else (row,))]
            if len(flat) != 16:
                raise OperationFailed("A 4x4 matrix has 16 values, not %d" % len(flat))
            rows = [flat[4 * row : 4 * row + 4] for row in range(4)]
        self._rows = tuple(tuple(row) for row in rows)

    def asTuple(self) -> Tuple[float, ...]:
        return tuple(value for row in self._rows for value in row)

    def asTupleOfTuples(self) -> Tuple[Tuple[float, ...], ...]:
        return self._rows

    def at(self, row: int, col: int) -> float:
        return self._rows[row][col]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matrix4) and self._rows == other._rows

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


class BoundingBox(Strict):
    """An axis-aligned box."""

    def __init__(self, *values: float) -> None:
        if len(values) != 6:
            raise NotInStandIn("a hou.BoundingBox of %r" % (values,))
        self._values = tuple(float(value) for value in values)

    def minvec(self) -> Vector3:
        return Vector3(self._values[:3])

    def maxvec(self) -> Vector3:
        return Vector3(self._values[3:])

    def sizevec(self) -> Vector3:
        low, high = self._values[:3], self._values[3:]
        return Vector3([b - a for a, b in zip(low, high)])

    def center(self) -> Vector3:
        low, high = self._values[:3], self._values[3:]
        return Vector3([0.5 * (a + b) for a, b in zip(low, high)])

    def isValid(self) -> bool:
        return all(low <= high for low, high in zip(self._values[:3], self._values[3:]))


def triples(values: Sequence[Any]) -> list[Tuple[float, float, float]]:
    """Positions as plain tuples."""
    return [tuple(float(component) for component in value) for value in values]  # type: ignore[misc]

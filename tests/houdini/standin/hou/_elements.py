"""Handles into a geometry: points, vertices, polygons, groups, attributes. A handle is a number, not a copy."""

from __future__ import annotations

from typing import Any, Tuple

from ._enums import attribData, attribType, primType
from ._errors import GeometryPermissionError, OperationFailed
from ._linear import Vector3
from ._strict import Strict


class _Element(Strict):
    _owner = ""

    def __init__(self, geometry: Any, number: int) -> None:
        self._geometry, self._number = geometry, number

    def number(self) -> int:
        return self._number

    def geometry(self) -> Any:
        return self._geometry

    def attribValue(self, name_or_attrib: Any) -> Any:
        name = name_or_attrib.name() if isinstance(name_or_attrib, Attrib) else name_or_attrib
        return self._geometry._column(self._owner, name).row(self._number)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and (self._geometry is other._geometry and self._number == other._number)  # type: ignore[attr-defined]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((id(self._geometry), self._owner, self._number))


class Point(_Element):
    _owner = "Point"

    def position(self) -> Vector3:
        return Vector3(self._geometry._columns["Point"]["P"].rows[self._number])


class Vertex(_Element):
    """Its number here is that in the whole geometry (hou.Vertex.linearNumber)."""

    _owner = "Vertex"

    def number(self) -> int:
        return self._number - int(self._geometry._starts[self.prim().number()])

    def linearNumber(self) -> int:
        return self._number

    def point(self) -> Point:
        return Point(self._geometry, int(self._geometry._corners[self._number]))

    def prim(self) -> Polygon:
        starts = self._geometry._starts
        return Polygon(self._geometry, int(starts.searchsorted(self._number, side="right")) - 1)


class Polygon(_Element):
    _owner = "Prim"

    def type(self) -> Any:
        return primType.Polygon

    def numVertices(self) -> int:
        starts = self._geometry._starts
        return int(starts[self._number + 1] - starts[self._number])

    def vertices(self) -> Tuple[Vertex, ...]:
        first = int(self._geometry._starts[self._number])
        return tuple(Vertex(self._geometry, first + index) for index in range(self.numVertices()))

    def vertex(self, index: int) -> Vertex:
        return self.vertices()[index]

    def isClosed(self) -> bool:
        return bool(self._geometry._closed[self._number])


class PrimGroup(Strict):
    def __init__(self, geometry: Any, name: str) -> None:
        self._geometry, self._name = geometry, name

    def name(self) -> str:
        return self._name

    def primCount(self) -> int:
        return int(self._geometry._groups[self._name].sum())

    def prims(self) -> Tuple[Polygon, ...]:
        members = self._geometry._groups[self._name].nonzero()[0]
        return tuple(Polygon(self._geometry, int(number)) for number in members)


class Attrib(Strict):
    """One attribute."""

    def __init__(self, geometry: Any, owner: str, name: str) -> None:
        self._geometry, self._owner, self._name = geometry, owner, name

    def _column(self) -> Any:
        return self._geometry._column(self._owner, self._name)

    def name(self) -> str:
        return self._name

    def type(self) -> Any:
        return getattr(attribType, self._owner)

    def dataType(self) -> Any:
        return {"float": attribData.Float, "int": attribData.Int, "string": attribData.String}[self._column().kind]

    def size(self) -> int:
        return int(self._column().size)

    def isArrayType(self) -> bool:
        return False

    def isTransformedAsNormal(self) -> bool:
        return bool(self._column().as_normal)

    def strings(self) -> Tuple[str, ...]:
        return tuple(self._column().table)

    def destroy(self) -> None:
        if self._geometry._read_only:
            raise GeometryPermissionError("destroy()")
        if self._name == "P":
            raise OperationFailed("The position cannot be removed")
        self._column()
        del self._geometry._columns[self._owner][self._name]


def number_of(geometry: Any, point: Any) -> int:
    """The number of a point given as a handle or as a number."""
    if isinstance(point, Point):
        return point.number()
    if not isinstance(point, int):
        raise TypeError("a point is a hou.Point or an int, not %s" % type(point).__name__)
    return point

"""hou.Geometry, strict: points, polygons, attributes; read-only where Houdini's is.

Only polygons exist. Numbers are float32 and int32, as Houdini's default precision has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import numpy as np

from . import _elements, _stanford, _wavefront
from ._bulk import form_of, install, public
from ._columns import Column, of_default
from ._counting import api, editing
from ._enums import attribType
from ._errors import InvalidInput, InvalidSize, OperationFailed
from ._linear import BoundingBox, triples
from ._strict import EnumValue, NotInStandIn, Strict

OWNERS = ("Point", "Vertex", "Prim", "Global")


class Geometry(Strict):
    """See the module's docstring."""

    def __init__(self) -> None:
        self._read_only = False
        self._empty()

    def _empty(self) -> None:
        self._corners = np.empty(0, np.int32)
        self._starts = np.zeros(1, np.int64)
        self._closed = np.empty(0, bool)
        self._columns: Dict[str, Dict[str, Column]] = {owner: {} for owner in OWNERS}
        self._columns["Point"]["P"] = Column("float", 3, (0.0, 0.0, 0.0), 0)
        self._groups: Dict[str, np.ndarray] = {}

    def _count(self, owner: str) -> int:
        vertices, prims = len(self._corners), len(self._closed)
        return {"Point": len(self._columns["Point"]["P"].rows), "Vertex": vertices, "Prim": prims, "Global": 1}[owner]

    def _column(self, owner: str, name: str, kinds: Tuple[str, ...] = ("float", "int", "string")) -> Column:
        column = self._columns[owner].get(name)
        if column is None or column.kind not in kinds:
            raise OperationFailed("There is no %s attribute %r of type %s" % (owner, name, "/".join(kinds)))
        return column

    # Whole geometry

    @editing
    def clear(self) -> None:
        self._empty()

    @editing
    def loadFromFile(self, file_name: str) -> None:
        if not isinstance(file_name, str):
            raise TypeError("in method 'Geometry_loadFromFile', argument 2 of type 'char const *'")
        path = Path(file_name)
        if path.suffix == ".ply":
            self._load_ply(path)
            return
        if path.suffix != ".obj":
            raise NotInStandIn("reading %s files" % (path.suffix or "nameless"))
        content = _wavefront.read(path)
        self._empty()
        self._columns["Point"]["P"].rows = content.points
        self._add_polygons(content.corners, content.sizes, True)
        for name, values in (("uv", content.uv), ("N", content.normals)):
            if len(values):
                self._add_read(name, values)
        if _wavefront.READER["material"] and content.materials:
            column = self._columns["Prim"]["shop_materialpath"] = Column("string", 1, ("",), self._count("Prim"))
            for first, text in content.materials:
                column.set_texts([text], slice(first, None))  # type: ignore[arg-type]
        ends = [first for first, _ in content.groups[1:]] + [self._count("Prim")]
        for (first, text), end in zip(content.groups, ends):
            self._groups.setdefault(text, np.zeros(self._count("Prim"), bool))[first:end] = True

    def _load_ply(self, path: Path) -> None:
        content = _stanford.read(path)
        self._empty()
        self._columns["Point"]["P"].rows = content.points
        self._add_polygons(content.corners, content.sizes, True)
        if _stanford.READER["colours"] and len(content.colours):
            column = self._columns["Point"]["Cd"] = Column("float", 3, (1.0, 1.0, 1.0), 0)
            column.rows = content.colours

    def _add_read(self, name: str, values: np.ndarray) -> None:
        owner = "Vertex"
        if _wavefront.READER["points"]:
            by_point = np.zeros((self._count("Point"), 3), np.float32)
            by_point[self._corners] = values
            if np.array_equal(by_point[self._corners], values):
                owner, values = "Point", by_point
        self._columns[owner][name] = Column("float", 3, (0.0, 0.0, 0.0), 0, name == "N")
        self._columns[owner][name].rows = values

    @editing
    def merge(self, geometry: Geometry, clone_data_ids: bool = False, prims: Any = None) -> None:
        if not isinstance(geometry, Geometry):
            raise TypeError("in method 'Geometry_merge', argument 2 of type 'HOM_Geometry const &'")
        if prims is not None or geometry._columns["Global"]:
            raise NotInStandIn("merging a part of a geometry, or whether merging takes detail attributes along")
        self._corners = np.concatenate([self._corners, geometry._corners + self._count("Point")])
        self._starts = np.concatenate([self._starts, self._starts[-1] + geometry._starts[1:]])
        self._closed = np.concatenate([self._closed, geometry._closed])
        for name in [*self._groups, *(name for name in geometry._groups if name not in self._groups)]:
            before = self._groups.get(name, np.zeros(len(self._closed) - len(geometry._closed), bool))
            after = geometry._groups.get(name, np.zeros(len(geometry._closed), bool))
            self._groups[name] = np.concatenate([before, after])
        for owner in OWNERS[:3]:
            self._merge_columns(self._columns[owner], geometry._columns[owner], geometry._count(owner))

    @staticmethod
    def _merge_columns(ours: Dict[str, Column], theirs: Dict[str, Column], count: int) -> None:
        before = len(next(iter(ours.values())).rows) if ours else None
        for name, column in theirs.items():
            if name not in ours:
                new = Column(column.kind, column.size, column.default, 0, column.as_normal)
                ours[name] = new
                new.resized(before or 0)
        for name, column in ours.items():
            column.appended(theirs.get(name), count)

    @api
    def freeze(self, read_only: bool = False, clone_data_ids: bool = False) -> Geometry:
        copy = Geometry()
        copy._corners, copy._starts, copy._closed = self._corners, self._starts, self._closed
        for owner, columns in self._columns.items():
            for name, column in columns.items():
                new = Column(column.kind, column.size, column.default, 0, column.as_normal)
                new.rows, new.table = column.rows.copy(), list(column.table)
                copy._columns[owner][name] = new
        copy._groups = {name: members.copy() for name, members in self._groups.items()}
        copy._read_only = read_only
        return copy

    @api
    def isReadOnly(self) -> bool:
        return self._read_only

    @api
    def boundingBox(self, transform: Any = None) -> BoundingBox:
        points = self._columns["Point"]["P"].rows
        if transform is not None or not len(points):
            raise NotInStandIn("the bounding box of nothing, or a transformed one")
        return BoundingBox(*points.min(0).tolist(), *points.max(0).tolist())

    # Elements

    @api
    def pointCount(self) -> int:
        return self._count("Point")

    @api
    def vertexCount(self) -> int:
        return self._count("Vertex")

    @api
    def primCount(self) -> int:
        return self._count("Prim")

    @api
    def points(self) -> Tuple[Any, ...]:
        return tuple(_elements.Point(self, number) for number in range(self._count("Point")))

    @api
    def iterPoints(self) -> Sequence[Any]:
        return self.points()  # type: ignore[no-any-return]

    @api
    def point(self, index: int) -> Any:
        return _elements.Point(self, index) if 0 <= index < self._count("Point") else None

    @api
    def prims(self) -> Tuple[Any, ...]:
        return tuple(_elements.Polygon(self, number) for number in range(self._count("Prim")))

    @api
    def iterPrims(self) -> Sequence[Any]:
        return self.prims()  # type: ignore[no-any-return]

    @api
    def prim(self, index: int) -> Any:
        return _elements.Polygon(self, index) if 0 <= index < self._count("Prim") else None

    @editing
    def createPoints(self, point_positions: Sequence[Any]) -> Tuple[Any, ...]:
        before = self._count("Point")
        positions = triples(point_positions)
        if any(len(position) != 3 for position in positions):
            raise InvalidSize("a position has three numbers")
        for column in self._columns["Point"].values():
            column.resized(before + len(positions))
        self._columns["Point"]["P"].rows[before:] = np.array(positions, np.float32).reshape(-1, 3)
        return tuple(_elements.Point(self, before + number) for number in range(len(positions)))

    @editing
    def createPolygons(self, point_positions: Sequence[Sequence[Any]], is_closed: bool = True) -> Tuple[Any, ...]:
        before = self._count("Prim")
        rows = [[_elements.number_of(self, point) for point in polygon] for polygon in point_positions]
        if any(len(row) < 3 for row in rows):
            raise InvalidSize("a polygon has at least three points")
        if any(not 0 <= number < self._count("Point") for row in rows for number in row):
            raise InvalidInput("there is no such point")
        corners = np.array([number for row in rows for number in row], np.int32)
        self._add_polygons(corners, np.array([len(row) for row in rows], np.int64), is_closed)
        return tuple(_elements.Polygon(self, before + number) for number in range(len(rows)))

    def _add_polygons(self, corners: np.ndarray, sizes: np.ndarray, is_closed: bool) -> None:
        self._corners = np.concatenate([self._corners, corners])
        self._starts = np.concatenate([self._starts, self._starts[-1] + np.cumsum(sizes)])
        self._closed = np.concatenate([self._closed, np.full(len(sizes), is_closed)])
        for owner in ("Vertex", "Prim"):
            for column in self._columns[owner].values():
                column.resized(self._count(owner))
        for name, members in self._groups.items():
            self._groups[name] = np.concatenate([members, np.zeros(len(sizes), bool)])

    @api
    def primGroups(self, scope: Any = None) -> Tuple[Any, ...]:
        public(scope)
        return tuple(_elements.PrimGroup(self, name) for name in self._groups)

    @api
    def findPrimGroup(self, name: str, scope: Any = None) -> Any:
        public(scope)
        return _elements.PrimGroup(self, name) if name in self._groups else None

    # Attributes

    @editing
    def addAttrib(
        self,
        type: EnumValue,
        name: str,
        default_value: Any,
        transform_as_normal: bool = False,
        create_local_variable: bool = False,
    ) -> Any:
        owner = _owner(type)
        if not name.isidentifier():
            raise OperationFailed("Invalid attribute name %r" % name)
        if any(name in columns for columns in self._columns.values()):
            raise OperationFailed("An attribute with the name %r already exists" % name)
        kind, size, default = of_default(default_value)
        if (transform_as_normal and (kind, size) != ("float", 3)) or create_local_variable:
            raise OperationFailed("transform_as_normal is for three floats")
        self._columns[owner][name] = Column(kind, size, default, self._count(owner), transform_as_normal)
        return _elements.Attrib(self, owner, name)

    @editing
    def setGlobalAttribValue(self, name_or_attrib: Any, attrib_value: Any) -> None:
        name = name_or_attrib.name() if isinstance(name_or_attrib, _elements.Attrib) else name_or_attrib
        column = self._column("Global", name)
        kind, size, values = of_default(attrib_value)
        if (kind, size) != (column.kind, column.size):
            raise OperationFailed("%r has %d of type %s" % (name, column.size, column.kind))
        if kind == "string":
            column.set_texts(values)
        else:
            column.rows[:] = values

    @api
    def attribValue(self, name_or_attrib: Any) -> Any:
        name = name_or_attrib.name() if isinstance(name_or_attrib, _elements.Attrib) else name_or_attrib
        return self._column("Global", name).row(0)

    def _attribs(self, owner: str, scope: Any) -> Tuple[Any, ...]:
        public(scope)
        return tuple(_elements.Attrib(self, owner, name) for name in self._columns[owner])

    def _find(self, owner: str, name: str, scope: Any) -> Any:
        public(scope)
        return _elements.Attrib(self, owner, name) if name in self._columns[owner] else None

    def _numbers(self, owner: str, name: str, kinds: Tuple[str, ...]) -> Tuple[Any, ...]:
        return tuple(self._column(owner, name, kinds).rows.reshape(-1).tolist())

    def _bytes(self, owner: str, name: str, kind: str, form: EnumValue) -> bytes:
        return self._column(owner, name, (kind,)).rows.astype(form_of(form, kind)).tobytes()

    def _set(self, owner: str, name: str, kind: str, values: Sequence[Any]) -> None:
        column = self._column(owner, name, (kind,))
        if len(values) != self._count(owner) * column.size:
            raise OperationFailed("%d values for %d elements of %d" % (len(values), self._count(owner), column.size))
        if kind == "string":
            column.set_texts(values)
            return
        wanted = int if kind == "int" else (int, float)
        if not all(isinstance(value, wanted) for value in values):
            raise TypeError("argument 3 of type 'std::vector<%s>'" % kind)
        column.rows = np.array(values).astype(column.rows.dtype).reshape(-1, column.size)

    def _set_bytes(self, owner: str, name: str, kind: str, values: bytes, form: EnumValue) -> None:
        column = self._column(owner, name, (kind,))
        if not isinstance(values, (bytes, bytearray, memoryview)):
            raise TypeError("a bytes-like object is wanted")
        numbers = np.frombuffer(values, form_of(form, kind))
        if numbers.size != self._count(owner) * column.size:
            raise OperationFailed("The size of the values does not match")
        column.rows = numbers.astype(column.rows.dtype).reshape(-1, column.size)


def _owner(type: EnumValue) -> str:
    names = {getattr(attribType, owner): owner for owner in OWNERS}
    if type not in names:
        raise TypeError("in method 'Geometry_addAttrib', argument 2 of type 'HOM_EnumValue &'")
    return names[type]


install(Geometry)

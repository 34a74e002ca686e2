"""Reading and setting attributes of all points, vertices or primitives at once, and finding attributes."""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy as np

from ._counting import api, editing
from ._enums import numericData
from ._errors import OperationFailed
from ._strict import EnumValue, NotInStandIn

_BYTES = {"Float16": np.float16, "Float32": np.float32, "Float64": np.float64, "Int32": np.int32, "Int64": np.int64}


def public(scope: Any) -> None:
    if scope is not None:
        raise NotInStandIn("attributes and groups of another scope than the public one")


def _lookups(owner: str) -> Dict[str, Callable[..., Any]]:
    return {
        owner.lower() + "Attribs": lambda self, scope=None: self._attribs(owner, scope),
        "find%sAttrib" % owner: lambda self, name, scope=None: self._find(owner, name, scope),
    }


def form_of(form: EnumValue, kind: str) -> Any:
    if form.name() not in _BYTES or not form.name().lower().startswith(kind):
        raise OperationFailed("%r is no form of %s" % (form, kind))
    return _BYTES[form.name()]


def _bulk(class_: type, owner: str) -> None:
    """The methods that exist for points, vertices and primitives alike."""
    low = owner.lower()
    methods: Dict[str, Callable[..., Any]] = {
        low + "FloatAttribValues": lambda self, name: self._numbers(owner, name, ("float", "int")),
        low + "IntAttribValues": lambda self, name: self._numbers(owner, name, ("int",)),
        low + "StringAttribValues": lambda self, name: tuple(self._column(owner, name, ("string",)).texts()),
        low + "FloatAttribValuesAsString": lambda self, name, float_type=numericData.Float32: self._bytes(
            owner, name, "float", float_type
        ),
        low + "IntAttribValuesAsString": lambda self, name, int_type=numericData.Int32: self._bytes(
            owner, name, "int", int_type
        ),
        **_lookups(owner),
    }
    setters: Dict[str, Callable[..., Any]] = {
        "set%sFloatAttribValues" % owner: lambda self, name, values: self._set(owner, name, "float", values),
        "set%sIntAttribValues" % owner: lambda self, name, values: self._set(owner, name, "int", values),
        "set%sStringAttribValues" % owner: lambda self, name, values: self._set(owner, name, "string", values),
        "set%sFloatAttribValuesFromString" % owner: (
            lambda self, name, values, float_type=numericData.Float32: self._set_bytes(
                owner, name, "float", values, float_type
            )
        ),
        "set%sIntAttribValuesFromString" % owner: (
            lambda self, name, values, int_type=numericData.Int32: self._set_bytes(owner, name, "int", values, int_type)
        ),
    }
    for name, method in {**methods, **setters}.items():
        method.__name__ = name
        setattr(class_, name, editing(method) if name in setters else api(method))


def install(class_: type) -> None:
    """Gives hou.Geometry the methods that are alike for points, vertices and primitives."""
    for owner in ("Point", "Vertex", "Prim"):
        _bulk(class_, owner)
    for name, method in _lookups("Global").items():
        method.__name__ = name
        setattr(class_, name, api(method))

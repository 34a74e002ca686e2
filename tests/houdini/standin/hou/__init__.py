"""A strict stand-in for Houdini's `hou`, for tests: what is documented and what our code uses, nothing else.

Every name exists in types-houdini 21.0 with the same parameters (test_hou_standin_names.py), except the few that
`getPDGNode` and its like stand for: those are documented for 20.5 and 21 and missing in the stubs. Whatever is not
here raises `NotInStandIn`. As in hython, there is no `hou.ui`.
"""

# ruff: noqa: F401, I001  -- the module is its names
from __future__ import annotations

import importlib as _importlib
import types as _types

from . import _expressions, _hip, _operators, _sops, _tops, _vops
from ._assets import HDAModule, hda
from ._enums import (
    attribData,
    attribType,
    exprLanguage,
    nodeFlag,
    nodeTypeSource,
    numericData,
    parmData,
    parmTemplateType,
    primType,
    saveMode,
    scriptLanguage,
    severityType,
    topCookState,
)
from ._errors import (
    Error,
    GeometryPermissionError,
    InvalidGeometry,
    InvalidInput,
    InvalidNodeType,
    InvalidOutput,
    InvalidSize,
    LoadWarning,
    NodeError,
    NodeWarning,
    NotAvailable,
    ObjectWasDeleted,
    OperationFailed,
    PermissionError,
)
from ._functions import (
    applicationName,
    applicationVersion,
    applicationVersionString,
    ch,
    chsop,
    evalParm,
    exit,
    fps,
    frame,
    getenv,
    houdiniPath,
    intFrame,
    isUIAvailable,
    lopNodeTypeCategory,
    node,
    nodeType,
    nodeTypeCategories,
    nodes,
    objNodeTypeCategory,
    parm,
    parmTuple,
    phm,
    putenv,
    pwd,
    root,
    selectedNodes,
    setFrame,
    sopNodeTypeCategory,
    text,
    topNodeTypeCategory,
    unsetenv,
    vopNodeTypeCategory,
)
from ._hip import hipFile
from ._interface import ParmTemplateGroup
from ._node_types import (
    HDADefinition,
    HDASection,
    NodeType,
    NodeTypeCategory,
    OpNodeType,
    OpNodeTypeCategory,
    SopNodeType,
)
from ._movable import NetworkItem, NetworkMovableItem
from ._nodes import Node
from ._op_nodes import OpNode
from ._wires import NodeConnection, OpNodeConnection, OpSubnetIndirectInput
from ._notes import OpStickyNote, StickyNote
from ._parms import Parm, ParmTuple
from ._templates import ParmTemplate
from ._shelves import Tool, shelves
from ._simple import Color, Vector2
from ._sops import ObjNode, SopNode
from ._state import session as _session
from ._strict import EnumValue
from ._strict import NotInStandIn as _NotInStandIn
from ._tops import TopNode
from ._vops import LopNode, VopNode

_session.types = _operators.Types()
_session.root = _hip.new_root()
_hip.place(_session.hip, False)
session = _types.ModuleType("hou.session")
"""The scene's own module of Python."""


_GEOMETRY = {
    "Geometry": "_geometry",
    "Point": "_elements",
    "Vertex": "_elements",
    "Polygon": "_elements",
    "PrimGroup": "_elements",
    "Attrib": "_elements",
    "Vector3": "_linear",
    "Matrix4": "_linear",
    "BoundingBox": "_linear",
}
"""Imported when asked for: they need numpy, which the Python that plays a hython may not have."""


def __getattr__(name: str) -> object:
    if name in _GEOMETRY:
        return getattr(_importlib.import_module("." + _GEOMETRY[name], __name__), name)
    if name.startswith("_") or name == "ui":
        raise AttributeError("module 'hou' has no attribute %r" % name)
    raise _NotInStandIn("hou.%s" % name)

"""A strict stand-in for Houdini's `hou`, for tests: what is documented and what our code uses, nothing else.

Every name exists in types-houdini 21.0 with the same parameters (test_hou_standin_names.py), except the few that
`getPDGNode` and its like stand for: those are documented for 20.5 and 21 and missing in the stubs. Whatever is not
here raises `NotInStandIn`. As in hython, there is no `hou.ui`.
"""

# ruff: noqa: F401, I001  -- the module is its names
from __future__ import annotations

import os
import types as _types
from typing import Any, Dict, Optional, Sequence, Tuple

from . import _expressions, _hip, _operators, _sops, _tops, _vops
from ._assets import HDAModule, hda
from ._enums import (
    exprLanguage,
    nodeFlag,
    nodeTypeSource,
    parmData,
    parmTemplateType,
    saveMode,
    scriptLanguage,
    severityType,
    topCookState,
)
from ._errors import (
    Error,
    InvalidInput,
    InvalidNodeType,
    InvalidOutput,
    LoadWarning,
    NodeError,
    NodeWarning,
    NotAvailable,
    ObjectWasDeleted,
    OperationFailed,
    PermissionError,
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
from ._node_types import (
    category_named as _category_named,
)
from ._nodes import (
    NetworkItem,
    NetworkMovableItem,
    Node,
    NodeConnection,
    OpNode,
    OpNodeConnection,
    OpSubnetIndirectInput,
)
from ._nodes import (
    handle as _handle,
)
from ._notes import OpStickyNote, StickyNote
from ._parms import Parm, ParmTemplate, ParmTuple
from ._shelves import Tool, shelves
from ._simple import Color, Vector2
from ._sops import ObjNode, SopNode
from ._state import session as _session
from ._strict import EnumValue
from ._strict import NotInStandIn as _NotInStandIn
from ._strict import StrictMeta as _StrictMeta
from ._tops import TopNode
from ._vops import LopNode, VopNode

_session.types = _operators.Types()
_session.root = _hip.new_root()
_hip.place(_session.hip, False)
session = _types.ModuleType("hou.session")
"""The scene's own module of Python."""


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name == "ui":
        raise AttributeError("module 'hou' has no attribute %r" % name)
    raise _NotInStandIn("hou.%s" % name)


def isUIAvailable() -> bool:
    return False


def applicationName() -> str:
    return "hython"


def applicationVersion(include_patch: bool = False) -> Tuple[int, ...]:
    if include_patch:
        raise _NotInStandIn("the patch number")
    return _session.version()


def applicationVersionString() -> str:
    return "%d.%d.%d" % _session.version()


def root() -> Any:
    return _handle(_session.root)


def node(path: str) -> Any:
    start = _session.root if path.startswith("/") else pwd()._live()
    found = start.find(path)
    return None if found is None else _handle(found)


def nodes(paths: Sequence[str]) -> Tuple[Any, ...]:
    return tuple(node(path) for path in paths)


def pwd() -> Any:
    stack = _session.pwd_stack()
    return _handle(stack[-1] if stack else _session.root)


def phm() -> HDAModule:
    return pwd().hdaModule()


def parm(path: str) -> Optional[Parm]:
    return pwd().parm(path) if not path.startswith("/") else root().parm(path)


def parmTuple(path: str) -> Optional[ParmTuple]:
    return pwd().parmTuple(path) if not path.startswith("/") else root().parmTuple(path)


def evalParm(path: str) -> Any:
    return (root() if path.startswith("/") else pwd()).evalParm(path)


def ch(path: str) -> Any:
    return evalParm(path)


def chsop(path: str) -> str:
    return str(_expressions.FUNCTIONS["chsop"](_expressions.Scope(pwd()._live()), path))


def getenv(name: str, default_value: Optional[str] = None) -> Optional[str]:
    try:
        return _expressions.variable(name, _expressions.Scope(None))
    except _NotInStandIn:
        return default_value


def putenv(name: str, value: str) -> None:
    """Sets it for Houdini; children of this process see it as well, since they get the process's environment."""
    if not isinstance(value, str):
        raise TypeError("A variable is text, not %r." % (value,))
    _session.variables[name] = value
    os.environ[name] = value


def unsetenv(name: str) -> None:
    _session.variables.pop(name, None)
    os.environ.pop(name, None)


def frame(full_precision: bool = False) -> float:
    return _session.frame


def intFrame() -> int:
    return int(_session.frame)


def setFrame(frame: float) -> None:
    _session.frame = float(frame)


def fps() -> float:
    return _session.fps


def nodeTypeCategories() -> Dict[str, NodeTypeCategory]:
    return {name: OpNodeTypeCategory(name) for name in _operators.CATEGORIES}


def nodeType(category_or_name: Any, internal_name: Optional[str] = None) -> Any:
    if internal_name is None:
        category, _, name = category_or_name.partition("/")
        return _category_named(category).nodeType(name)
    return category_or_name.nodeType(internal_name)


def topNodeTypeCategory() -> OpNodeTypeCategory:
    return OpNodeTypeCategory("Top")


def sopNodeTypeCategory() -> OpNodeTypeCategory:
    return OpNodeTypeCategory("Sop")


def objNodeTypeCategory() -> OpNodeTypeCategory:
    return OpNodeTypeCategory("Object")


def lopNodeTypeCategory() -> OpNodeTypeCategory:
    return OpNodeTypeCategory("Lop")


def vopNodeTypeCategory() -> OpNodeTypeCategory:
    return OpNodeTypeCategory("Vop")


def houdiniPath(pathvar: Optional[str] = None) -> Tuple[str, ...]:
    if pathvar is not None:
        raise _NotInStandIn("houdiniPath() of another variable")
    return tuple(entry for entry in os.environ.get("HOUDINI_PATH", "").split(os.pathsep) if entry and entry != "&")


class text(metaclass=_StrictMeta):
    """Functions on text."""

    @staticmethod
    def expandString(str: str, expand_tilde: bool = True) -> str:
        if str is None:
            raise OperationFailed("expandString() takes text")
        if not isinstance(str, _TEXT):
            raise TypeError("expandString() takes text, not %r." % (str,))
        if expand_tilde and str.startswith("~"):
            raise _NotInStandIn("how ~ expands")
        stack = _session.pwd_stack()
        return _expressions.expand(str, _expressions.Scope(stack[-1] if stack else None))


_TEXT = str

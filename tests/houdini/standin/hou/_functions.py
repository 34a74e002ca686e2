"""The functions of the module `hou`."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Sequence, Tuple

from . import _expressions, _type_state
from ._assets import HDAModule
from ._errors import OperationFailed
from ._handles import handle
from ._node_types import NodeTypeCategory, OpNodeTypeCategory, category_named
from ._parms import Parm, ParmTuple
from ._state import session
from ._strict import NotInStandIn, StrictMeta


def isUIAvailable() -> bool:
    return False


def exit(exit_code: int = 0, suppress_save_prompt: bool = False) -> None:
    raise SystemExit(exit_code)


def applicationName() -> str:
    return "hython"


def applicationVersion(include_patch: bool = False) -> Tuple[int, ...]:
    if include_patch:
        raise NotInStandIn("the patch number")
    return session.version()


def applicationVersionString() -> str:
    return "%d.%d.%d" % session.version()


def root() -> Any:
    return handle(session.root)


def node(path: str) -> Any:
    start = session.root if path.startswith("/") else pwd()._live()
    found = start.find(path)
    return None if found is None else handle(found)


def nodes(paths: Sequence[str]) -> Tuple[Any, ...]:
    return tuple(node(path) for path in paths)


def selectedNodes(include_hidden: bool = False) -> Tuple[Any, ...]:
    return tuple(handle(state) for state in session.selected if not state.dead)


def pwd() -> Any:
    stack = session.pwd_stack()
    return handle(stack[-1] if stack else session.root)


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
    except NotInStandIn:
        return default_value


def putenv(name: str, value: str) -> None:
    """Sets it for Houdini; children of this process see it as well, since they get the process's environment."""
    if not isinstance(value, str):
        raise TypeError("A variable is text, not %r." % (value,))
    session.variables[name] = value
    os.environ[name] = value


def unsetenv(name: str) -> None:
    session.variables.pop(name, None)
    os.environ.pop(name, None)


def frame(full_precision: bool = False) -> float:
    return session.frame


def intFrame() -> int:
    return int(session.frame)


def setFrame(frame: float) -> None:
    session.frame = float(frame)


def fps() -> float:
    return session.fps


def nodeTypeCategories() -> Dict[str, NodeTypeCategory]:
    return {name: OpNodeTypeCategory(name) for name in _type_state.CATEGORIES}


def nodeType(category_or_name: Any, internal_name: Optional[str] = None) -> Any:
    if internal_name is None:
        category, _, name = category_or_name.partition("/")
        return category_named(category).nodeType(name)
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
        raise NotInStandIn("houdiniPath() of another variable")
    return tuple(entry for entry in os.environ.get("HOUDINI_PATH", "").split(os.pathsep) if entry and entry != "&")


class text(metaclass=StrictMeta):
    """Functions on text."""

    @staticmethod
    def expandString(str: str, expand_tilde: bool = True) -> str:
        if str is None:
            raise OperationFailed("expandString() takes text")
        if not isinstance(str, _TEXT):
            raise TypeError("expandString() takes text, not %r." % (str,))
        if expand_tilde and str.startswith("~"):
            raise NotInStandIn("how ~ expands")
        stack = session.pwd_stack()
        return _expressions.expand(str, _expressions.Scope(stack[-1] if stack else None))


_TEXT = str

"""hou.SopNode and hou.ObjNode: cooking of Python SOPs, and of what is wired to them."""

from __future__ import annotations

import traceback
from typing import Any, Optional, Sequence

from . import _graph, _values
from ._enums import nodeFlag
from ._errors import Error, NodeError, OperationFailed
from ._nodes import OpNode, handle, register
from ._state import NodeState, session
from ._strict import NotInStandIn

_PASSES = ("null", "output")
_READS_FILES = ("file",)


class SopNode(OpNode):
    """A geometry node."""

    def isBypassed(self) -> bool:
        return self._live().flags["bypass"]

    def bypass(self, on: bool) -> None:
        self._writable().flags["bypass"] = bool(on)

    def isDisplayFlagSet(self) -> bool:
        return self._live().flags["display"]

    def setDisplayFlag(self, on: bool) -> None:
        self.setGenericFlag(nodeFlag.Display, on)

    def isRenderFlagSet(self) -> bool:
        return self._live().flags["render"]

    def setRenderFlag(self, on: bool) -> None:
        self.setGenericFlag(nodeFlag.Render, on)

    def geometry(self, output_index: int = 0) -> Any:
        """While the node cooks: what it is making. Else what it made; cooks first when it has to.

        None when the cook failed.
        """
        if output_index:
            raise NotInStandIn("geometry() of output %d" % output_index)
        state = self._live()
        if state in session.pwd_stack():
            return state.geometry
        if not state.cooked:
            _cook(state)
        return None if state.errors else state.geometry

    def cook(self, force: bool = False, frame_range: Sequence[float] = ()) -> None:
        """Cooks what it needs and itself.

        Raises:
            NodeError: The cook failed; errors() tells why.
        """
        if tuple(frame_range):
            raise NotInStandIn("cook() with a frame range")
        state = self._live()
        if force or not state.cooked:
            _uncook(state)
            _cook(state)
        if state.errors:
            raise NodeError("\n".join(state.errors))


class ObjNode(OpNode):
    """An object."""

    def displayNode(self) -> Any:
        found = self._live().display_child()
        return None if found is None else handle(found)

    def renderNode(self) -> Any:
        found = next((child for child in self._live().children if child.flags["render"]), None)
        return None if found is None else handle(found)

    def isDisplayFlagSet(self) -> bool:
        return self._live().flags["display"]

    def setDisplayFlag(self, on: bool) -> None:
        self._writable().flags["display"] = bool(on)  # of any number of objects


register("Sop", SopNode)
register("Object", ObjNode)


def _uncook(state: NodeState) -> None:
    state.cooked = False
    for child in state.children:
        _uncook(child)


def _cook(state: NodeState) -> None:
    state.errors, state.warnings, state.messages = [], [], []
    state.geometry = None
    if state.type.category != "Sop":
        raise NotInStandIn("cooking %s" % state.path())
    if state.children:
        _cook_network(state)
    elif state.type.name == "python":
        _cook_python(state)
    elif state.type.name in _PASSES:
        state.geometry = _input_geometry(state)
    else:
        raise NotInStandIn("cooking a SOP of type %s" % state.type.name)
    state.cooked = True


def _cook_network(state: NodeState) -> None:
    """An asset or subnet is what its output node is; errors inside are its own errors as well."""
    outputs = [child for child in state.children if child.type.name == "output"]
    numbered = [child for child in outputs if _values.evaluate_parm(child, "outputidx") == 0]
    target = numbered[0] if numbered else state.display_child()
    if target is None:
        raise OperationFailed("%s has neither an output nor a displayed node" % state.path())
    _cook(target)
    for child in state.children:
        state.errors += ["%s: %s" % (child.path(), text) for text in child.errors if child is not target]
        state.warnings += child.warnings
    state.errors += [text for text in target.errors if not state.errors]
    state.geometry = None if state.errors else target.geometry


def _input_geometry(state: NodeState) -> Any:
    found = _graph.resolve_indirect(state, state.inputs[0] if state.inputs else None)
    if found is None:
        return None
    source: NodeState = found[0]
    if not source.cooked:
        _cook(source)
    if source.errors:
        state.errors.append("Error cooking %s" % source.path())
        return None
    return source.geometry


def _cook_python(state: NodeState) -> None:
    """Runs the node's code with hou.pwd() as itself and its geometry a copy of the input's."""
    from ._geometry import Geometry

    incoming = _input_geometry(state)
    if state.errors:
        return
    state.geometry = Geometry()
    if incoming is not None:
        state.geometry.merge(incoming)
    source = _values.evaluate_parm(state, "python")
    session.pwd_stack().append(state)
    session.working.append(state)
    try:
        exec(compile(str(source), "<python of %s>" % state.path(), "exec"), {"hou": _module()})
    except (NodeError, Error) as problem:
        state.errors.append(problem.instanceMessage())
    except Exception as problem:
        lines = traceback.format_exception_only(type(problem), problem)
        state.errors.append("Python error: %s\n%s" % ("".join(lines).strip(), traceback.format_exc()))
    finally:
        session.pwd_stack().pop()
        session.working.remove(state)
    if state.errors:
        state.geometry = None
    else:
        state.geometry._read_only = True


def _module() -> Any:
    import hou

    return hou


def cooking_node() -> Optional[NodeState]:
    return session.working[-1] if session.working else None

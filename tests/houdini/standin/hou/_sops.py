"""hou.SopNode and hou.ObjNode: cooking of Python SOPs, and of what is wired to them."""

from __future__ import annotations

import traceback
from typing import Any, List, Optional, Sequence, Tuple

from . import _graph, _values
from ._enums import nodeFlag
from ._errors import Error, NodeError, OperationFailed
from ._handles import handle, register
from ._linear import Matrix4
from ._op_nodes import OpNode
from ._state import NodeState, session
from ._strict import NotInStandIn

_PASSES = ("null", "output")


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
        if _is_dirty(state):
            _cook(state)
        return None if state.errors else state.geometry

    def cook(self, force: bool = False, frame_range: Sequence[float] = ()) -> None:
        """Cooks itself when it has to or is forced to, and what it needs when that has to.

        Forcing an asset does not force what is inside it: whether Houdini does so is not documented.

        Raises:
            NodeError: The cook failed; errors() tells why.
        """
        if tuple(frame_range):
            raise NotInStandIn("cook() with a frame range")
        state = self._live()
        if force or _is_dirty(state):
            _cook(state)
        if state.errors:
            raise NodeError("\n".join(state.errors))


class ObjNode(OpNode):
    """An object."""

    def setWorldTransform(self, matrix: Matrix4, fail_on_locked_parms: bool = False) -> None:
        """Kept as it is: splitting it into translation and angles is not imitated, nor objects above that move it."""
        if fail_on_locked_parms or not isinstance(matrix, Matrix4):
            raise NotInStandIn("setWorldTransform() of %r" % (matrix,))
        self._writable().transform = matrix

    def worldTransform(self) -> Matrix4:
        matrix = self._live().transform
        if matrix is None:
            raise NotInStandIn("the transformation that parameters make")
        return matrix

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


def _is_dirty(state: NodeState) -> bool:
    """Whether a parameter that the last cook used, a wire, or a node that it got geometry from has changed since."""
    if state.cooked_from is None:
        return True
    wires, parms, nodes = state.cooked_from
    if wires != _wires(state) or any(parm.version != version for parm, version in parms):
        return True
    return any(node.dead or _is_dirty(node) or node.cooked_from is not cooked for node, cooked in nodes)


def _wires(state: NodeState) -> Any:
    return [None if wired is None else (id(wired[0]), wired[1]) for wired in state.inputs]


def _cook(state: NodeState) -> None:
    """Cooks one node, what it needs first. Which parameters and nodes it used decides when it cooks again."""
    state.errors, state.warnings, state.messages = [], [], []
    state.geometry = None
    parms: List[Any] = []
    session.trackers().append(parms)
    try:
        sources = _cook_by_type(state)
    finally:
        session.trackers().pop()
    state.cooked_from = (_wires(state), parms, [(source, source.cooked_from) for source in sources])


def _cook_by_type(state: NodeState) -> List[NodeState]:
    """Makes the node's geometry; the nodes that it came from."""
    if state.type.category != "Sop":
        raise NotInStandIn("cooking %s" % state.path())
    if state.children:
        return _cook_network(state)
    if state.type.name == "python":
        return _cook_python(state)
    if state.type.name in _PASSES:
        state.geometry, sources = _input_geometry(state)
        return sources
    raise NotInStandIn("cooking a SOP of type %s" % state.type.name)


def _cooked(state: NodeState) -> NodeState:
    if _is_dirty(state):
        _cook(state)
    return state


def _cook_network(state: NodeState) -> List[NodeState]:
    """An asset or subnet is what its output node is; errors inside are its own errors as well."""
    outputs = [child for child in state.children if child.type.name == "output"]
    numbered = [child for child in outputs if _values.evaluate_parm(child, "outputidx") == 0]
    target = numbered[0] if numbered else state.display_child()
    if target is None:
        raise OperationFailed("%s has neither an output nor a displayed node" % state.path())
    _cooked(target)
    for child in state.children:
        state.errors += ["%s: %s" % (child.path(), text) for text in child.errors if child is not target]
        state.warnings += child.warnings
    state.errors += [text for text in target.errors if not state.errors]
    state.geometry = None if state.errors else target.geometry
    return [target]


def _input_geometry(state: NodeState) -> Tuple[Any, List[NodeState]]:
    found = _graph.resolve_indirect(state, state.inputs[0] if state.inputs else None)
    if found is None:
        return None, []
    source = _cooked(found[0])
    if source.errors:
        state.errors.append("Error cooking %s" % source.path())
        return None, [source]
    return source.geometry, [source]


def _cook_python(state: NodeState) -> List[NodeState]:
    """Runs the node's code with hou.pwd() as itself and its geometry a copy of the input's."""
    from ._geometry import Geometry

    incoming, sources = _input_geometry(state)
    if state.errors:
        return sources
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
    return sources


def _module() -> Any:
    import hou

    return hou


def cooking_node() -> Optional[NodeState]:
    return session.working[-1] if session.working else None

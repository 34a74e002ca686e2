"""hou.OpNode: a node with parameters."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Tuple

from . import _build, _parms, _values
from ._enums import exprLanguage
from ._errors import OperationFailed
from ._handles import register
from ._movable import as_text
from ._nodes import Node
from ._state import NodeState, session
from ._strict import EnumValue, NotInStandIn


class OpNode(Node):
    """A node with parameters."""

    def parm(self, parm_path: str) -> Optional[_parms.Parm]:
        node, name = self._of_path(parm_path)
        found = None if node is None else _values.locate(node, name)
        return None if node is None or found is None else _parms.Parm(node, *found)

    def parmTuple(self, parm_path: str) -> Optional[_parms.ParmTuple]:
        node, name = self._of_path(parm_path)
        if node is None:
            return None
        if name not in node.parms and not node.type.complete:
            raise NotInStandIn("whether %s has a parameter %r" % (node.type.name, name))
        return _parms.ParmTuple(node, node.parms[name]) if name in node.parms else None

    def _of_path(self, path: str) -> Tuple[Optional[NodeState], str]:
        folder, _, name = as_text(path).rpartition("/")
        return (self._live().find(folder) if folder else self._live()), name

    def parms(self) -> Tuple[_parms.Parm, ...]:
        self._known_whole()
        return tuple(parm for tuple_ in self.parmTuples() for parm in tuple_)

    def parmTuples(self) -> Tuple[_parms.ParmTuple, ...]:
        self._known_whole()
        return tuple(_parms.ParmTuple(self._state, state) for state in self._state.parms.values())

    def _known_whole(self) -> None:
        if not self._live().type.complete:
            raise NotInStandIn("all parameters of %s" % self._state.type.name)

    def spareParms(self) -> Tuple[_parms.Parm, ...]:
        states = [state for state in self._live().parms.values() if state.spec.spare]
        return tuple(parm for state in states for parm in _parms.ParmTuple(self._state, state))

    def evalParm(self, parm_path: str) -> Any:
        parm = self.parm(parm_path)
        if parm is None:
            raise OperationFailed("Invalid parameter name: %s on %s" % (parm_path, self.path()))
        return parm.eval()

    def evalParmTuple(self, parm_path: str) -> Tuple[Any, ...]:
        found = self.parmTuple(parm_path)
        if found is None:
            raise OperationFailed("Invalid parameter name: %s on %s" % (parm_path, self.path()))
        return found.eval()

    def setParms(self, parm_dict: Mapping[str, Any]) -> None:
        for name, value in parm_dict.items():
            parm = self.parm(name) if not isinstance(value, (tuple, list)) else self.parmTuple(name)
            if parm is None:
                raise OperationFailed("Invalid parameter name: %s on %s" % (name, self.path()))
            parm.set(value)

    def expressionLanguage(self) -> EnumValue:
        return exprLanguage.Python if self._live().language == "python" else exprLanguage.Hscript

    def setExpressionLanguage(self, language: EnumValue) -> None:
        self._writable().language = language.name().lower()

    def hdaModule(self) -> Any:
        from ._assets import module_of

        return module_of(self._live().type)

    def hm(self) -> Any:
        return self.hdaModule()

    def isLockedHDA(self) -> bool:
        return self._live().locked_contents

    def isInsideLockedHDA(self) -> bool:
        return self._live().locking_ancestor() is not None

    def matchesCurrentDefinition(self) -> bool:
        if self._live().type.operator is None:
            raise NotInStandIn("matchesCurrentDefinition() of a node that is no asset")
        return self._state.locked_contents

    def allowEditingOfContents(self, propagate: bool = False) -> None:
        if self._live().type.operator is None:
            raise OperationFailed("%s is no asset" % self.path())
        self._state.locked_contents = False

    def matchCurrentDefinition(self) -> None:
        if self._live().type.operator is None:
            raise OperationFailed("%s is no asset" % self.path())
        _build.reload_contents(self._state)

    def parmTemplateGroup(self) -> Any:
        from ._interface import ParmTemplateGroup

        return ParmTemplateGroup._of_node(self._live())

    def setParmTemplateGroup(self, parm_template_group: Any, rename_conflicting_parms: bool = False) -> None:
        if rename_conflicting_parms:
            raise NotInStandIn("setParmTemplateGroup(rename_conflicting_parms=True)")
        parm_template_group._apply(self._writable())

    def addError(self, message: str, severity: Optional[EnumValue] = None) -> None:
        if severity is not None:
            raise NotInStandIn("addError() with a severity")
        self._cooking().errors.append(as_text(message))

    def addWarning(self, message: Optional[str] = None) -> None:
        self._cooking().warnings.append(message or "")

    def addMessage(self, message: Optional[str] = None) -> None:
        self._cooking().messages.append(message or "")

    def _cooking(self) -> NodeState:
        if self._live() not in session.working:
            raise NotInStandIn("messages on %s while it does not cook" % self.path())
        return self._state

    def cook(self, force: bool = False, frame_range: Sequence[float] = ()) -> None:
        raise NotInStandIn("cooking a %s node" % self._live().type.category)


register("", OpNode)

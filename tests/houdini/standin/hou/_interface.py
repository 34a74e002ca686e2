"""hou.ParmTemplateGroup: the interface of a node, changed through DialogScript text only."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from . import _scene, _values
from ._errors import OperationFailed
from ._specs import Spec, specs_of
from ._state import NodeState
from ._strict import NotInStandIn, Strict
from ._templates import ParmTemplate


class ParmTemplateGroup(Strict):
    """The parameters of a node or a type."""

    def __init__(self, parm_templates: Any = ()) -> None:
        if tuple(parm_templates):
            raise NotInStandIn("a hou.ParmTemplateGroup of templates")
        self._specs: Tuple[Spec, ...] = ()

    @classmethod
    def _of(cls, specs: Any) -> ParmTemplateGroup:
        made = cls()
        made._specs = tuple(specs)
        return made

    @classmethod
    def _of_node(cls, state: NodeState) -> ParmTemplateGroup:
        if not state.type.complete:
            raise NotInStandIn("all parameters of %s" % state.type.name)
        return cls._of(parm.spec for parm in state.parms.values() if not parm.spec.parent)

    @classmethod
    def _of_type(cls, type_: Any) -> ParmTemplateGroup:
        if not type_.complete:
            raise NotInStandIn("all parameters of %s" % type_.name)
        return cls._of(type_.specs)

    def find(self, name: str) -> Optional[ParmTemplate]:
        return next((ParmTemplate(spec) for spec in self._specs if spec.name == name), None)

    def entriesWithoutFolders(self) -> Tuple[ParmTemplate, ...]:
        return tuple(ParmTemplate(spec) for spec in self._specs)

    def setToDialogScript(self, dialog_script: str) -> None:
        """The text holds the whole interface, without the braces around it or with them."""
        try:
            if dialog_script.lstrip().startswith("{"):
                items = _scene.dialog_text.read(dialog_script).items
            else:
                items = _scene.dialog_text.read_items(dialog_script)
        except _scene.errors.SceneError as problem:
            raise OperationFailed(str(problem)) from problem
        self._specs = tuple(specs_of(items))

    def _apply(self, state: NodeState) -> None:
        """Parameters that the type does not have become spare ones; its own have to be there still."""
        own = {spec.name for spec in state.type.specs}
        missing = own - {spec.name for spec in self._specs}
        if missing:
            raise NotInStandIn("an interface without the type's own parameters %s" % sorted(missing))
        for spec in self._specs:
            if spec.name not in state.parms:
                _values.add(state, spec._replace(spare=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParmTemplateGroup) and self._specs == other._specs

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

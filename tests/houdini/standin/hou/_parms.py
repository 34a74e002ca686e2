"""hou.Parm, hou.ParmTuple and what describes them."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional, Sequence, Tuple

from . import _values
from ._enums import exprLanguage
from ._errors import ObjectWasDeleted, OperationFailed, PermissionError
from ._specs import Number
from ._state import NodeState, ParmState
from ._strict import EnumValue, NotInStandIn, Strict
from ._templates import ParmTemplate

_REFERENCE = re.compile(r'\s*(?:ch|chs|chf|chi)\(\s*(["\'])([^"\']+)\1\s*\)\s*')


class _OfNode(Strict):
    """A handle to a parameter of a node."""

    def _live(self) -> ParmState:
        node: NodeState = self._node_state
        if node.dead or node.parms.get(self._state.spec.name) is not self._state:
            raise ObjectWasDeleted("The parameter %s is gone" % self._state.spec.name)
        return self._state

    def _writable(self) -> ParmState:
        state = self._live()
        locking = self._node_state.locking_ancestor()
        if locking is not None and self._node_state.name not in _editable(locking):
            raise PermissionError("%s is inside the locked asset %s" % (self._node_state.path(), locking.path()))
        return state


def _editable(asset: NodeState) -> Sequence[str]:
    return asset.type.operator.editable_nodes.split()


class Parm(_OfNode):
    """One component of a parameter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 3 or kwargs:
            raise NotInStandIn("how to make a hou.Parm")
        self._node_state, self._state, self._component = args

    def _value(self) -> Any:
        return self._live().values[self._component]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parm) and (self._state, self._component) == (other._state, other._component)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((id(self._state), self._component))

    def __repr__(self) -> str:
        return "<hou.Parm %s in %s>" % (self.name(), self._node_state.path())

    def node(self) -> Any:
        from ._handles import handle

        self._live()
        return handle(self._node_state)

    def tuple(self) -> ParmTuple:
        return ParmTuple(self._node_state, self._live())

    def parmTemplate(self) -> ParmTemplate:
        return ParmTemplate(self._live().spec)

    def name(self) -> str:
        return self._live().spec.components[self._component]

    def path(self) -> str:
        return "%s/%s" % (self._node_state.path(), self.name())

    def description(self) -> str:
        return self._live().spec.label

    def componentIndex(self) -> int:
        self._live()
        return self._component

    def eval(self) -> Any:
        self._live()
        return _values.evaluate_parm(self._node_state, self.name())

    def evalAsInt(self) -> int:
        value = self.eval()
        if isinstance(value, str):
            raise TypeError("%s is text, not a whole number: %r" % (self.path(), value))
        return int(value)

    def evalAsFloat(self) -> float:
        value = self.eval()
        if isinstance(value, str):
            raise TypeError("%s is text, not a number: %r" % (self.path(), value))
        return float(value)

    def evalAsString(self) -> str:
        self._live()
        return _values.evaluate_text(self._node_state, self.name())

    def evalAsNode(self) -> Any:
        from ._handles import handle

        text = self.evalAsString()
        found = self._node_state.find(text) if text else None
        return None if found is None else handle(found)

    def unexpandedString(self) -> str:
        value = self._value()
        if self._state.spec.kind != "text" or isinstance(value, Number):
            raise OperationFailed("%s holds no text to expand" % self.path())
        return value

    def rawValue(self) -> str:
        value = self._value()
        if isinstance(value, Number):
            return value.expression
        if self._state.spec.kind not in ("text", "integer", "menu"):
            raise NotInStandIn("the raw text of the %s %s" % (self._state.spec.type, self.path()))
        return str(value)

    def expression(self) -> str:
        value = self._value()
        if not isinstance(value, Number):
            raise OperationFailed("%s has no expression" % self.path())
        return value.expression

    def expressionLanguage(self) -> EnumValue:
        self.expression()
        return exprLanguage.Python if self._value().language == "python" else exprLanguage.Hscript

    def setExpression(
        self, expression: str, language: Optional[EnumValue] = None, replace_expression: bool = True
    ) -> None:
        if not isinstance(expression, str):
            raise TypeError("An expression is text, not %r." % (expression,))
        if not replace_expression:
            raise NotInStandIn("a second keyframe on %s" % self.path())
        state = self._writable()
        self._refuse_lock()
        word = self._node_state.language if language is None else language.name().lower()
        current = self._value()
        if language is None and isinstance(current, Number):
            word = current.language
        state.store(self._component, Number(expression, word))

    def deleteAllKeyframes(self) -> None:
        """The value stays what it evaluates to now."""
        state = self._writable()
        if isinstance(self._value(), Number):
            value = _values.evaluate_parm(self._node_state, self.name())
            if state.spec.kind == "menu":
                value = _values.evaluate_text(self._node_state, self.name())
            state.store(self._component, value)

    def keyframes(self) -> Tuple[Any, ...]:
        if isinstance(self._value(), Number):
            raise NotInStandIn("hou.Keyframe (of %s)" % self.path())
        return ()

    def set(self, value: Any, language: Optional[EnumValue] = None, follow_parm_reference: bool = True) -> None:
        if language is not None or isinstance(value, Strict):
            raise NotInStandIn("how to set %s to %r" % (self.path(), value))
        current = self._live().values[self._component]
        if isinstance(current, Number):
            self._set_through(current, value, follow_parm_reference)
            return
        state = self._writable()
        self._refuse_lock()
        if state.spec.kind == "multiparm":
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError("%s takes the number of instances, not %r." % (self.path(), value))
            _values.resize(self._node_state, state, value)
        else:
            state.store(self._component, _values.checked(state.spec, value, self._node_state))

    def _set_through(self, current: Number, value: Any, follow: bool) -> None:
        """A parameter that only refers to another passes the value on to that one."""
        match = _REFERENCE.fullmatch(current.expression)
        if match is None or current.language != "hscript" or not follow:
            raise NotInStandIn("what set() does on %s, which follows %r" % (self.path(), current.expression))
        folder, _, name = match[2].rpartition("/")
        node = self._node_state.find(folder) if folder else self._node_state
        found = None if node is None else _values.locate(node, name)
        if node is None or found is None:
            raise NotInStandIn("what set() does on %s, whose reference %r leads nowhere" % (self.path(), match[2]))
        Parm(node, *found).set(value)

    def _refuse_lock(self) -> None:
        if self._state.locked[self._component]:
            raise PermissionError("%s is locked" % self.path())

    def revertToDefaults(self) -> None:
        state = self._writable()
        if state.spec.kind == "multiparm":
            _values.resize(self._node_state, state, int(state.spec.defaults[0]))
        else:
            state.store(self._component, state.spec.defaults[self._component])

    def isAtDefault(self, compare_temporary_defaults: bool = True, compare_expressions: bool = True) -> bool:
        if not compare_temporary_defaults or not compare_expressions:
            raise NotInStandIn("isAtDefault() with other arguments than its own")
        return self._value() == self._state.spec.defaults[self._component]

    def lock(self, on: bool) -> None:
        self._writable().locked[self._component] = bool(on)

    def isLocked(self) -> bool:
        return self._live().locked[self._component]

    def isSpare(self) -> bool:
        return self._live().spec.spare

    def isHidden(self) -> bool:
        return self._live().spec.hidden

    def menuItems(self) -> Tuple[str, ...]:
        return tuple(token for token, _ in _values.menu_pairs(self._live().spec, self._node_state))

    def menuLabels(self) -> Tuple[str, ...]:
        return tuple(label for _, label in _values.menu_pairs(self._live().spec, self._node_state))

    def isMultiParmParent(self) -> bool:
        return self._live().spec.kind == "multiparm"

    def isMultiParmInstance(self) -> bool:
        return bool(self._live().spec.parent)

    def multiParmInstances(self) -> Tuple[Parm, ...]:
        spec = self._live().spec
        inside = [state for state in self._node_state.parms.values() if state.spec.parent == spec.name]
        return tuple(Parm(self._node_state, state, n) for state in inside for n in range(len(state.spec.components)))

    def parentMultiParm(self) -> Optional[Parm]:
        parent = self._live().spec.parent
        return Parm(self._node_state, self._node_state.parms[parent], 0) if parent else None

    def multiParmStartOffset(self) -> int:
        return self._live().spec.start

    def insertMultiParmInstance(self, inst_index: int) -> None:
        state = self._writable()
        if state.spec.kind != "multiparm":
            raise OperationFailed("%s is no multiparm" % self.path())
        if inst_index != state.values[0]:
            raise NotInStandIn("inserting before instance %d; append with the current number" % inst_index)
        _values.resize(self._node_state, state, state.values[0] + 1)

    def removeMultiParmInstance(self, inst_index: int) -> None:
        state = self._writable()
        if inst_index != state.values[0] - 1:
            raise NotInStandIn("removing instance %d; only the last one" % inst_index)
        _values.resize(self._node_state, state, inst_index)

    def pressButton(self, arguments: Mapping[str, Any] = {}) -> None:
        from ._assets import press

        for value in arguments.values():
            if not isinstance(value, (int, bool, float, str)):
                raise TypeError("An argument of a callback is a number or text, not %r." % (value,))
        press(self, self._node_state, self._live().spec, arguments)


class ParmTuple(_OfNode):
    """All components of a parameter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.ParmTuple")
        self._node_state, self._state = args

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParmTuple) and self._state is other._state

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(id(self._state))

    def __len__(self) -> int:
        return len(self._live().spec.components)

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, index: int) -> Parm:
        return tuple(Parm(self._node_state, self._live(), n) for n in range(len(self)))[index]

    def node(self) -> Any:
        return self[0].node()

    def parmTemplate(self) -> ParmTemplate:
        return ParmTemplate(self._live().spec)

    def name(self) -> str:
        return self._live().spec.name

    def description(self) -> str:
        return self._live().spec.label

    def eval(self) -> Tuple[Any, ...]:
        return tuple(parm.eval() for parm in self)

    def evalAsInts(self) -> Tuple[int, ...]:
        return tuple(parm.evalAsInt() for parm in self)

    def evalAsFloats(self) -> Tuple[float, ...]:
        return tuple(parm.evalAsFloat() for parm in self)

    def evalAsStrings(self) -> Tuple[str, ...]:
        return tuple(parm.evalAsString() for parm in self)

    def set(
        self, value: Sequence[Any], language: Optional[EnumValue] = None, follow_parm_reference: bool = True
    ) -> None:
        if isinstance(value, (str, Strict)) or len(value) != len(self):
            raise TypeError("%s takes %d values, not %r." % (self.name(), len(self), value))
        for parm, one in zip(self, value):
            parm.set(one, language, follow_parm_reference)

    def revertToDefaults(self) -> None:
        for parm in self:
            parm.revertToDefaults()

    def isSpare(self) -> bool:
        return self._live().spec.spare

    def isMultiParmInstance(self) -> bool:
        return bool(self._live().spec.parent)

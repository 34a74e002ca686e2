"""hou.Node and hou.OpNode: handles to the nodes of the session."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from . import _build, _graph, _parms, _values
from ._enums import exprLanguage
from ._errors import ObjectWasDeleted, OperationFailed, PermissionError
from ._simple import Color, Vector2
from ._state import NodeState, session
from ._strict import EnumValue, NotInStandIn, Strict
from ._type_state import CATEGORIES

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class NetworkItem(Strict):
    """Anything in a network."""

    def __init__(self, *args: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], NodeState):
            raise NotInStandIn("how to make a hou.%s" % type(self).__name__)
        self._state: NodeState = args[0]

    def _live(self) -> NodeState:
        if self._state.dead:
            raise ObjectWasDeleted("%s was deleted" % self._state.name)
        return self._state

    def _writable(self) -> NodeState:
        state = self._live()
        locking = state.locking_ancestor()
        if locking is not None and state.name not in locking.type.operator.editable_nodes.split():
            raise PermissionError("%s is inside the locked asset %s" % (state.path(), locking.path()))
        return state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NetworkItem) and self._state is other._state

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(id(self._state))


class NetworkMovableItem(NetworkItem):
    """What has a name and a place."""

    def name(self) -> str:
        return self._live().name

    def path(self) -> str:
        return self._live().path()

    def setName(self, name: str, unique_name: bool = False) -> None:
        state = self._writable()
        if state.parent is None or state.parent.parent is None:
            raise OperationFailed("%s cannot be renamed" % state.path())
        check_name(name)
        if state.parent.child(name) not in (None, state):
            if not unique_name:
                raise OperationFailed("%s already has a node %r" % (state.parent.path(), name))
            name = unique(state.parent, name)
        state.name = name

    def parent(self) -> Any:
        above = self._live().parent
        return None if above is None else handle(above)

    def position(self) -> Vector2:
        return Vector2(self._live().position)

    def setPosition(self, position: Any) -> None:
        x, y = position
        self._writable().position = (float(x), float(y))

    def move(self, amount: Any) -> None:
        x, y = self._writable().position
        self._state.position = (x + float(amount[0]), y + float(amount[1]))

    def color(self) -> Color:
        if self._live().color is None:
            raise NotInStandIn("the default colour of %s" % self._state.path())
        return Color(self._state.color)

    def setColor(self, color: Color) -> None:
        if not isinstance(color, Color):
            raise TypeError("setColor() takes a hou.Color, not %r." % (color,))
        self._writable().color = color.rgb()

    def sessionId(self) -> int:
        return self._live().identity

    def relativePathTo(self, base_item: NetworkMovableItem) -> str:
        """Pure arithmetic of paths, as `../b` from /a/x to /a/b."""
        here, there = self.path().strip("/").split("/"), base_item.path().strip("/").split("/")
        same = 0
        while same < min(len(here), len(there)) and here[same] == there[same]:
            same += 1
        return "/".join([".."] * (len(here) - same) + there[same:]) or "."


class Node(NetworkMovableItem):
    """A node."""

    def __repr__(self) -> str:
        state = self._live()
        if state.type.category in ("Manager", "Director"):
            return "<hou.%s at %s>" % (type(self).__name__, state.path())
        return "<hou.%s of type %s at %s>" % (type(self).__name__, state.type.name, state.path())

    def type(self) -> Any:
        from ._node_types import OpNodeType

        return OpNodeType(self._live().type)

    def childTypeCategory(self) -> Any:
        from ._node_types import OpNodeTypeCategory

        category = self._live().type.child_category
        return OpNodeTypeCategory(category) if category else None

    def isNetwork(self) -> bool:
        return bool(self._live().type.child_category)

    def isSubNetwork(self) -> bool:
        return self._live().type.subnet

    def isEditable(self) -> bool:
        raise NotInStandIn("hou.Node.isEditable")

    def node(self, node_path: str) -> Any:
        found = self._live().find(_text(node_path))
        return None if found is None else handle(found)

    def children(self) -> Tuple[Any, ...]:
        return tuple(handle(child) for child in self._live().children)

    def allSubChildren(
        self, top_down: bool = True, recurse_in_locked_nodes: bool = True, sync_delayed_definition: bool = False
    ) -> Tuple[Any, ...]:
        if not top_down or sync_delayed_definition:
            raise NotInStandIn("the order of allSubChildren(top_down=False)")
        found: List[Any] = []
        for child in self._live().children:
            found.append(handle(child))
            if recurse_in_locked_nodes or not child.locked_contents:
                found += handle(child).allSubChildren(True, recurse_in_locked_nodes)
        return tuple(found)

    def createNode(
        self,
        node_type_name: str,
        node_name: Optional[str] = None,
        run_init_scripts: bool = True,
        load_contents: bool = True,
        exact_type_name: bool = False,
        force_valid_node_name: bool = False,
    ) -> Any:
        if force_valid_node_name or not load_contents:
            raise NotInStandIn("createNode() with force_valid_node_name, or without contents")
        state = self._live()
        if state.locked_contents or state.locking_ancestor() is not None:
            raise PermissionError("%s is inside a locked asset" % state.path())
        if not state.type.child_category:
            raise OperationFailed("%s cannot contain nodes" % state.path())
        made = _build.create(state, _text(node_type_name), node_name, exact_type_name)
        if run_init_scripts:
            _build.run_event(made, "OnCreated")
        return handle(made)

    def createOutputNode(
        self,
        node_type_name: str,
        node_name: Optional[str] = None,
        run_init_scripts: bool = True,
        load_contents: bool = True,
        exact_type_name: bool = False,
    ) -> Any:
        made = self.parent().createNode(node_type_name, node_name, run_init_scripts, load_contents, exact_type_name)
        made.setFirstInput(self)
        return made

    def destroy(self, disable_safety_checks: bool = False) -> None:
        state = self._live()
        if state.locking_ancestor() is not None:
            raise OperationFailed("%s is inside a locked asset" % state.path())
        if state.parent is None or state.parent.parent is None:
            raise OperationFailed("%s cannot be deleted" % state.path())
        _graph.forget(state)

    def setInput(self, input_index: int, item_to_become_input: Any, output_index: int = 0) -> None:
        state = self._writable()
        _graph.connect(state, input_index, _graph.source_of(state, item_to_become_input), output_index)

    def setFirstInput(self, item_to_become_input: Any, output_index: int = 0) -> None:
        self.setInput(0, item_to_become_input, output_index)

    def setNextInput(self, item_to_become_input: Any, output_index: int = 0, unordered_only: bool = False) -> None:
        if unordered_only:
            raise NotInStandIn("setNextInput(unordered_only=True)")
        inputs = self._live().inputs
        free = next((n for n, wired in enumerate(inputs) if wired is None), len(inputs))
        self.setInput(free, item_to_become_input, output_index)

    def setNamedInput(self, input_name: str, item_to_become_input: Any, output_name_or_index: Any) -> None:
        names = self._live().type.input_names
        if input_name not in names:
            raise NotInStandIn("an input %r of %s; known are %s" % (input_name, self._state.type.name, names))
        if not isinstance(output_name_or_index, int):
            raise NotInStandIn("outputs by name (%r)" % output_name_or_index)
        self.setInput(names.index(input_name), item_to_become_input, output_name_or_index)

    def inputs(self) -> Tuple[Any, ...]:
        found = [_graph.resolve_indirect(self._live(), wired) for wired in self._live().inputs]
        return tuple(None if wired is None else handle(wired[0]) for wired in found)

    def input(self, input_index: int) -> Any:
        inputs = self.inputs()
        return inputs[input_index] if input_index < len(inputs) else None

    def outputs(self) -> Tuple[Any, ...]:
        state = self._live()
        beside = state.parent.children if state.parent is not None else []
        return tuple(handle(o) for o in beside for w in o.inputs if w is not None and w[0] is state)

    def inputConnections(self) -> Tuple[Any, ...]:
        wired = enumerate(self._live().inputs)
        return tuple(OpNodeConnection(self._state, number) for number, source in wired if source is not None)

    def indirectInputs(self) -> Tuple[Any, ...]:
        state = self._live()
        if not state.type.subnet:
            return ()
        return tuple(OpSubnetIndirectInput(state, number) for number in range(state.type.max_inputs))

    def subnetOutputs(self) -> Tuple[Any, ...]:
        found = [child for child in self._live().children if child.type.name == "output"]
        return tuple(handle(child) for child in found)

    def errors(self) -> Tuple[str, ...]:
        return tuple(self._live().errors)

    def warnings(self) -> Tuple[str, ...]:
        return tuple(self._live().warnings)

    def messages(self) -> Tuple[str, ...]:
        return tuple(self._live().messages)

    def comment(self) -> str:
        return self._live().comment

    def setComment(self, comment: str) -> None:
        self._writable().comment = _text(comment)

    def setGenericFlag(self, flag: EnumValue, value: bool) -> None:
        word = flag.name().lower()
        if word not in self._live().flags:
            raise NotInStandIn("the flag %s" % flag.name())
        state = self._writable()
        if word in ("display", "render") and value:
            for other in state.parent.children if state.parent is not None else []:
                other.flags[word] = False
        state.flags[word] = bool(value)

    def isGenericFlagSet(self, flag: EnumValue) -> bool:
        return self._live().flags.get(flag.name().lower(), False)

    def setUserData(self, name: str, value: str) -> None:
        self._writable().user_data[_text(name)] = _text(value)

    def userData(self, name: str) -> Optional[str]:
        return self._live().user_data.get(name)

    def userDataDict(self) -> Dict[str, str]:
        return dict(self._live().user_data)

    def destroyUserData(self, name: str, must_exist: bool = True) -> None:
        if name not in self._writable().user_data and must_exist:
            raise OperationFailed("%s has no user data %r" % (self.path(), name))
        self._state.user_data.pop(name, None)

    def layoutChildren(
        self, items: Sequence[Any] = (), horizontal_spacing: float = -1, vertical_spacing: float = -1
    ) -> None:
        """Below each other, in the order of their making; where Houdini puts them is its own business."""
        for number, child in enumerate(self._live().children):
            child.position = (0.0, -float(number))

    def moveToGoodPosition(
        self,
        relative_to_inputs: bool = True,
        move_inputs: bool = True,
        move_outputs: bool = True,
        move_unconnected: bool = True,
    ) -> Vector2:
        beside = self._live().parent.children if self._live().parent is not None else []
        self._state.position = (0.0, -float(len(beside)))
        return self.position()

    def createStickyNote(self, name: Optional[str] = None) -> Any:
        from ._notes import OpStickyNote, new_note

        self._writable()
        return OpStickyNote(new_note(self._state, name))

    def stickyNotes(self) -> Tuple[Any, ...]:
        from ._notes import notes_of

        return notes_of(self._live())

    def isSelected(self) -> bool:
        return self._live() in session.selected

    def setSelected(self, on: bool, clear_all_selected: bool = False, show_asset_if_selected: bool = False) -> None:
        if show_asset_if_selected:
            raise NotInStandIn("setSelected(show_asset_if_selected=True)")
        kept = [] if clear_all_selected else [state for state in session.selected if state is not self._live()]
        session.selected[:] = [*kept, self._live()] if on else kept

    def setCurrent(self, on: bool, clear_all_selected: bool = False) -> None:
        self._live()


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
        folder, _, name = _text(path).rpartition("/")
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
        self._cooking().errors.append(_text(message))

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


class NodeConnection(NetworkItem):
    """A wire."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.NodeConnection")
        self._node_state, self._number = args

    def _live(self) -> NodeState:
        raise NotInStandIn("that of a hou.NodeConnection")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeConnection) and self._ends() == other._ends()

    def __hash__(self) -> int:
        return hash(self._ends())

    def _ends(self) -> Tuple[int, int]:
        return id(self._node_state), self._number

    def outputNode(self) -> Any:
        """The node that the wire ends in."""
        return handle(self._node_state)

    def inputIndex(self) -> int:
        return self._number

    def inputNode(self) -> Any:
        found = _graph.resolve_indirect(self._node_state, self._wired())
        return None if found is None else handle(found[0])

    def outputIndex(self) -> int:
        return self._wired()[1]

    def _wired(self) -> Any:
        wired = self._node_state.inputs[self._number] if self._number < len(self._node_state.inputs) else None
        if wired is None:
            raise ObjectWasDeleted("a wire to input %d of %s" % (self._number, self._node_state.path()))
        return wired


class OpNodeConnection(NodeConnection):
    """A wire between nodes."""


class OpSubnetIndirectInput(Strict):
    """An input of a subnet, seen from its inside."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.OpSubnetIndirectInput")
        self._owner, self._number = args

    def number(self) -> int:
        return self._number

    def parent(self) -> Any:
        return handle(self._owner)


def check_name(name: str) -> None:
    """Refuses what is no name of a node: letters, digits, underscores and periods, no digit in front."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise OperationFailed("Invalid node name: %r" % (name,))


def unique(parent: NodeState, name: str) -> str:
    """The name, with its number counted on until it is free."""
    if parent.child(name) is None:
        return name
    base = name.rstrip("0123456789")
    number = int(name[len(base) :] or 0) + 1
    while parent.child("%s%d" % (base, number)) is not None:
        number += 1
    return "%s%d" % (base, number)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("Expected text, not %r." % (value,))
    return value


_CLASSES: Dict[str, type] = {}


def register(category: str, class_: type) -> None:
    """The class that handles to nodes of a category are of."""
    _CLASSES[category] = class_


def handle(state: NodeState) -> Any:
    """A new hou object for a node: compare them with `==`, never with `is`."""
    wanted = CATEGORIES[state.type.category][0]
    class_ = _CLASSES.get(state.type.category, OpNode if wanted == "OpNode" else None)
    if class_ is None:
        raise NotInStandIn("hou.%s" % wanted)
    return class_(state)


def handles(states: Iterable[NodeState]) -> Tuple[Any, ...]:
    return tuple(handle(state) for state in states)

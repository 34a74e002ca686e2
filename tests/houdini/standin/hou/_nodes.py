"""hou.Node: a handle to a node of the session."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import _build, _graph
from ._errors import OperationFailed, PermissionError
from ._handles import handle
from ._movable import NetworkMovableItem, as_text
from ._simple import Vector2
from ._state import session
from ._strict import EnumValue, NotInStandIn
from ._wires import OpNodeConnection, OpSubnetIndirectInput


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
        found = self._live().find(as_text(node_path))
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
        made = _build.create(state, as_text(node_type_name), node_name, exact_type_name)
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
        self._writable().comment = as_text(comment)

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
        self._writable().user_data[as_text(name)] = as_text(value)

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

"""hou.TopNode, and the view of nodes that the stand-in of pdg works on."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

from ._enums import nodeFlag
from ._errors import OperationFailed
from ._handles import handle, register
from ._op_nodes import OpNode
from ._state import NodeState, ParmState, session
from ._strict import NotInStandIn
from ._view import View, effective, net_of, users


class TopNode(OpNode):
    """A node of a TOP network, or the network itself."""

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

    def displayNode(self) -> Any:
        found = self._live().display_child()
        if found is None and self._state.children:
            raise NotInStandIn("the display node of %s, where no node has the flag: set it" % self.path())
        return None if found is None else handle(found)

    def cookWorkItems(
        self,
        block: bool = False,
        generate_only: bool = False,
        tops_only: bool = False,
        save_prompt: bool = False,
        nodes: Sequence[Any] = (),
    ) -> None:
        if save_prompt:
            raise NotInStandIn("cookWorkItems(save_prompt=True), which saves the scene")
        targets = [node._live() for node in nodes] or [self._live()]
        if len({net_of(target).identity for target in targets}) != 1:
            raise OperationFailed("The nodes are not in the same TOP network")
        context = self._context(create=True)
        _refuse_doubtful(context)
        if tops_only:
            return
        context.cook([effective(target) for target in targets], block, generate_only)

    def cookOutputWorkItems(
        self, block: bool = False, generate_only: bool = False, tops_only: bool = False, save_prompt: bool = False
    ) -> None:
        if self._live().type.name != "topnet":
            raise NotInStandIn("cookOutputWorkItems() on a node that is no topnet")
        display = self._state.display_child()
        if display is None:
            raise OperationFailed("%s has no display node" % self.path())
        handle(display).cookWorkItems(block, generate_only, tops_only, save_prompt)

    def generateStaticWorkItems(self, block: bool = False, nodes: Sequence[Any] = ()) -> None:
        self.cookWorkItems(block, True, False, False, nodes)

    def dirtyAllWorkItems(self, remove_outputs: bool) -> None:
        context = self._context(create=False)
        if context is not None:
            context.dirty_all(bool(remove_outputs))

    def dirtyWorkItems(self, remove_outputs: bool) -> None:
        context = self._context(create=False)
        if context is not None:
            context.dirty(effective(self._live()), bool(remove_outputs))

    def cancelCook(self) -> None:
        context = self._context(create=False)
        if context is not None:
            context.cancel()

    def getPDGGraphContext(self) -> Any:
        context = self._context(create=False)
        return None if context is None else context.public

    def getPDGGraphContextName(self) -> Optional[str]:
        context = self._context(create=False)
        return None if context is None else context.name

    def getPDGNode(self) -> Any:
        """None until the graph exists."""
        context = self._context(create=False)
        return None if context is None else context.node_for(effective(self._live()))

    def getPDGNodeName(self) -> Optional[str]:
        node = self.getPDGNode()
        return None if node is None else node.name

    def errors(self) -> Tuple[str, ...]:
        return tuple(self._live().errors) + self._messages(0)

    def warnings(self) -> Tuple[str, ...]:
        return tuple(self._live().warnings) + self._messages(1)

    def _messages(self, kind: int) -> Tuple[str, ...]:
        """What the graph says of this very node; whether an asset shows what its inner nodes say is not documented."""
        context = self._context(create=False) if self._state.type.name != "topnet" else None
        return () if context is None else tuple(context.messages(View(self._state))[kind])

    def addPDGFilter(self, idx: int) -> None:
        self._context(create=True).filter.add(idx)

    def removePDGFilter(self, idx: int) -> None:
        self._context(create=True).filter.discard(idx)

    def isPDGFilter(self, idx: int) -> bool:
        return idx in self._context(create=True).filter

    def enablePDGFilter(self, filter_on: bool) -> None:
        """Sets the network to use the filter [D]."""
        self._context(create=True).filtering = bool(filter_on)

    def isScheduler(self) -> bool:
        return self._live().type.name.endswith("scheduler")

    def _context(self, create: bool) -> Any:
        net = net_of(self._live())
        if create:
            import pdg

            contexts[net.identity] = pdg._engine.context_for(View(net))
        return contexts.get(net.identity)


contexts: Dict[int, Any] = {}
"""Graphs that exist, by the identity of their topnet."""
doubtful: Dict[NodeState, str] = {}
"""Nodes with items from a parameter that has changed since, and its name."""
register("Top", TopNode)


def _refuse_doubtful(context: Any) -> None:
    for state, name in list(doubtful.items()):
        record = None if state.dead else context.nodes.get(state.path())
        if record is not None and record.items:
            raise NotInStandIn(
                "whether PDG makes the items of %s anew: its callback read the parameter %s through hou, which has "
                "changed since; dirty the node, or let it follow the parameter" % (state.path(), name)
            )
        if state.dead or record is not None:
            del doubtful[state]


def _forget_graph(state: NodeState) -> None:
    """The scene or the network goes: so does its graph."""
    if contexts.pop(state.identity, None) is not None:
        import pdg

        pdg._engine.forget(View(state))


def _parm_changed(parm: ParmState) -> None:
    """Items of nodes that evaluated the parameter, directly or through references, are generated again.

    What a callback reads with hou (`self.topNode().parent().evalParm(...)`) goes past the graph. Whether Houdini
    notices a change of that is not documented: items made from it are doubtful until they are dirtied.
    """
    for state in session.read_by_callbacks.pop(parm, ()):
        doubtful[state] = parm.spec.name
    for state in users.pop(parm, ()):
        context = None if state.dead else contexts.get(net_of(state).identity)
        if context is not None:
            context.dirty(View(state))


session.cleaners.append(_forget_graph)
session.watchers.append(_parm_changed)

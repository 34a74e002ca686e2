"""hou.TopNode, and the view of nodes that the stand-in of pdg works on."""

from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from . import _graph, _values
from ._enums import nodeFlag
from ._errors import OperationFailed
from ._nodes import OpNode, handle, register
from ._state import NodeState, ParmState, session
from ._strict import NotInStandIn


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
users: Dict[ParmState, Set[NodeState]] = {}
"""Nodes whose graph node evaluated a parameter."""
register("Top", TopNode)


def net_of(state: NodeState) -> NodeState:
    """The TOP network that a node is in, through subnets and assets; a topnet is its own."""
    at: Optional[NodeState] = state
    while at is not None:
        if at.type.category == "Top" and at.type.name == "topnet":
            return at
        at = at.parent
    raise OperationFailed("%s is in no TOP network" % state.path())


def effective(state: NodeState) -> View:
    """The node whose work items a target's are: of a subnet what its output is wired to, of a topnet what it displays."""
    found = _inner(state, 0)
    if found is None:
        raise OperationFailed("%s has nothing to cook" % state.path())
    return View(found)


def _inner(state: NodeState, output: int) -> Optional[NodeState]:
    """A node that makes work items, for one that may only stand for others: subnets, assets, `output` nodes."""
    if state.type.category == "Top" and state.type.name == "output":
        return _source(state, state.inputs[0] if state.inputs else None)
    if not state.type.child_category:
        return state
    outputs = [child for child in state.children if child.type.name == "output"]
    for child in outputs:
        if int(_values.evaluate_parm(child, "outputidx")) == output:
            return _inner(child, 0)
    if outputs:
        raise NotInStandIn("output %d of %s, which has no such output node" % (output, state.path()))
    display = state.display_child()
    return None if display is None else _inner(display, 0)


def _source(state: NodeState, wired: Any) -> Optional[NodeState]:
    found = _graph.resolve_indirect(state, wired)
    return None if found is None else _inner(found[0], found[1])


class View:
    """A node as the stand-in of pdg sees it (pdg._view.NodeView)."""

    def __init__(self, state: NodeState) -> None:
        self._state = state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self._state is other._state

    def __hash__(self) -> int:
        return hash(id(self._state))

    def __repr__(self) -> str:
        return "<View of %s>" % self.path()

    def path(self) -> str:
        return self._state.path()

    def name(self) -> str:
        return self._state.name

    def type_name(self) -> str:
        return self._state.type.name

    def sources(self) -> Sequence[View]:
        """What its inputs get work items from, in order; unwired inputs are left out."""
        found = [_source(self._state, wired) for wired in self._state.inputs]
        return [View(state) for state in found if state is not None]

    def has_parm(self, name: str) -> bool:
        return any(name in state.spec.components for state in self._state.parms.values())

    def evaluate(self, name: str, work_item: Any = None) -> Any:
        with self._noting():
            return _values.evaluate_parm(self._state, name, work_item)

    def evaluate_text(self, name: str, work_item: Any = None) -> str:
        with self._noting():
            return _values.evaluate_text(self._state, name, work_item)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Remembers which parameters an evaluation reads."""
        read: List[Any] = []
        session.trackers().append(read)
        try:
            yield
        finally:
            session.trackers().pop()
            for parm, _ in read:
                users.setdefault(parm, set()).add(self._state)

    def count(self, name: str) -> int:
        state, _, value = _values.raw(self._state, name)
        if state.spec.kind != "multiparm":
            raise OperationFailed("%s/%s is no multiparm" % (self.path(), name))
        return int(value)

    def is_bypassed(self) -> bool:
        return self._state.flags["bypass"]

    def scheduler(self) -> Optional[View]:
        """The node that runs its work items: its own `topscheduler`, else the network's."""
        net = net_of(self._state)
        for owner in (self._state, net):
            if owner.parms.get("topscheduler") is None:
                continue
            text = _values.evaluate_text(owner, "topscheduler")
            found = _scheduler_at(owner, net, text) if text else None
            if found is not None:
                return View(found)
        return None

    def hou_node(self) -> Any:
        return handle(self._state)

    def children(self) -> List[View]:
        return [View(child) for child in self._state.children]


def _scheduler_at(owner: NodeState, net: NodeState, text: str) -> Optional[NodeState]:
    """A bare name means a node beside one that lies in the network itself; inside an asset it is silently not found."""
    if text.startswith(("/", "..")):
        found = owner.find(text)
    else:
        found = net.child(text) if owner is net or owner.parent is net else None
    if found is not None and not found.type.name.endswith("scheduler"):
        raise OperationFailed("%s/topscheduler names %s, which is no scheduler" % (owner.path(), found.path()))
    return found


def _forget_graph(state: NodeState) -> None:
    """The scene or the network goes: so does its graph."""
    if contexts.pop(state.identity, None) is not None:
        import pdg

        pdg._engine.forget(View(state))


def _parm_changed(parm: ParmState) -> None:
    """Items of nodes that evaluated the parameter, directly or through references, are generated again.

    What a callback reads with hou (`self.topNode().parent().evalParm(...)`) is not known to the graph.
    """
    for state in users.pop(parm, ()):
        context = None if state.dead else contexts.get(net_of(state).identity)
        if context is not None:
            context.dirty(View(state))


session.cleaners.append(_forget_graph)
session.watchers.append(_parm_changed)

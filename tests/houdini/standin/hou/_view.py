"""The view of nodes that the stand-in of pdg works on (pdg._view.NodeView)."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set

from . import _graph, _values
from ._errors import OperationFailed
from ._handles import handle
from ._state import NodeState, ParmState, session
from ._strict import NotInStandIn

users: Dict[ParmState, Set[NodeState]] = {}
"""Nodes whose graph node evaluated a parameter."""


def net_of(state: NodeState) -> NodeState:
    """The TOP network that a node is in, through subnets and assets; a topnet is its own."""
    at: Optional[NodeState] = state
    while at is not None:
        if at.type.category == "Top" and at.type.name == "topnet":
            return at
        at = at.parent
    raise OperationFailed("%s is in no TOP network" % state.path())


def effective(state: NodeState) -> View:
    """The node that a target's work items are of: behind a subnet's output, or what a topnet displays."""
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
        if threading.current_thread() is not threading.main_thread():
            session.local.generating = self._state
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

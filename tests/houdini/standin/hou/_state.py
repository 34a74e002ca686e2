"""The session: what a Houdini process holds. Everything else is a handle to something in here."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

_VERSIONS = {"20.5.584": (20, 5, 584), "21.0.631": (21, 0, 631), "22.0.368": (22, 0, 368)}


class ParmState:
    """One parameter of one node: its spec and what it is set to."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.values: List[Any] = list(spec.defaults)
        self.locked = [False] * len(spec.components)
        self.version = 0
        """Counts changes, so that nodes know what they cooked from."""

    def store(self, component: int, value: Any) -> None:
        self.values[component] = value
        self.version += 1
        for watcher in session.watchers:
            watcher(self)


class NodeState:
    """One node. `hou.Node`s are handles to it; a destroyed one is `dead`."""

    def __init__(self, name: str, type_: Any, parent: Optional[NodeState]) -> None:
        self.name = name
        self.type = type_
        self.parent = parent
        self.identity = next(session.identities)
        self.children: List[NodeState] = []
        self.notes: List[Any] = []
        self.inputs: List[Optional[Tuple[Any, int]]] = []
        """By input: (NodeState beside it, or the number of an input of the subnet around it; output of that)."""
        self.parms: Dict[str, ParmState] = {}
        """By name of the parameter, in the order of the interface."""
        self.user_data: Dict[str, str] = {}
        self.position = (0.0, 0.0)
        self.comment = ""
        self.color: Optional[Tuple[float, float, float]] = None
        self.flags: Dict[str, bool] = {"display": False, "render": False, "bypass": False, "template": False}
        self.locked_contents = False
        """Its children come from an asset and may not be changed."""
        self.dead = False
        self.errors: List[str] = []
        self.warnings: List[str] = []
        self.messages: List[str] = []
        self.geometry: Any = None
        self.transform: Any = None
        """Of an object, when it was set as a matrix."""
        self.cooked_from: Any = None
        """Parameters, with their versions, and nodes that the last cook used; None when it has to cook."""
        self.language = "hscript"

    def path(self) -> str:
        if self.parent is None:
            return "/"
        above = self.parent.path()
        return above + self.name if above == "/" else above + "/" + self.name

    def child(self, name: str) -> Optional[NodeState]:
        return next((child for child in self.children if child.name == name), None)

    def find(self, path: str) -> Optional[NodeState]:
        """A node by path relative to this one, or absolute."""
        at: Optional[NodeState] = session.root if path.startswith("/") else self
        for part in path.split("/"):
            if at is None:
                return None
            if part == "..":
                at = at.parent
            elif part not in ("", "."):
                at = at.child(part)
        return at

    def display_child(self) -> Optional[NodeState]:
        return next((child for child in self.children if child.flags["display"]), None)

    def locking_ancestor(self) -> Optional[NodeState]:
        """The nearest locked asset around it."""
        above = self.parent
        while above is not None:
            if above.locked_contents:
                return above
            above = above.parent
        return None


class Session:
    """One process of Houdini."""

    def __init__(self) -> None:
        self.identities = itertools.count(1)
        self.root: Any = None
        self.types: Any = None
        self.variables: Dict[str, str] = {}
        self.hip = str(
            Path.cwd() / "untitled.hip"
        )  # where a new scene lies is not documented; hython uses its folder [I]
        self.saved = False
        self.frame = 1.0
        self.frame_range = (1.0, 240.0)
        self.fps = 24.0
        self.working: List[NodeState] = []
        """Nodes whose code runs now, innermost last: hou.pwd()."""
        self.local = threading.local()
        self.modules: Dict[Any, Any] = {}
        self.cleaners: List[Any] = []
        """Called with each node that is deleted: graphs may belong to it."""
        self.selected: List[NodeState] = []
        self.read_by_callbacks: Dict[ParmState, Set[NodeState]] = {}
        """TOP nodes whose callbacks read a parameter through hou, past the graph."""
        self.watchers: List[Any] = []
        """Called with each parameter that changes."""

    def version(self) -> Tuple[int, int, int]:
        text = os.environ.get("TOPFORGE_STANDIN_VERSION", "20.5.584")
        if text not in _VERSIONS:
            raise ValueError("TOPFORGE_STANDIN_VERSION is %r; known are %s." % (text, ", ".join(_VERSIONS)))
        return _VERSIONS[text]

    def trackers(self) -> List[List[Any]]:
        """Lists that get every parameter that is evaluated while nodes cook, innermost last."""
        if not hasattr(self.local, "trackers"):
            self.local.trackers = []
        return self.local.trackers

    def generating(self) -> Optional[NodeState]:
        """The TOP node whose callback runs on this thread, as far as it asked for its node."""
        return getattr(self.local, "generating", None)

    def pwd_stack(self) -> List[NodeState]:
        """Callbacks run on several threads, each with its own current node."""
        if not hasattr(self.local, "stack"):
            self.local.stack = []
        return self.local.stack

    def owner(self) -> str:
        return socket.gethostname()


session = Session()

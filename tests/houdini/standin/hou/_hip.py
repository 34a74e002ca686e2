"""hou.hipFile: scenes, through topforge_scene."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Optional

from . import _build, _graph, _scene, _write
from ._compiled import MANAGERS
from ._errors import LoadWarning, OperationFailed
from ._state import NodeState, session
from ._strict import NotInStandIn, StrictMeta


class hipFile(metaclass=StrictMeta):
    """Functions on the scene."""

    @staticmethod
    def load(file_name: str, suppress_save_prompt: bool = False, ignore_load_warnings: bool = False) -> None:
        path = Path(os.path.abspath(os.path.expandvars(file_name)))  # noqa: PTH100  # resolves no links
        try:
            stored = _scene.scene.read(path)
        except _scene.errors.SceneError as problem:
            raise OperationFailed(str(problem)) from problem
        if session.working:
            raise OperationFailed("A scene cannot be loaded while a node cooks")
        hipFile.clear()
        place(str(path), True)
        for name, value in stored.variables.items():
            if name not in ("HIP", "HIPFILE", "HIPNAME", "JOB", "POSE", "E", "EYE", "PI", "status"):
                session.variables[name] = value
        problems: List[str] = []
        for manager, nodes in stored.networks.items():
            parent = session.root.child(manager)
            _build.fill(parent, _scene.network.Node(manager, manager, children=tuple(nodes)), problems)
        if problems and ignore_load_warnings:
            raise NotInStandIn("what becomes of a node of an unknown type: %s" % "; ".join(problems))
        if problems:
            raise LoadWarning("\n".join(problems))

    @staticmethod
    def save(file_name: Optional[str] = None, save_to_recent_files: bool = True) -> None:
        if file_name is not None:
            place(os.path.abspath(file_name), False)  # noqa: PTH100
        networks = {child.name: tuple(_write.node(node) for node in child.children) for child in session.root.children}
        try:
            _scene.scene.write(Path(session.hip), _scene.scene.Scene(networks, dict(session.variables)))
        except _scene.errors.SceneError as problem:
            raise OperationFailed(str(problem)) from problem
        session.saved = True

    @staticmethod
    def clear(suppress_save_prompt: bool = False) -> bool:
        for manager in session.root.children:
            for node in list(manager.children):
                _graph.forget(node)
        session.variables.clear()
        place(str(Path.cwd() / "untitled.hip"), False)
        return True

    @staticmethod
    def path() -> str:
        return session.hip

    @staticmethod
    def name() -> str:
        return os.path.relpath(session.hip)

    @staticmethod
    def basename() -> str:
        return Path(session.hip).name

    @staticmethod
    def setName(file_name: str) -> None:
        place(os.path.abspath(file_name), session.saved)  # noqa: PTH100

    @staticmethod
    def isNewFile() -> bool:
        return not session.saved


def place(path: str, saved: bool) -> None:
    """Where the scene lies from now on; children of the process find it in their environment."""
    session.hip, session.saved = path, saved
    os.environ.update(HIP=str(Path(path).parent), HIPNAME=Path(path).stem, HIPFILE=path)


def new_root() -> NodeState:
    """The root with the managers that every scene has."""
    root = NodeState("", session.types.exact("Director", "root"), None)
    for name in MANAGERS:
        root.children.append(NodeState(name, session.types.exact("Manager", name), root))
    return root

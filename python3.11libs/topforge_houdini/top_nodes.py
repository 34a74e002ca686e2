"""TOP nodes by path, and the PDG objects behind them, with the types that the stubs of `hou` leave open."""

from __future__ import annotations

from typing import Any, cast

import hou


def find(path: str) -> hou.OpNode | None:
    """The node at an absolute path; None when there is none."""
    return cast("hou.OpNode | None", hou.node(path))


def network_of(node: hou.OpNode) -> hou.OpNode:
    """The TOP network that a node stands in, through assets and subnets."""
    parent = node.parent()
    while parent is not None and parent.type().name() != "topnet":
        parent = parent.parent()
    return cast("hou.OpNode", parent or node.parent())


def networks() -> list[hou.OpNode]:
    """All TOP networks of the scene that are not inside locked assets."""
    nodes = cast("tuple[hou.OpNode, ...]", find("/").allSubChildren(recurse_in_locked_nodes=False))  # type: ignore[union-attr]
    return [node for node in nodes if node.type().name() == "topnet"]


def pdg_node(node: hou.OpNode) -> Any:
    """The `pdg.Node` of a TOP node; None before its graph exists."""
    return node.getPDGNode()  # type: ignore[attr-defined]  # the stubs lack it


def graph_context(node: hou.OpNode) -> Any:
    """The `pdg.GraphContext` of the network that a TOP node stands in."""
    return node.getPDGGraphContext()  # type: ignore[attr-defined]  # the stubs lack it

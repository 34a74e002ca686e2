"""What the tools of the shelf do. Each works without a window as well, and returns what it made or found.

They take the tool's `kwargs` ("pane", "ctrlclick", ...), which may be empty. With a window, failures are shown with
their fix, and new nodes are shown in the network editor.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import hou

from topforge import cli
from topforge_houdini import networks, node_settings, runs, scenes
from topforge_houdini.messages import Kwargs, in_dialog
from topforge_scene.network import Node


@in_dialog
def quickstart(kwargs: Kwargs) -> tuple[hou.OpNode, ...]:
    """Makes the quickstart's nodes: in the TOP network of the tool's pane, else in a new one in /tasks.

    Returns:
        The new nodes; the last is the one to cook.
    """
    return _made(kwargs, scenes.quickstart(dataset=scenes.SHIPPED_SAMPLE))


@in_dialog
def kartaverse_network(kwargs: Kwargs) -> tuple[hou.OpNode, ...]:
    """Makes Kartaverse's nvdiffrec network, as `quickstart` places it.

    Ctrl-clicking the tool puts our check of the capture in front.
    """
    return _made(kwargs, scenes.kartaverse(check=bool(kwargs.get("ctrlclick"))))


@in_dialog
def doctor(kwargs: Kwargs) -> str:
    """Judges the selected train node's environment, or TopForge's own, and shows what was found.

    Raises:
        NoEnvironmentError: None is chosen and TopForge's own has not been made.
    """
    prefix = _chosen_environment() or str(node_settings.own_environment("No selected node names an environment"))
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        exit_code = cli.main(["doctor", "--env", prefix])
    text = said.getvalue() + complained.getvalue()
    if hou.isUIAvailable():
        fine = "This machine is fit for TopForge." if exit_code == 0 else "Something needs a hand: see the details."
        severity = hou.severityType.Message if exit_code == 0 else hou.severityType.Warning
        hou.ui.displayMessage(fine, title="TopForge Doctor", details=text, details_expanded=True, severity=severity)
    else:
        print(text, end="")
    return text


@in_dialog
def open_run_folder(kwargs: Kwargs) -> Path:
    """Opens the newest run folder of the selected TopForge nodes, or of all, in the system's file browser."""
    run = runs.newest(runs.our_nodes(_selected()))
    if hou.isUIAvailable():
        hou.ui.showInFileBrowser(run.as_posix() + "/")
    return run


@in_dialog
def import_latest(kwargs: Kwargs) -> hou.OpNode:
    """Makes a geometry object that reads the newest result of the selected TopForge nodes, or of all."""
    manifest = runs.newest_result(runs.our_nodes(_selected()))
    node = networks.create(_root("/obj"), scenes.imported_file(manifest.as_posix()))
    _show(node)
    return node


@in_dialog
def reference_in_solaris(kwargs: Kwargs) -> hou.OpNode:
    """References the newest result's USD in /stage, with material and light."""
    from topforge_houdini import solaris  # only here: it needs Houdini's pxr

    manifest = runs.newest_result(runs.our_nodes(_selected()), role="usd")
    node = solaris.reference(_root("/stage"), manifest)
    _show(node)
    return node


def _made(kwargs: Kwargs, network: Node) -> tuple[hou.OpNode, ...]:
    pane = kwargs.get("pane")
    here = cast("hou.OpNode | None", pane.pwd()) if pane is not None else None
    if here is not None and here.childTypeCategory() == hou.topNodeTypeCategory() and here.path() != "/tasks":
        nodes = networks.create_all(here, network)
    else:
        topnet = networks.create(_root("/tasks"), network)
        nodes = tuple(cast(hou.OpNode, topnet.node(child.name)) for child in network.children)
    _show(nodes[-1])
    return nodes


def _root(path: str) -> hou.OpNode:
    return cast(hou.OpNode, hou.node(path))


def _selected() -> Sequence[hou.OpNode]:
    return cast("Sequence[hou.OpNode]", hou.selectedNodes())


def _show(node: hou.OpNode) -> None:
    """Selects a node, and takes the network editor there."""
    node.setSelected(True, clear_all_selected=True)
    if hou.isUIAvailable():
        editor = hou.ui.paneTabOfType(hou.paneTabType.NetworkEditor)
        if editor is not None:
            cast(hou.NetworkEditor, editor).setCurrentNode(node)


def _chosen_environment() -> str:
    """Environment Path of the first selected node that has one."""
    chosen = (str(node.evalParm("environment")) for node in _selected() if node.parm("environment") is not None)
    return next(filter(None, chosen), "")

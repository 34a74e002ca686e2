"""A result in Solaris: a Reference LOP to its asset.usda, which brings mesh, material, dome light and cameras.

The USD holds a UsdPreviewSurface and a MaterialX look and names its textures beside it, so nothing has to be built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import hou

from topforge import results
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge_houdini import messages, result_choice
from topforge_houdini.networks import MissingParameterError

FILE_PARM = "filepath1"
"""First file of a Reference LOP; `primpath1` keeps its default, a prim named after the node."""
_MADE = "topforge_reference"
"""Mark in a node's user data: ours, and may be pointed to a newer result."""


class NoReferenceError(TopForgeError):
    """A Reference LOP cannot be made."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__("No Reference node can be made in %s: %s." % (path, problem), "Choose a LOP network: /stage.")


def reference(stage: hou.OpNode, manifest: Path) -> hou.OpNode:
    """References a result's USD; a reference to the same item that was made before is pointed to this result.

    Args:
        stage: The LOP network: /stage.
        manifest: The result.json.

    Returns:
        The Reference LOP, displayed.

    Raises:
        TopForgeError: The result is damaged or has no USD; `stage` is no LOP network; the LOP has other parameters.
    """
    result = results.read(manifest.parent)
    result_choice.check(result)
    file = result_choice.output(result, "usd", "Import its mesh instead: its trainer writes no USD.")
    node = _node(stage, re.sub(r"[^A-Za-z0-9_]", "_", "topforge_" + result.name))
    parm = node.parm(FILE_PARM)
    if parm is None:
        raise MissingParameterError(node, FILE_PARM)
    parm.set(file.as_posix())
    node.setUserData(_MADE, result.run.as_posix())
    node.setDisplayFlag(True)
    return node


def _node(stage: hou.OpNode, name: str) -> hou.LopNode:
    old = cast("hou.LopNode | None", stage.node(name))
    if old is not None and old.userData(_MADE) is not None:
        return old
    try:
        made = cast(hou.LopNode, stage.createNode("reference", name))
    except hou.OperationFailed as error:
        raise NoReferenceError(stage.path(), error.instanceMessage()) from error
    made.moveToGoodPosition()
    return made


@messages.in_dialog
def create_reference(kwargs: Mapping[str, Any]) -> hou.OpNode:
    """The button Reference in Solaris."""
    result = result_choice.chosen(cast(hou.OpNode, kwargs["node"]))
    return reference(cast(hou.OpNode, hou.node("/stage")), RunPaths(result.run).manifest)

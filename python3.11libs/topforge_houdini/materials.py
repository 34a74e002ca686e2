"""A result's textures as a MaterialX standard_surface that Karma renders, under /mat.

The texture of occlusion, roughness and metalness is split: green is roughness, blue metalness. Occlusion is not used;
Karma computes its own. The normal map is OpenGL's and needs no flip (docs/results.md).

Not yet seen in a real Houdini: the tokens of `filecolorspace`, and that outputs of mtlxseparate3c are red, green, blue.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import hou

from topforge.errors import TopForgeError
from topforge.results import Result
from topforge_houdini import messages, result_choice
from topforge_houdini.networks import MissingParameterError

SRGB, RAW = "srgb_texture", "Raw"
_MADE = "topforge_material"
"""Mark in a node's user data: ours, and may be made anew."""
_GREEN, _BLUE = 1, 2
"""Outputs of mtlxseparate3c."""
_NO_TEXTURES = "Choose a result of a trainer that paints textures, or make a material by hand that takes the color Cd."


class OccupiedMaterialError(TopForgeError):
    """Another node has the material's path."""

    def __init__(self, path: str) -> None:
        super().__init__("%s is there already, and not made by this button." % path, "Change Material Path.")


class NoMaterialParentError(TopForgeError):
    """The material's path leads nowhere."""

    def __init__(self, path: str) -> None:
        super().__init__("There is no material network for %r." % path, "Set Material Path to /mat and a name.")


class MissingShaderError(TopForgeError):
    """This Houdini lacks a MaterialX node."""

    def __init__(self, type_name: str, path: str) -> None:
        super().__init__(
            "There is no shader node %s for %s in this Houdini." % (type_name, path),
            "Reference asset.usda in Solaris instead: it brings its own material.",
        )


def make(result: Result, path: str) -> hou.OpNode:
    """Makes the material, in place of one that was made before.

    Args:
        result: Its textures are used where they lie.
        path: Of the material: "/mat/asset".

    Returns:
        The material's node.

    Raises:
        TopForgeError: The result has no textures; the path is taken or leads nowhere; Houdini lacks a node.
    """
    textures = {
        role: result_choice.output(result, "texture:" + role, _NO_TEXTURES)
        for role in ("base_color", "occlusion_roughness_metallic", "normal")
    }
    parent_path, _, name = path.rpartition("/")
    parent = cast("hou.OpNode | None", hou.node(parent_path)) if parent_path and name else None
    if parent is None or parent.childTypeCategory() != hou.vopNodeTypeCategory():
        raise NoMaterialParentError(path)
    old = parent.node(name)
    if old is not None and old.userData(_MADE) is None:
        raise OccupiedMaterialError(path)
    if old is not None:
        old.destroy()
    builder = _builder(parent, name)
    try:
        _fill(builder, textures)
    except TopForgeError:
        builder.destroy()  # all of a material or nothing
        raise
    builder.setUserData(_MADE, result.run.as_posix())
    builder.layoutChildren()
    return builder


def _builder(parent: hou.OpNode, name: str) -> hou.OpNode:
    """A Karma material builder, or a plain subnet where Houdini's own function for it is not what it was.

    That function is private to Houdini; nothing public makes one.
    """
    try:
        tools = importlib.import_module("voptoolutils")
        made = tools._setupMtlXBuilderSubnet(
            subnet_node=None,
            destination_node=parent,
            name=name,
            mask=tools.KARMAMTLX_TAB_MASK,
            folder_label="Karma Material Builder",
            render_context="kma",
        )
    except (ImportError, AttributeError, TypeError, hou.Error):
        made = None
    found = cast("hou.OpNode | None", made or parent.node(name))
    if found is not None:
        return found
    subnet = cast(hou.VopNode, parent.createNode("subnet", name))
    subnet.setMaterialFlag(True)
    return subnet


def _fill(builder: hou.OpNode, textures: Mapping[str, Path]) -> None:
    surface = _of_type(builder, "mtlxstandard_surface")
    base_color = _image(builder, "base_color", textures["base_color"], "color3", SRGB)
    packed = _image(builder, "occlusion_roughness_metallic", textures["occlusion_roughness_metallic"], "color3", RAW)
    bumps = _image(builder, "normal", textures["normal"], "vector3", RAW)
    channels = _create(builder, "mtlxseparate3c", "channels")
    normal_map = _create(builder, "mtlxnormalmap", "normal_map")
    channels.setNamedInput("in", packed, 0)
    normal_map.setNamedInput("in", bumps, 0)
    surface.setNamedInput("base_color", base_color, 0)
    surface.setNamedInput("specular_roughness", channels, _GREEN)
    surface.setNamedInput("metalness", channels, _BLUE)
    surface.setNamedInput("normal", normal_map, 0)
    _of_type(builder, "suboutput").setInput(0, surface)


def _image(builder: hou.OpNode, name: str, file: Path, signature: str, colour_space: str) -> hou.OpNode:
    node = _create(builder, "mtlximage", name)
    for parm, value in (("signature", signature), ("file", file.as_posix()), ("filecolorspace", colour_space)):
        component = node.parm(parm)
        if component is None:
            raise MissingParameterError(node, parm)
        component.set(value)
    return node


def _of_type(builder: hou.OpNode, type_name: str) -> hou.OpNode:
    """The node of that type that the builder came with, or a new one."""
    found = [child for child in builder.children() if child.type().name() == type_name]
    return found[0] if found else _create(builder, type_name, type_name)


def _create(builder: hou.OpNode, type_name: str, name: str) -> hou.OpNode:
    try:
        return builder.createNode(type_name, name)
    except hou.OperationFailed as error:
        raise MissingShaderError(type_name, builder.path()) from error


@messages.in_dialog
def create_material(kwargs: Mapping[str, Any]) -> hou.OpNode:
    """The button Create Material."""
    node = cast(hou.OpNode, kwargs["node"])
    return make(result_choice.chosen(node), str(node.evalParm("materialpath")))

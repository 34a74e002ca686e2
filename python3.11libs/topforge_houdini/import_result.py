"""The SOP `topforge::import`: result.json -> polygons with texture coordinates, normals and a material path.

Files are read by Houdini, attributes are set for whole geometries: no line here runs once for each point or polygon,
so that a mesh of ten million polygons takes as long as Houdini needs to read it. Everything is checked and read into
geometries of its own first; only then is the node's filled. It shows a whole result or none.

Where Houdini's reader puts `uv` and `N` (vertices, or points where all corners agree) is its own affair; both are what
nodes below expect. Not yet seen in a real Houdini: scripts/selfcheck.py looks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import hou

from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.results import Result
from topforge_houdini import cameras, messages, result_choice, vertex_colours

MATERIAL_ATTRIBUTE = "shop_materialpath"
PREVIEW = "mesh_preview"
"""Role of a light mesh beside the whole one."""
MESH, HULL, BOUND = "mesh", "hull", "bound"
"""Values of the primitive attribute `name`; that of a camera is `cameras/` and its photograph's name."""


class UnreadableGeometryError(TopForgeError):
    """Houdini cannot read a file of the result."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "%s: %s." % (path, problem), "Set Verify to Hash to see whether the file was changed; else run it again."
        )


class ReplacedResultError(TopForgeError):
    """The run published a new result meanwhile."""

    def __init__(self, path: Path) -> None:
        super().__init__("%s was replaced while it was read." % path, "Press Reload.")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the node's parameters ask for."""

    material: str
    """Path of the material; "" for none."""
    preview: bool
    """The light mesh, where there is one."""
    cameras: bool
    hull: bool
    bound: bool

    @classmethod
    def of(cls, node: hou.OpNode) -> Wanted:
        """As set on an import node."""
        path = str(node.evalParm("materialpath")) if node.evalParm("material") else ""
        return cls(path, *(bool(node.evalParm(name)) for name in ("preview", "cameras", "hull", "bound")))


def cook(load: hou.SopNode) -> None:
    """Fills the geometry of the Python SOP inside an import node.

    Raises:
        hou.NodeError: The result is missing, incomplete or damaged: names the file and the fix. The node is empty then.
    """
    node = cast(hou.SopNode, load.parent())
    try:
        result = result_choice.chosen(node)
        geometry, missing = read(result, Wanted.of(node))
    except TopForgeError as error:
        raise hou.NodeError(messages.text(error)) from error
    target = cast(hou.Geometry, load.geometry())  # of a node that cooks
    target.clear()
    target.merge(geometry)
    set_details(target, result)
    if missing:
        load.addWarning("This result has no %s." % " and no ".join(missing))
    remark = surface_remark(result, target)
    if remark:
        load.addMessage(remark)


def read(result: Result, wanted: Wanted) -> tuple[hou.Geometry, list[str]]:
    """A result's geometry, and which of the wanted parts it never had.

    Raises:
        TopForgeError: A file of it cannot be read, or holds something else than it should.
    """
    before = _manifest(result)
    whole = hou.Geometry()
    whole.merge(_mesh(result, wanted))
    missing = []
    if wanted.hull:
        missing += _merge(whole, _hull(result), "mask hull (its photographs have no masks, or its trainer no hull)")
    if wanted.cameras:
        missing += _merge(whole, cameras.geometry(result), "cameras")
    if wanted.bound:
        missing += _merge(whole, cameras.box(result), "training bound")
    if _manifest(result) != before:
        raise ReplacedResultError(RunPaths(result.run).manifest)
    return whole, missing


def surface_remark(result: Result, geometry: hou.Geometry) -> str:
    """What an artist would look for in vain on a mesh without textures, and what there is instead; else ""."""
    if is_textured(result):
        return ""
    if geometry.findPointAttrib(vertex_colours.ATTRIBUTE) is None:
        return "This result has no textures, no texture coordinates (uv) and no colors, so no material is assigned."
    return (
        "This result has no textures and no texture coordinates (uv), so no material is assigned. Its colors are on "
        "its points (Cd, linear)."
    )


def is_textured(result: Result) -> bool:
    """Whether a material can be made of it."""
    return bool(result.with_role("texture:base_color"))


def _merge(whole: hou.Geometry, part: hou.Geometry | None, what: str) -> list[str]:
    if part is None:
        return [what]
    whole.merge(part)
    return []


def _mesh(result: Result, wanted: Wanted) -> hou.Geometry:
    is_preview = wanted.preview and bool(result.with_role(PREVIEW))
    path = result_choice.output(result, PREVIEW if is_preview else MESH, "Choose a result that holds a mesh.")
    geometry = load(path)
    expected = None if is_preview else result.metrics.get("triangles")
    if expected is not None and geometry.primCount() != int(expected):
        problem = "Houdini reads %d polygons; the trainer wrote %d" % (geometry.primCount(), int(expected))
        raise UnreadableGeometryError(path, problem)
    name_all(geometry, MESH)
    if path.suffix.lower() == ".ply":
        vertex_colours.apply(geometry, path)
    if wanted.material and is_textured(result):
        of_reader = geometry.findPrimAttrib(MATERIAL_ATTRIBUTE)  # it may come from the OBJ's usemtl
        if of_reader is not None:
            of_reader.destroy()
        fill(geometry, MATERIAL_ATTRIBUTE, wanted.material)
    return geometry


def _hull(result: Result) -> hou.Geometry | None:
    found = result.with_role("hull")
    if not found:
        return None
    geometry = load(result.path(found[0]))
    name_all(geometry, HULL)
    return geometry


def load(path: Path) -> hou.Geometry:
    """A file as Houdini reads it, in a geometry of its own.

    Raises:
        UnreadableGeometryError: Houdini refuses it, or finds no polygon in it.
    """
    geometry = hou.Geometry()
    try:
        geometry.loadFromFile(path.as_posix())
    except hou.OperationFailed as error:
        raise UnreadableGeometryError(path, "Houdini cannot read it (%s)" % error.instanceMessage()) from error
    if geometry.primCount() == 0:
        raise UnreadableGeometryError(path, "holds no polygons")
    return geometry


def name_all(geometry: hou.Geometry, name: str) -> None:
    """Gives all primitives one `name`, in place of whatever the reader called them."""
    of_reader = geometry.findPrimAttrib("name")
    if of_reader is not None:
        of_reader.destroy()
    fill(geometry, "name", name)


def fill(geometry: hou.Geometry, attribute: str, text: str) -> None:
    """Gives all primitives one text: a text attribute has no default that would do it (hou.Geometry.addAttrib)."""
    geometry.addAttrib(hou.attribType.Prim, attribute, "")
    geometry.setPrimStringAttribValues(attribute, (text,) * geometry.primCount())


def set_details(geometry: hou.Geometry, result: Result) -> None:
    """Says on the geometry where it comes from: run, item, adapter, licence, and its PSNR in dB if it was measured."""
    texts = {
        "run": result.run.as_posix(),
        "item": result.name,
        "adapter": result.adapter,
        "licence": "\n".join(result.licences),
    }
    for name, text in texts.items():
        geometry.addAttrib(hou.attribType.Global, name, "")
        geometry.setGlobalAttribValue(name, text)
    if "psnr" in result.metrics:
        geometry.addAttrib(hou.attribType.Global, "psnr", 0.0)
        geometry.setGlobalAttribValue("psnr", float(result.metrics["psnr"]))


def _manifest(result: Result) -> bytes:
    path = RunPaths(result.run).manifest
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReplacedResultError(path) from error


def reload_result(kwargs: Mapping[str, Any]) -> None:
    """The button Reload: reads the result again, which Houdini would not do since no parameter has changed."""
    inner = cast(hou.SopNode, kwargs["node"].node("load"))
    try:
        inner.cook(force=True)
    except hou.OperationFailed:
        pass  # the node shows its own error

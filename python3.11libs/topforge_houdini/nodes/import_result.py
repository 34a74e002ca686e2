"""`topforge::import`: a finished result as geometry."""

from __future__ import annotations

from topforge_houdini.nodes.common import NodeEntry, button, text
from topforge_scene.dialog_script import Entry, Folder, Menu, Parameter
from topforge_scene.network import Connection, Node, Parm
from topforge_scene.scene_constants import VERSION as HOUDINI

_COOK = "from topforge_houdini import import_result; import_result.cook(hou.pwd())"

OVERVIEW = """
Reads the mesh that a run published: polygons with texture coordinates (`uv`), normals (`N`) and the path of a
material. Cameras, the hull of the masks and the training box can be shown beside it, to see why a result is as it is.

A surface without textures (Neuralangelo's) comes with the color of its points, `Cd`, linear, and without `uv` and
material; the node's message says so.

The whole result is checked first. When a file is missing, cut or changed, the node says which and shows nothing; it
never shows half a mesh. Houdini's own readers load the geometry.
"""


def _source() -> Folder:
    source = Menu((("file", "Result File"), ("top", "TOP Node")))
    checks = Menu((("size", "Size"), ("hash", "Hash")))
    return Folder(
        "result_tab",
        "Result",
        (
            Parameter(
                "resultsource",
                "Source",
                "string",
                default=("file",),
                menu=source,
                help="Where the result comes from: a result.json, or the newest finished item of a TOP node.",
            ),
            Parameter(
                "resultfile",
                "Result File",
                "file",
                tags=(("filechooser_pattern", "result.json"), ("filechooser_mode", "read")),
                help="The result.json of a run. Mesh, textures and cameras are found through it.",
                hide_when="{ resultsource != file }",
            ),
            Parameter(
                "toppath",
                "TOP Node",
                "oppath",
                tags=(("opfilter", "!!TOP!!"), ("oprelative", ".")),
                help="A TopForge Train node. The item that finished last is imported; press Reload when there is a "
                "newer one.",
                hide_when="{ resultsource != top }",
            ),
            Parameter(
                "verify",
                "Verify",
                "string",
                default=("size",),
                menu=checks,
                help="What is compared with result.json before anything is shown. Size finds files that are missing or "
                "cut. Hash reads every file, and finds changed ones as well.",
            ),
            button("reload", "Reload", "reload_result", "Reads the result again."),
        ),
    )


def _toggle(name: str, label: str, words: str, default: str = "0") -> Parameter:
    return Parameter(name, label, "toggle", default=(default,), help=words)


def _geometry() -> Folder:
    items: tuple[Entry, ...] = (
        _toggle(
            "material",
            "Material",
            "Gives the mesh the path below as `shop_materialpath`. Off: what Houdini's reader found stays.",
            "1",
        ),
        text(
            "materialpath",
            "Material Path",
            "Where the material is, or where Create Material makes it.",
            "/mat/$OS",
            disable_when="{ material == 0 }",
        ),
        _toggle(
            "preview",
            "Preview Mesh",
            "Shows the light preview of a mesh of millions of polygons, where the result has one; else the mesh.",
        ),
        _toggle(
            "cameras",
            "Cameras",
            "Shows each photograph's camera as a small frustum: one open polygon with `name`, `image`, `focal` and "
            "`aperture` in millimetres, `resolution` in pixels, `window` and `transform` (camera to world, 4 x 4, for "
            "row vectors; nodes that move the frusta do not change it).",
        ),
        _toggle("hull", "Mask Hull", "Shows what all masks have in common: the outermost the shape could be."),
        _toggle("bound", "Training Box", "Shows the cube that the object had to fit in, as lines."),
    )
    return Folder("geometry_tab", "Geometry", items)


def _more() -> Folder:
    return Folder(
        "more_tab",
        "Look",
        (
            button(
                "creatematerial",
                "Create Material",
                "create_material",
                "Makes a MaterialX material for Karma at Material Path from the result's textures. Pressed again, it "
                "makes it anew.",
            ),
            button(
                "createcameras",
                "Create Cameras",
                "create_cameras",
                "Makes camera objects in /obj that see what the photographs show, with the photographs behind them.",
            ),
            button(
                "reference",
                "Reference in Solaris",
                "create_reference",
                "References the result's USD in /stage: mesh, material, the fitted light and the cameras.",
            ),
        ),
    )


def _children() -> tuple[Node, ...]:
    load = Node("load", "python", (Parm("python", (_COOK,)),), version=HOUDINI)
    output = Node(
        "output0",
        "output",
        (Parm("outputidx", (0,)),),
        (Connection("load"),),
        outputs=(),
        version=HOUDINI,
        position=(0.0, -1.5),
        display=True,
        render=True,
    )
    return (load, output)


NODE = NodeEntry(
    name="import",
    table="Sop",
    label="TopForge Import",
    icon="import.svg",
    summary="Shows a finished result as polygons with texture coordinates, normals and a material.",
    overview=OVERVIEW,
    parameters=(_source(), _geometry(), _more()),
    children=_children(),
    keywords=("result", "mesh", "textures", "OBJ", "photogrammetry", "cameras", "hull", "result.json"),
    tasks=(
        (
            "look at a result with its material",
            (
                "Choose the result in __Result File__, or a train node in __TOP Node__.",
                "Press __Create Material__.",
                "Render with Karma, or look in a viewport that shows MaterialX.",
            ),
        ),
        (
            "see whether cameras and masks were right",
            (
                "Turn on __Cameras__, __Mask Hull__ and __Training Box__.",
                "The hull should look like the object, be whole, and lie inside the box.",
            ),
        ),
    ),
    tips=(
        "Solaris needs none of this: asset.usda in the result folder holds mesh, material, light and cameras.",
        "Split or delete by the primitive attribute `name`: `mesh`, `hull`, `bound`, `cameras/...`.",
    ),
    warnings=(
        "The node does not notice by itself that a run has finished or was repeated: press __Reload__.",
        "The mesh is in the capture's units and axes, y up. Nothing is scaled.",
    ),
    outputs=(
        ("uv", "Texture coordinates, three floats, v upwards."),
        ("N", "Normals."),
        ("shop_materialpath", "Primitive attribute: path of the material."),
        ("name", "Primitive attribute: `mesh`, `hull`, `bound` or `cameras/` and the photograph's name."),
        ("psnr", "Detail attribute: how near the held-out views are to the photographs, in dB; when it was measured."),
        ("run, item, adapter, licence", "Detail attributes: where it comes from and what may be done with it."),
    ),
    related=("top/topforge::train::1.0", "sop/file"),
    imports=(
        ("import_result", "reload_result"),
        ("cameras", "create_cameras"),
        ("materials", "create_material"),
        ("solaris", "create_reference"),
    ),
    message_nodes="load",
    descriptive_parm="resultfile",
)

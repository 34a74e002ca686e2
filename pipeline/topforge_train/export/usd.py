"""OpenUSD as text: mesh, UsdPreviewSurface and MaterialX looks, dome light, cameras. Textures lie beside it.

Written as text, so that exporting needs no USD library; the tests read it with Pixar's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from topforge import atomic
from topforge_capture.usd_text import asset_text, camera_text, indented, mesh_text, numbers, prim_names, tuples
from topforge_train.export.asset import Asset, AssetCamera, v_turned
from topforge_train.export.usd_material import material_text

DOC = "Written by TopForge. Textures are linear unless marked sRGB; the light is asset units, unscaled."
BOUND = """ (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )"""
LOOK = """        texCoord2f[] primvars:st = [%(st)s] (
            interpolation = "faceVarying"
        )
        int[] primvars:st:indices = [%(st_indices)s]
        rel material:binding = </asset/material>
"""

# UsdLux follows OpenEXR: longitude falls from +pi at the left edge to -pi at the right one, longitude 0 (the image's
# centre) is +z, longitude pi/2 is +x, left of it. Ours has -z in the centre and +x right of it: half a turn about y.
DOME = """    def DomeLight "light"
    {
        asset inputs:texture:file = @textures/probe.hdr@
        token inputs:texture:format = "latlong"
        float inputs:intensity = 1
        float xformOp:rotateY = 180
        uniform token[] xformOpOrder = ["xformOp:rotateY"]
    }
"""


def write_usd(folder: Path, asset: Asset) -> None:
    """Writes asset.usda and textures/ into `folder`; the caller puts the light at textures/probe.hdr."""
    textures = folder / "textures"
    textures.mkdir(exist_ok=True)
    normal = "normal_16" if asset.normal_bits == 16 else "normal"
    for name, picture in (("base_color",) * 2, ("occlusion_roughness_metallic",) * 2, ("normal", normal)):
        atomic.write_bytes(textures / (name + ".png"), asset.pictures[picture])
    atomic.write_text(folder / "asset.usda", usda_text(asset))


def usda_text(asset: Asset) -> str:
    """The whole layer."""
    parts = [surface_text(asset), material_text(asset.opacity is not None), DOME, cameras_text(asset.cameras)]
    return asset_text(DOC, parts)


def surface_text(asset: Asset) -> str:
    """The mesh prim; texture v upwards, as USD has it."""
    look = LOOK % {"st": tuples(v_turned(asset.uv)), "st_indices": numbers(asset.uv_triangles)}
    two_sides = asset.opacity is not None  # whoever sees through a surface sees the inner side behind it
    return mesh_text(asset.vertices, asset.triangles, asset.normals, look, BOUND, two_sides)


def cameras_text(cameras: Sequence[AssetCamera]) -> str:
    """The cameras below a prim of their own."""
    prims = prim_names([camera.name for camera in cameras])
    texts = (
        camera_text(
            prim,
            camera.name,
            camera.camera_to_world,
            (camera.width, camera.height),
            camera.fov_y,
            camera.principal_offset,
            (camera.near, camera.far),
        )
        for camera, prim in zip(cameras, prims)
    )
    return '    def Scope "cameras"\n    {\n%s    }\n' % indented("".join(texts), 2)

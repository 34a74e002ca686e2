"""OpenUSD as text: mesh, UsdPreviewSurface and MaterialX looks, dome light, cameras. Textures lie beside it.

Written as text, so that exporting needs no USD library; the tests read it with Pixar's.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from topforge import atomic
from topforge_train.export import images
from topforge_train.export.asset import Asset, AssetCamera

APERTURE = 20.955
"""Horizontal film aperture in tenths of a scene unit, USD's default; focal lengths follow from it."""

HEADER = """#usda 1.0
(
    defaultPrim = "asset"
    metersPerUnit = 1
    upAxis = "Y"
    doc = "Written by TopForge. Textures are linear unless marked sRGB; the light is asset units, unscaled."
)

def Xform "asset" (
    kind = "component"
)
{
"""

MESH = """    def Mesh "mesh" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {
        uniform token subdivisionScheme = "none"
        uniform token orientation = "rightHanded"
        float3[] extent = [%(extent)s]
        int[] faceVertexCounts = [%(counts)s]
        int[] faceVertexIndices = [%(indices)s]
        point3f[] points = [%(points)s]
        normal3f[] normals = [%(normals)s] (
            interpolation = "vertex"
        )
        texCoord2f[] primvars:st = [%(st)s] (
            interpolation = "faceVarying"
        )
        int[] primvars:st:indices = [%(st_indices)s]
        rel material:binding = </asset/material>
    }
"""

MATERIAL = """    def Material "material" (
        prepend apiSchemas = ["MaterialXConfigAPI"]
    )
    {
        string config:mtlx:version = "1.38"
        token outputs:surface.connect = </asset/material/preview.outputs:surface>
        token outputs:mtlx:surface.connect = </asset/material/standard.outputs:out>

        def Shader "preview"
        {
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor.connect = </asset/material/base_color.outputs:rgb>
            float inputs:roughness.connect = </asset/material/orm.outputs:g>
            float inputs:metallic.connect = </asset/material/orm.outputs:b>
            float inputs:occlusion.connect = </asset/material/orm.outputs:r>
            normal3f inputs:normal.connect = </asset/material/normal.outputs:rgb>
            token outputs:surface
        }

        def Shader "st"
        {
            uniform token info:id = "UsdPrimvarReader_float2"
            string inputs:varname = "st"
            float2 outputs:result
        }

        def Shader "base_color"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/base_color.png@
            token inputs:sourceColorSpace = "sRGB"
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float2 inputs:st.connect = </asset/material/st.outputs:result>
            float3 outputs:rgb
        }

        def Shader "orm"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/occlusion_roughness_metallic.png@
            token inputs:sourceColorSpace = "raw"
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float2 inputs:st.connect = </asset/material/st.outputs:result>
            float outputs:r
            float outputs:g
            float outputs:b
        }

        def Shader "normal"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/normal.png@
            token inputs:sourceColorSpace = "raw"
            float4 inputs:scale = (2, 2, 2, 1)
            float4 inputs:bias = (-1, -1, -1, 0)
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float2 inputs:st.connect = </asset/material/st.outputs:result>
            float3 outputs:rgb
        }

        def Shader "standard"
        {
            uniform token info:id = "ND_standard_surface_surfaceshader"
            float inputs:base = 1
            color3f inputs:base_color.connect = </asset/material/mtlx_base_color.outputs:out>
            float inputs:specular_roughness.connect = </asset/material/mtlx_channels.outputs:outy>
            float inputs:metalness.connect = </asset/material/mtlx_channels.outputs:outz>
            vector3f inputs:normal.connect = </asset/material/mtlx_normalmap.outputs:out>
            token outputs:out
        }

        def Shader "mtlx_base_color"
        {
            uniform token info:id = "ND_image_color3"
            asset inputs:file = @textures/base_color.png@ (
                colorSpace = "srgb_texture"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            color3f outputs:out
        }

        def Shader "mtlx_orm"
        {
            uniform token info:id = "ND_image_vector3"
            asset inputs:file = @textures/occlusion_roughness_metallic.png@ (
                colorSpace = "raw"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            vector3f outputs:out
        }

        def Shader "mtlx_channels"
        {
            uniform token info:id = "ND_separate3_vector3"
            vector3f inputs:in.connect = </asset/material/mtlx_orm.outputs:out>
            float outputs:outx
            float outputs:outy
            float outputs:outz
        }

        def Shader "mtlx_normal"
        {
            uniform token info:id = "ND_image_vector3"
            asset inputs:file = @textures/normal.png@ (
                colorSpace = "raw"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            vector3f outputs:out
        }

        def Shader "mtlx_normalmap"
        {
            uniform token info:id = "ND_normalmap"
            vector3f inputs:in.connect = </asset/material/mtlx_normal.outputs:out>
            vector3f outputs:out
        }
    }
"""

# UsdLux places the centre of a latitude-longitude image at +z and +x left of it (as OpenEXR does); ours has -z in the
# centre and +x right of it: half a turn about y.
DOME = """    def DomeLight "light"
    {
        asset inputs:texture:file = @textures/probe.hdr@
        token inputs:texture:format = "latlong"
        float inputs:intensity = 1
        float xformOp:rotateY = 180
        uniform token[] xformOpOrder = ["xformOp:rotateY"]
    }
"""

CAMERA = """        def Camera "%(name)s"
        {
            token projection = "perspective"
            float focalLength = %(focal).9g
            float horizontalAperture = %(aperture).9g
            float verticalAperture = %(vertical).9g
            float2 clippingRange = (%(near).9g, %(far).9g)
            matrix4d xformOp:transform = ( %(rows)s )
            uniform token[] xformOpOrder = ["xformOp:transform"]
        }
"""


def write_usd(folder: Path, asset: Asset) -> None:
    """Writes asset.usda and textures/ into `folder`; the caller puts the light at textures/probe.hdr."""
    textures = folder / "textures"
    textures.mkdir(exist_ok=True)
    for name, pixels in (
        ("base_color", images.base_color(asset)),
        ("occlusion_roughness_metallic", images.occlusion_roughness_metallic(asset)),
        ("normal", images.normal(asset)),
    ):
        atomic.write_bytes(textures / (name + ".png"), images.png(pixels))
    atomic.write_text(folder / "asset.usda", usda_text(asset))


def usda_text(asset: Asset) -> str:
    """The whole layer."""
    cameras = "".join(camera_text(camera) for camera in asset.cameras)
    return "".join([HEADER, mesh_text(asset), MATERIAL, DOME, '    def Scope "cameras"\n    {\n', cameras, "    }\n}\n"])


def mesh_text(asset: Asset) -> str:
    """The mesh prim; texture v upwards, as USD has it."""
    flipped = asset.uv * np.float32([1.0, -1.0]) + np.float32([0.0, 1.0])
    extent = np.stack([asset.vertices.min(0), asset.vertices.max(0)])
    return MESH % {
        "extent": tuples(extent),
        "counts": ", ".join(["3"] * len(asset.triangles)),
        "indices": numbers(asset.triangles),
        "points": tuples(asset.vertices),
        "normals": tuples(asset.normals),
        "st": tuples(flipped),
        "st_indices": numbers(asset.uv_triangles),
    }


def tuples(rows: "np.ndarray") -> str:
    """Rows of floats as USD tuples."""
    form = "(" + ", ".join(["%.7g"] * rows.shape[1]) + ")"
    return ", ".join([form] * len(rows)) % tuple(rows.reshape(-1).tolist())


def numbers(values: "np.ndarray") -> str:
    """Integers, comma separated."""
    return ", ".join(map(str, values.reshape(-1).tolist()))


def camera_text(camera: AssetCamera) -> str:
    """One camera prim. USD stores matrices for row vectors: the transpose of ours."""
    vertical = APERTURE * camera.height / camera.width
    rows = camera.camera_to_world.T
    return CAMERA % {
        "name": identifier(camera.name),
        "focal": 0.5 * vertical / math.tan(0.5 * camera.fov_y),
        "aperture": APERTURE,
        "vertical": vertical,
        "near": camera.near,
        "far": camera.far,
        "rows": ", ".join("(%.9g, %.9g, %.9g, %.9g)" % tuple(row) for row in rows),
    }


def identifier(name: str) -> str:
    """A valid prim name: letters, digits, underscores, not beginning with a digit."""
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return "_" + cleaned if not cleaned or cleaned[0].isdigit() else cleaned

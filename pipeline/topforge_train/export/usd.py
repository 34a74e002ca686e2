"""OpenUSD as text: mesh, UsdPreviewSurface and MaterialX looks, dome light, cameras. Textures lie beside it.

Written as text, so that exporting needs no USD library; the tests read it with Pixar's.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import List, Sequence

import numpy as np

from topforge import atomic
from topforge_train.export import images
from topforge_train.export.asset import Asset, AssetCamera
from topforge_train.export.usd_material import material_text

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
        uniform bool doubleSided = %(two_sides)d
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

CAMERA = """        def Camera "%(name)s" (
            displayName = %(label)s
        )
        {
            token projection = "perspective"
            float focalLength = %(focal).9g
            float horizontalAperture = %(aperture).9g
            float verticalAperture = %(vertical).9g
            float horizontalApertureOffset = %(offset_x).9g
            float verticalApertureOffset = %(offset_y).9g
            float2 clippingRange = (%(near).9g, %(far).9g)
            matrix4d xformOp:transform = ( %(rows)s )
            uniform token[] xformOpOrder = ["xformOp:transform"]
        }
"""


def write_usd(folder: Path, asset: Asset) -> None:
    """Writes asset.usda and textures/ into `folder`; the caller puts the light at textures/probe.hdr."""
    textures = folder / "textures"
    textures.mkdir(exist_ok=True)
    orm = images.png(images.occlusion_roughness_metallic(asset))
    fine = asset.normal_bits == 16
    normal = images.png_16(images.normal_16(asset)) if fine else images.png(images.normal(asset))
    for name, content in (
        ("base_color", images.png(images.base_color(asset))),
        ("occlusion_roughness_metallic", orm),
        ("normal", normal),
    ):
        atomic.write_bytes(textures / (name + ".png"), content)
    atomic.write_text(folder / "asset.usda", usda_text(asset))


def usda_text(asset: Asset) -> str:
    """The whole layer."""
    names = identifiers([camera.name for camera in asset.cameras])
    cameras = "".join(camera_text(camera, name) for camera, name in zip(asset.cameras, names))
    scope = '    def Scope "cameras"\n    {\n%s    }\n' % cameras
    return "".join([HEADER, mesh_text(asset), material_text(asset.opacity is not None), DOME, scope, "}\n"])


def mesh_text(asset: Asset) -> str:
    """The mesh prim; texture v upwards, as USD has it."""
    flipped = asset.uv * np.float32([1.0, -1.0]) + np.float32([0.0, 1.0])
    extent = np.stack([asset.vertices.min(0), asset.vertices.max(0)])
    return MESH % {
        "two_sides": asset.opacity is not None,  # whoever sees through a surface sees the inner side behind it
        "extent": tuples(extent),
        "counts": ", ".join(["3"] * len(asset.triangles)),
        "indices": numbers(asset.triangles),
        "points": tuples(asset.vertices),
        "normals": tuples(asset.normals),
        "st": tuples(flipped),
        "st_indices": numbers(asset.uv_triangles),
    }


def tuples(rows: np.ndarray) -> str:
    """Rows of floats as USD tuples."""
    form = "(" + ", ".join(["%.7g"] * rows.shape[1]) + ")"
    return ", ".join([form] * len(rows)) % tuple(rows.reshape(-1).tolist())


def numbers(values: np.ndarray) -> str:
    """Integers, comma separated."""
    return ", ".join(map(str, values.reshape(-1).tolist()))


def camera_text(camera: AssetCamera, name: str) -> str:
    """One camera prim, called `name`. USD stores matrices for row vectors: the transpose of ours."""
    vertical = APERTURE * camera.height / camera.width
    rows = camera.camera_to_world.T
    return CAMERA % {
        "name": name,
        "label": json.dumps(camera.name, ensure_ascii=False),
        "focal": 0.5 * vertical / math.tan(0.5 * camera.fov_y),
        "aperture": APERTURE,
        "vertical": vertical,
        # The frustum's window moves against the principal point, and USD's y grows upwards.
        "offset_x": -APERTURE * camera.principal_offset[0] / camera.width,
        "offset_y": vertical * camera.principal_offset[1] / camera.height,
        "near": camera.near,
        "far": camera.far,
        "rows": ", ".join("(%.9g, %.9g, %.9g, %.9g)" % tuple(row) for row in rows),
    }


def identifiers(names: Sequence[str]) -> List[str]:
    """A prim name for each name, all different: where two become the same, later ones get a number."""
    result: List[str] = []
    for name in names:
        candidate = base = identifier(name)
        number = 2
        while candidate in result:
            candidate, number = "%s_%d" % (base, number), number + 1
        result.append(candidate)
    return result


def identifier(name: str) -> str:
    """A valid prim name: letters, digits, underscores, not beginning with a digit."""
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return "_" + cleaned if not cleaned or cleaned[0].isdigit() else cleaned

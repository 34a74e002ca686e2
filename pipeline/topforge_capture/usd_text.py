"""OpenUSD as text: what TopForge's USD files have in common. Writing text needs no USD library."""

from __future__ import annotations

import json
import math
import re
from typing import List, Optional, Sequence, Tuple

import numpy as np

APERTURE = 20.955
"""Horizontal film aperture in tenths of a scene unit, USD's default; focal lengths follow from it."""
_LAYER = """#usda 1.0
(
    defaultPrim = "%s"
    metersPerUnit = 1
    upAxis = "Y"
    doc = "%s"
)

"""
_ASSET = """def Xform "asset" (
    kind = "component"
)
{
%s}
"""
_MESH = """    def Mesh "mesh"%(metadata)s
    {
        uniform token subdivisionScheme = "none"
        uniform token orientation = "rightHanded"
%(sides)s        float3[] extent = [%(extent)s]
        int[] faceVertexCounts = [%(counts)s]
        int[] faceVertexIndices = [%(indices)s]
        point3f[] points = [%(points)s]
        normal3f[] normals = [%(normals)s] (
            interpolation = "vertex"
        )
%(more)s    }
"""
_CAMERA = """def Camera "%(prim)s" (
    displayName = %(name)s
)
{
    token projection = "perspective"
    float focalLength = %(focal).9g
    float horizontalAperture = %(horizontal).9g
    float verticalAperture = %(vertical).9g
    float horizontalApertureOffset = %(offset_x).9g
    float verticalApertureOffset = %(offset_y).9g
    float2 clippingRange = (%(near).9g, %(far).9g)
    matrix4d xformOp:transform = ( %(rows)s )
    uniform token[] xformOpOrder = ["xformOp:transform"]
%(more)s}
"""


def layer_text(default_prim: str, doc: str, prims: str) -> str:
    """A whole layer, y up, a unit a metre."""
    return _LAYER % (default_prim, doc) + prims


def asset_text(doc: str, prims: Sequence[str]) -> str:
    """The layer of a result: its prims, indented once, below one that is its default."""
    return layer_text("asset", doc, _ASSET % "".join(prims))


def mesh_text(
    positions: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray,
    more: str,
    metadata: str = "",
    double_sided: Optional[bool] = None,
) -> str:
    """The mesh prim of a result, indented once.

    Args:
        positions: [V, 3].
        triangles: [F, 3] into positions, counter-clockwise from outside.
        normals: [V, 3].
        more: Further attributes: what the surface looks like.
        metadata: Of the prim, in its parentheses; "" = none.
        double_sided: Whether its inner side is seen; None = it is not said.
    """
    return _MESH % {
        "metadata": metadata,
        "sides": "" if double_sided is None else "        uniform bool doubleSided = %d\n" % double_sided,
        "extent": tuples(np.stack([positions.min(axis=0), positions.max(axis=0)])),
        "counts": ", ".join(["3"] * len(triangles)),
        "indices": numbers(triangles),
        "points": tuples(positions),
        "normals": tuples(normals),
        "more": more,
    }


def camera_text(
    prim: str,
    name: str,
    camera_to_world: np.ndarray,
    size: Tuple[int, int],
    fov_y: float,
    principal_offset: Tuple[float, float],
    planes: Tuple[float, float],
    stretch: float = 1.0,
    more: Sequence[str] = (),
) -> str:
    """One camera prim. USD stores matrices for row vectors: the transpose of ours.

    Args:
        prim: Its name among its neighbours.
        name: What people see.
        camera_to_world: [4, 4], OpenGL camera axes.
        size: Width and height of the photograph, pixels.
        fov_y: Radians.
        principal_offset: Principal point minus image centre, pixels, x right and y down.
        planes: Near and far.
        stretch: Focal length in pixels across, divided by that down.
        more: Lines of further attributes.
    """
    width, height = size
    vertical = APERTURE * height * stretch / width
    words = {
        "prim": prim,
        "name": json.dumps(name, ensure_ascii=False),
        "focal": 0.5 * vertical / math.tan(0.5 * fov_y),
        "horizontal": APERTURE,
        "vertical": vertical,
        # The frustum's window moves against the principal point, and USD's y grows upwards.
        "offset_x": -APERTURE * principal_offset[0] / width,
        "offset_y": vertical * principal_offset[1] / height,
        "near": planes[0],
        "far": planes[1],
        "rows": ", ".join("(%.17g, %.17g, %.17g, %.17g)" % tuple(row) for row in camera_to_world.T),
        "more": "".join("    %s\n" % line for line in more),
    }
    return _CAMERA % words


def indented(text: str, levels: int) -> str:
    """Lines so many levels deeper; nothing but a newline ends one, since names may hold what others take for an end."""
    return re.sub(r"^(?=.)", " " * 4 * levels, text, flags=re.MULTILINE)


def prim_names(names: Sequence[str], before_digit: str = "_") -> List[str]:
    """A prim name for each name, all different: where two become the same, later ones get a number."""
    result: List[str] = []
    for name in names:
        candidate = base = _prim_name(name, before_digit)
        number = 2
        while candidate in result:
            candidate, number = "%s_%d" % (base, number), number + 1
        result.append(candidate)
    return result


def _prim_name(name: str, before_digit: str) -> str:
    """Letters, digits and underscores, not beginning with a digit."""
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return before_digit + cleaned if not cleaned or cleaned[0].isdigit() else cleaned


def tuples(rows: np.ndarray) -> str:
    """Rows of floats as USD tuples."""
    form = "(" + ", ".join(["%.7g"] * rows.shape[1]) + ")"
    return ", ".join([form] * len(rows)) % tuple(rows.reshape(-1).tolist())


def numbers(values: np.ndarray) -> str:
    """Integers, comma separated."""
    return ", ".join(map(str, values.reshape(-1).tolist()))

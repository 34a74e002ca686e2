"""Files of a surface that has colours at its vertices, and neither texture coordinates nor a light. Without torch."""

from __future__ import annotations

import json
import math
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from topforge import atomic
from topforge_capture import cameras_file, glb
from topforge_capture.images import srgb_to_linear
from topforge_capture.ply import Floats
from topforge_capture.surface import Surface
from topforge_capture.usd_text import asset_text, mesh_text, tuples
from topforge_train.normalising.surface_picture import picture

GREY = 128
_DOC = "Written by TopForge. A surface with a colour for each vertex, linear; there are no textures."
_COLOURS = """        color3f[] primvars:displayColor = [%s] (
            interpolation = "vertex"
        )
"""


def write_all(folder: Path, mesh: Surface, preview: Surface) -> None:
    """mesh.obj, mesh.glb and asset.usda of `mesh`, and a picture of `preview`."""
    normals = vertex_normals(mesh)
    write_obj(folder / "mesh" / "mesh.obj", mesh, normals)
    write_glb(folder / "mesh.glb", mesh, normals)
    write_usd(folder / "asset.usda", mesh, normals)
    drawn = picture(preview.positions, preview.triangles, linear_colours(preview))
    imageio.imwrite(folder / "preview.png", drawn)


def vertex_normals(mesh: Surface) -> Floats:
    """Unit normals [V, 3], faces weighted by area; +y where there is none."""
    corners = mesh.positions[mesh.triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [
            sum(np.bincount(mesh.triangles[:, c], face[:, axis], len(mesh.positions)) for c in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    unit: Floats = np.where(length > 0, total / np.maximum(length, 1e-30), (0.0, 1.0, 0.0)).astype(np.float32)
    return unit


def linear_colours(mesh: Surface) -> Floats:
    """Colours [V, 3], linear: glTF and USD want vertex colours so. Upstream's are as in the photographs, sRGB."""
    stored = np.full((len(mesh.positions), 3), GREY, np.uint8) if mesh.colours is None else mesh.colours
    found: Floats = srgb_to_linear(stored.astype(np.float32) / 255.0).astype(np.float32)
    return found


def write_obj(path: Path, mesh: Surface, normals: Floats) -> None:
    """Wavefront OBJ with normals, and colours after the positions where there are any, as many programs read them."""
    rows = mesh.positions if mesh.colours is None else np.concatenate([mesh.positions, mesh.colours / 255.0], axis=1)
    form = "v" + " %.7g" * rows.shape[1] + "\n"
    corners = np.repeat(mesh.triangles + 1, 2, axis=1)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("# TopForge: y up; a colour for each vertex, sRGB; no texture coordinates\ng mesh\n")
        stream.writelines(form % tuple(row) for row in rows.tolist())
        stream.writelines("vn %.6g %.6g %.6g\n" % tuple(row) for row in normals.tolist())
        stream.writelines("f %d//%d %d//%d %d//%d\n" % tuple(row) for row in corners.tolist())


def write_glb(path: Path, mesh: Surface, normals: Floats) -> None:
    """Positions, normals and colours as binary glTF 2.0."""
    colours = np.full((len(mesh.positions), 4), 65535, np.uint16)  # 8 bits, linear, would show steps in the dark
    colours[:, :3] = linear_colours(mesh) * 65535.0 + 0.5
    corners = mesh.triangles.reshape(-1).astype(np.uint32)
    buffer = glb.Buffer()
    attributes = {
        "POSITION": buffer.accessor(mesh.positions, **glb.bounds(mesh.positions)),
        "NORMAL": buffer.accessor(normals),
        "COLOR_0": buffer.accessor(colours, normalized=True),
    }
    indices = buffer.accessor(corners, glb.ELEMENT_ARRAY_BUFFER)
    material = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}, "name": "vertex_colour"}
    root = {
        "asset": {"version": "2.0", "generator": "TopForge"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "mesh"}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": indices, "material": 0}]}],
        "materials": [material],
        "buffers": [{"byteLength": buffer.length}],
        "bufferViews": buffer.views,
        "accessors": buffer.accessors,
    }
    atomic.write_bytes(path, glb.container(json.dumps(root), bytes(buffer.data)))


def write_usd(path: Path, mesh: Surface, normals: Floats) -> None:
    """OpenUSD as text: a mesh with `displayColor`."""
    prim = mesh_text(mesh.positions, mesh.triangles, normals, _COLOURS % tuples(linear_colours(mesh)))
    atomic.write_text(path, asset_text(_DOC, [prim]))


def write_cameras(path: Path, capture: Path, turn: NDArray[np.float32]) -> None:
    """cameras.json of a capture's transforms.json, in the result's world."""
    raw = json.loads(capture.read_text(encoding="utf-8"))
    turned = np.eye(4)
    turned[:3, :3] = turn
    width, height, radius = round(raw["w"]), round(raw["h"]), raw["sphere_radius"]
    fov_y = 2.0 * math.atan(0.5 * height / raw["fl_y"])
    offset = (raw["cx"] - 0.5 * width, raw["cy"] - 0.5 * height)
    planes = (0.01 * radius, 100.0 * radius)
    cameras = []
    for frame in raw["frames"]:
        matrix = np.eye(4)
        matrix[:3] = np.array(frame["transform_matrix"], np.float64)[:3]
        name, image = Path(frame["file_path"]).stem, frame["file_path"]
        cameras.append(cameras_file.entry(name, image, turned @ matrix, (width, height), fov_y, offset, planes))
    center = turn.astype(np.float64) @ np.array(raw["sphere_center"], np.float64)
    cameras_file.write(path, cameras, [(center - radius).tolist(), (center + radius).tolist()])

"""nvdiffrec's own output: mesh.obj, mesh.mtl in its dialect, texture_kd/ks/n.png, probe.hdr. Written and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import imageio.v3 as imageio
import numpy as np
import torch

from topforge import atomic
from topforge.errors import TopForgeError
from topforge_capture import obj_reader, radiance
from topforge_capture.images import srgb_to_linear
from topforge_train.export import images
from topforge_train.export.asset import Asset, Floats, Indices, v_turned
from topforge_train.rendering.cubemap import from_latlong, to_latlong
from topforge_train.rendering.tangents import orientation, tangents

MATERIAL = """newmtl defaultMat
bsdf   pbr
map_Kd texture_kd.png
map_Ks texture_ks.png
bump texture_n.png
"""
PROBE_SIZE = (512, 1024)


class UnreadableTreeError(TopForgeError):
    """A folder that should hold nvdiffrec's output does not."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Export the run again, or name another folder.")


def write_tree(folder: Path, asset: Asset, device: str = "cpu") -> None:
    """Writes the six files into `folder`, which is made if need be; `device` samples the light."""
    folder.mkdir(parents=True, exist_ok=True)
    write_mesh(folder, asset)
    latlong = to_latlong(torch.from_numpy(asset.probe).to(device), *PROBE_SIZE)
    images.write_radiance(folder / "probe.hdr", latlong.numpy(force=True))


def write_mesh(folder: Path, asset: Asset) -> None:
    """All but the light: mesh.obj, mesh.mtl and three textures."""
    atomic.write_text(folder / "mesh.obj", obj_text(asset))
    atomic.write_text(folder / "mesh.mtl", MATERIAL)
    for name, picture in (("kd", "base_color"), ("ks", "ks"), ("n", "normal")):
        atomic.write_bytes(folder / ("texture_%s.png" % name), asset.pictures[picture])


def obj_text(asset: Asset) -> str:
    """The mesh as Wavefront OBJ; texture v upwards, as the format has it."""
    position, texture = asset.triangles + 1, asset.uv_triangles + 1
    corners = np.stack([position, texture, position], axis=-1)  # v / vt / vn; one normal for each position
    return "".join(
        (
            "mtllib mesh.mtl\ng default\n",
            lines("v %.7g %.7g %.7g\n", asset.vertices),
            lines("vt %.7g %.7g\n", v_turned(asset.uv)),
            lines("vn %.6g %.6g %.6g\n", asset.normals),
            "s 1\ng pMesh1\nusemtl defaultMat\n",
            lines("f %d/%d/%d %d/%d/%d %d/%d/%d\n", corners.reshape(-1, 9)),
        )
    )


def lines(form: str, rows: np.ndarray) -> str:
    """Formats every row of a table at once; a loop over rows would be ten times slower."""
    return (form * len(rows)) % tuple(rows.reshape(-1).tolist())


def read_tree(folder: Path, probe_size: int = 64) -> Asset:
    """Reads what `write_tree` wrote. Cameras are not part of it.

    Args:
        folder: With mesh.obj and its neighbours.
        probe_size: Side of a face of the light's cube map.

    Raises:
        MeshFileError: The mesh is not whole.
        UnreadableTreeError: A file is missing or not in nvdiffrec's form.
    """
    for name in ("mesh.obj", "texture_kd.png", "texture_ks.png", "texture_n.png", "probe.hdr"):
        if not (folder / name).is_file():
            raise UnreadableTreeError(folder / name, "the file is missing")
    vertices, normals, uv, triangles, uv_triangles = read_obj(folder / "mesh.obj")
    faces, uv_faces = torch.from_numpy(triangles), torch.from_numpy(uv_triangles)
    uv_tensor = torch.from_numpy(uv)
    frame = tangents(torch.from_numpy(vertices), torch.from_numpy(normals), faces, uv_tensor, uv_faces)
    sign = orientation(uv_tensor, uv_faces).unsqueeze(-1)
    kd, ks, n = (imageio.imread(folder / ("texture_%s.png" % k)) / np.float32(255.0) for k in ("kd", "ks", "n"))
    normal_map = n[..., :3] * 2.0 - 1.0
    latlong = torch.from_numpy(radiance.read(folder / "probe.hdr"))
    return Asset(
        vertices=vertices,
        normals=normals,
        triangles=triangles,
        uv=uv,
        uv_triangles=uv_triangles,
        tangents=torch.cat([frame, sign], dim=-1).numpy(),
        base_color=srgb_to_linear(kd[..., :3]).astype(np.float32),
        ks=ks[..., :3].astype(np.float32),
        normal_map=(normal_map / np.linalg.norm(normal_map, axis=-1, keepdims=True)).astype(np.float32),
        probe=from_latlong(latlong, probe_size).numpy(),
        cameras=(),
        opacity=kd[..., 3:].astype(np.float32) if kd.shape[-1] == 4 else None,
    )


def read_obj(path: Path) -> Tuple[Floats, Floats, Floats, Indices, Indices]:
    """Positions, unit normals (one for each position), texture coordinates (v downwards) and both triangle lists.

    Raises:
        MeshFileError: It is no whole mesh.
        UnreadableTreeError: Corners lack what `write_tree` and nvdiffrec give each of them.
    """
    mesh = obj_reader.read_obj(path)
    if mesh.uv_triangles.min() < 0 or mesh.normal_triangles.min() < 0:
        raise UnreadableTreeError(path, "not all of its corners are v/vt/vn")
    by_position = np.zeros_like(mesh.positions)
    by_position[mesh.triangles.reshape(-1)] = mesh.normals[mesh.normal_triangles.reshape(-1)]
    return mesh.positions, by_position, v_turned(mesh.uv), mesh.triangles, mesh.uv_triangles

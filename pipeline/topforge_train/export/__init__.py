"""From a finished run to files other programs read: nvdiffrec's tree, glTF, USD. `asset.py` is what goes in."""

from __future__ import annotations

import shutil
from pathlib import Path

from topforge import atomic
from topforge_train.export.asset import Asset
from topforge_train.export.gltf import write_glb
from topforge_train.export.hull import write_hull
from topforge_train.export.tree import read_tree, write_tree
from topforge_train.export.usd import write_usd

__all__ = ["read_tree", "write_delivery", "write_glb", "write_hull", "write_tree", "write_usd"]


def write_delivery(folder: Path, asset: Asset, device: str = "cpu") -> None:
    """Everything a person gets: mesh/ (nvdiffrec's tree), mesh.glb, asset.usda with textures/, cameras.json.

    `device` is where the run has compiled its kernels already.
    """
    asset.check_finite()
    write_tree(folder / "mesh", asset, device)
    write_glb(folder / "mesh.glb", asset)
    write_usd(folder, asset)
    shutil.copyfile(folder / "mesh" / "probe.hdr", folder / "textures" / "probe.hdr")
    write_cameras(folder / "cameras.json", asset)


def write_cameras(path: Path, asset: Asset) -> None:
    """Cameras as JSON: OpenGL axes, y-up world, radians, matrices for column vectors, offsets in pixels (y down).

    `image` is relative to the capture's folder, so that the file is the same wherever the capture lies. `bound` is the
    lower and the upper corner of the training box in world units, null when nobody says.
    """
    cameras = [
        {
            "name": camera.name,
            "image": camera.image,
            "camera_to_world": camera.camera_to_world.tolist(),
            "fov_y": camera.fov_y,
            "principal_offset": list(camera.principal_offset),
            "width": camera.width,
            "height": camera.height,
            "near": camera.near,
            "far": camera.far,
        }
        for camera in asset.cameras
    ]
    half = None if asset.bound is None else 0.5 * asset.bound
    bound = None if half is None else [[-half] * 3, [half] * 3]
    convention = "OpenGL camera axes, y-up world, column vectors"
    atomic.write_json(path, {"convention": convention, "bound": bound, "cameras": cameras})

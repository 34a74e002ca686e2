"""From a finished run to files other programs read: nvdiffrec's tree, glTF, USD. `asset.py` is what goes in."""

from __future__ import annotations

import shutil
from pathlib import Path

from topforge_capture import cameras_file
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
    write_cameras(folder / cameras_file.NAME, asset)


def write_cameras(path: Path, asset: Asset) -> None:
    """cameras.json of the asset."""
    cameras = [
        cameras_file.entry(
            camera.name,
            camera.image,
            camera.camera_to_world,
            (camera.width, camera.height),
            camera.fov_y,
            camera.principal_offset,
            (camera.near, camera.far),
        )
        for camera in asset.cameras
    ]
    half = None if asset.bound is None else 0.5 * asset.bound
    cameras_file.write(path, cameras, None if half is None else [[-half] * 3, [half] * 3])

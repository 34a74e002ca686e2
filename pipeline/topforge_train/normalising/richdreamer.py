"""From what RichDreamer exported to TopForge's result folder: `python -m topforge_train.normalising.richdreamer`.

    --run RUN --stages FOLDER

Its world is z up, its maps are JPEG, roughness and metalness lie in pictures of their own, and its normal map is in the
frame that nvdiffrec's is in (`topforge_train.normalising.frame`), which no other program has.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np
import torch

from topforge.paths import RunPaths
from topforge.trainers import richdreamer_stages as stages
from topforge.trainers.upstream import soundness
from topforge.trainers.upstream.normalising import say
from topforge.trainers.upstream.results_tree import KEPT
from topforge.wavefront import MeshFileError
from topforge_capture.formats.base import Z_UP_TO_Y_UP
from topforge_capture.images import srgb_to_linear
from topforge_capture.obj_reader import ObjMesh, read_obj
from topforge_train.export.asset import Asset, Floats, v_turned
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.normalising import delivery, maps
from topforge_train.training import failures

ROUGHNESS = 0.5
"""Where a map of roughness is missing."""


def read_mesh(path: Path) -> ObjMesh:
    """The exported mesh, which has texture coordinates and no normals.

    Raises:
        UnsoundOutputError: It is none of the form, or not whole.
    """
    try:
        mesh = read_obj(path)
    except MeshFileError as error:
        raise soundness.UnsoundOutputError(error.reason.rstrip(".")) from error
    if mesh.uv_triangles.min() < 0:
        raise soundness.UnsoundOutputError("%s has faces without texture coordinates" % path)
    return mesh


def read_asset(folder: Path) -> Asset:
    """The exported mesh and maps, y up; the normal map still in upstream's frame, tangents missing."""
    mesh = read_mesh(folder / "model.obj")
    vertices = mesh.positions @ Z_UP_TO_Y_UP[:3, :3].T.astype(np.float32)
    surface = Mesh(torch.from_numpy(vertices), torch.from_numpy(mesh.triangles))
    kd = maps.picture(folder / "texture_kd.jpg")[..., :3]
    ks = np.zeros_like(kd)
    ks[..., 1] = channel(folder / "texture_roughness.jpg", kd.shape, ROUGHNESS)
    ks[..., 2] = channel(folder / "texture_metallic.jpg", kd.shape, 0.0)
    return Asset(
        vertices=vertices,
        normals=vertex_normals(surface).numpy(),  # upstream shades with them
        triangles=mesh.triangles,
        uv=v_turned(mesh.uv),
        uv_triangles=mesh.uv_triangles,
        tangents=np.zeros((len(mesh.uv), 4), np.float32),
        base_color=srgb_to_linear(kd).astype(np.float32),
        ks=ks,
        normal_map=normal_map(folder / "texture_nrm.jpg", kd.shape),
        probe=np.zeros((6, 1, 1, 3), np.float32),
        cameras=(),
    )


def channel(path: Path, shape: Tuple[int, ...], value: float) -> Floats:
    """A grey picture; all `value` where there is none."""
    if not path.is_file():
        return np.full(shape[:2], value, np.float32)
    return maps.picture(path)[..., 0]


def normal_map(path: Path, shape: Tuple[int, ...]) -> Floats:
    """Unit normals of a picture; flat where there is none (no bump was trained) and where JPEG left nothing."""
    if not path.is_file():
        return np.tile(np.float32([0.0, 0.0, 1.0]), (*shape[:2], 1))
    return maps.normals(maps.picture(path))


def keep(root: Path, exported: Path, output: Path) -> None:
    """Upstream's own files beside ours: the export, its repaired twin, each stage's settings, the last pictures."""
    kept = output / KEPT
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copytree(exported, kept / "export")
    repaired = exported.with_name(exported.name + "_fix")
    if repaired.is_dir():
        shutil.copytree(repaired, kept / "export_fix")
    for stage in stages.STAGES:
        settings = stages.folder_of(root, stage) / "configs" / "parsed.yaml"
        if settings.is_file():
            shutil.copyfile(settings, kept / (stage + ".yaml"))
    pictures = sorted(stages.folder_of(root, "texture").glob("save/it*.png"), key=lambda path: path.stat().st_mtime_ns)
    if pictures:
        shutil.copyfile(pictures[-1], output / "preview.png")
    for video in sorted(stages.folder_of(root, "texture").glob("save/*.mp4")):
        shutil.copyfile(video, kept / video.name)


def run(arguments: argparse.Namespace) -> None:
    """Checks, converts, writes and keeps."""
    paths, root = RunPaths(arguments.run), arguments.stages
    say(0.0, "looking at what was written")
    exported = stages.exported(root)
    if exported is None:
        raise soundness.UnsoundOutputError("there is no %s" % (stages.folder_of(root, "texture") / "save/it*-export"))
    soundness.require_files(exported, ("model.obj", "texture_kd.jpg"))
    soundness.require_mesh(exported / "model.obj")
    asset, remarks = delivery.made_portable(read_asset(exported))
    delivery.write(paths.output, asset, None)
    keep(root, exported, paths.output)
    delivery.write_summary(paths.output, asset, {"export": exported.name}, remarks)
    say(1.0, "complete")


def main(words: Optional[Sequence[str]] = None) -> int:
    """Runs, and says failures in the lines that the adapter reads."""
    parser = argparse.ArgumentParser(prog="topforge_train.normalising.richdreamer")
    parser.add_argument("--run", type=Path, required=True, help="the item's run folder")
    parser.add_argument("--stages", type=Path, required=True, help="what RichDreamer wrote, a folder for each stage")
    given = parser.parse_args(words)
    with torch.no_grad():
        return failures.reported(lambda: run(given))


if __name__ == "__main__":
    sys.exit(main())

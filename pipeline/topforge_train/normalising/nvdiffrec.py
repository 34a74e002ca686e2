"""From what an upstream mesh trainer wrote to TopForge's result folder: GLB, USD, split and portable maps.

    python -m topforge_train.normalising.nvdiffrec --trainer nvdiffrec --run RUN --tree FOLDER [--dataset FOLDER]

RUN is the item's run folder; FOLDER is what the trainer wrote below `out/`, which is moved into the result as it is.
Two things of the trainer's are not portable, and are baked anew from its textures: its tangent frame
(`topforge_train.normalising.frame`), and texels outside the charts, which it leaves in one flat colour.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch

import topforge_capture
from topforge.paths import RunPaths
from topforge.trainers.upstream import soundness
from topforge.trainers.upstream.normalising import say
from topforge.trainers.upstream.results_tree import KEPT
from topforge_capture import cameras_file, radiance
from topforge_capture.images import srgb_to_linear
from topforge_train.export import write_cameras
from topforge_train.export.asset import Asset, AssetCamera
from topforge_train.export.tree import read_obj
from topforge_train.normalising import delivery, maps
from topforge_train.training import failures

NVDIFFREC, NVDIFFMODELING = "nvdiffrec", "nvdiffmodeling"
MAPS = ("texture_kd", "texture_ks", "texture_n")


def check(paths: RunPaths, tree: Path, trainer: str) -> None:
    """Refuses what is no result before anything is made of it.

    Raises:
        UnsoundOutputError: Names the file.
    """
    soundness.require_saved(soundness.log_of(paths))
    names = ["mesh/mesh.obj", "mesh/mesh.mtl", *("mesh/%s" % map_file(tree / "mesh", name).name for name in MAPS)]
    soundness.require_files(tree, names + (["mesh/probe.hdr"] if trainer == NVDIFFREC else []))
    soundness.require_mesh(tree / "mesh" / "mesh.obj")


def map_file(folder: Path, name: str) -> Path:
    """A texture, or the finest of its mip levels where nvdiffmodeling wrote those (`custom_mip`)."""
    finest = folder / (name + "_0.png")
    return finest if finest.is_file() else folder / (name + ".png")


def read_asset(folder: Path, trainer: str) -> Asset:
    """The trainer's mesh and textures as they are: its normal map is still in its own frame, tangents are missing.

    nvdiffmodeling's shading knows no occlusion: the red channel of its `ks` means nothing and becomes 0, fully visible.
    """
    vertices, normals, uv, triangles, uv_triangles = read_obj(folder / "mesh.obj")
    kd, ks, n = (maps.picture(map_file(folder, name)) for name in MAPS)
    ks = ks[..., :3].copy()
    if trainer == NVDIFFMODELING:
        ks[..., 0] = 0.0
    return Asset(
        vertices=vertices,
        normals=normals,
        triangles=triangles,
        uv=uv,
        uv_triangles=uv_triangles,
        tangents=np.zeros((len(uv), 4), np.float32),
        base_color=srgb_to_linear(kd[..., :3]).astype(np.float32),
        ks=ks,
        normal_map=maps.normals(n),
        probe=np.zeros((6, 1, 1, 3), np.float32),
        cameras=(),
        opacity=kd[..., 3:].copy() if kd.shape[-1] == 4 else None,
    )


def cameras_of(dataset: Optional[Path]) -> Tuple[AssetCamera, ...]:
    """The training cameras of a capture, in the world that nvdiffrec trains in, which is ours."""
    if dataset is None:
        return ()
    views = topforge_capture.read(dataset, "train").views
    return tuple(
        AssetCamera(
            view.name,
            view.camera_to_world,
            view.fov_y,
            view.width,
            view.height,
            view.near,
            view.far,
            view.principal_offset,
            view.image.relative_to(dataset).as_posix() if dataset in view.image.parents else "",
        )
        for view in views
    )


def validated(output: Path, dataset: Optional[Path]) -> List[Dict[str, Any]]:
    """Held-out views that the trainer measured, from its `validate/metrics.txt`, as the report reads them."""
    table = output / "validate" / "metrics.txt"
    if not table.is_file():
        return []
    found = re.findall(r"^(\d+), (\S+), (\S+)$", table.read_text(encoding="utf-8"), re.MULTILINE)
    views = list(topforge_capture.read(dataset, held_out(dataset)).views) if dataset is not None else []
    return [
        {
            "view": views[int(number)].name if int(number) < len(views) else "view %s" % number,
            "mse": float(error),
            "psnr": float(quality),
            "files": "validate/val_%06d" % int(number),
        }
        for number, error, quality in found
    ]


def held_out(dataset: Path) -> str:
    """The split that nvdiffrec validates on: a capture without splits is validated on what it trained on."""
    return "test" if "test" in topforge_capture.splits(dataset) else "train"


def move(tree: Path, output: Path) -> None:
    """The trainer's own files into the result; its validation where the built-in trainer's lies."""
    tree.replace(output / KEPT)
    measured = output / KEPT / "validate"
    if measured.is_dir():
        measured.replace(output / "validate")


def run(arguments: argparse.Namespace) -> None:
    """Checks, converts, writes and moves."""
    paths, tree, dataset = RunPaths(arguments.run), arguments.tree, arguments.dataset
    say(0.0, "looking at what was written")
    check(paths, tree, arguments.trainer)
    raw = read_asset(tree / "mesh", arguments.trainer)
    raw = dataclasses.replace(raw, bound=arguments.bound, normal_bits=arguments.normal_bits)
    asset, remarks = delivery.made_portable(raw, not arguments.keep_mirrored)
    probe = tree / "mesh" / "probe.hdr" if arguments.trainer == NVDIFFREC else None
    if probe is not None and not np.isfinite(radiance.read(probe)).all():
        raise soundness.UnsoundOutputError("%s holds numbers that are not finite" % probe)
    asset = dataclasses.replace(asset, cameras=cameras_of(dataset))
    delivery.write(paths.output, asset, probe)
    if probe is not None:
        write_cameras(paths.output / cameras_file.NAME, asset)
    move(tree, paths.output)
    facts = {"trainer": arguments.trainer}
    delivery.write_summary(paths.output, asset, facts, remarks, validated(paths.output, dataset))
    say(1.0, "complete")


def main(words: Optional[Sequence[str]] = None) -> int:
    """Runs, and says failures in the lines that the adapter reads."""
    parser = argparse.ArgumentParser(prog="topforge_train.normalising.nvdiffrec")
    parser.add_argument("--trainer", choices=(NVDIFFREC, NVDIFFMODELING), required=True)
    parser.add_argument("--run", type=Path, required=True, help="the item's run folder")
    parser.add_argument("--tree", type=Path, required=True, help="what the trainer wrote")
    parser.add_argument("--dataset", type=Path, help="the capture, for its cameras")
    parser.add_argument("--bound", type=float, help="side of the training box")
    parser.add_argument("--keep-mirrored", action="store_true", help="leave mirrored charts as they are")
    parser.add_argument("--normal-bits", type=int, choices=(8, 16), default=8)
    given = parser.parse_args(words)
    with torch.no_grad():
        return failures.reported(lambda: run(given))


if __name__ == "__main__":
    sys.exit(main())

"""The result of an upstream trainer's textured mesh: made portable, written in every form, summed up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

import topforge
from topforge import atomic
from topforge.trainers.upstream.normalising import say
from topforge_train.export import images, write_glb, write_usd
from topforge_train.export.asset import Asset
from topforge_train.export.tree import write_mesh
from topforge_train.export.usd import DOME
from topforge_train.normalising.frame import NoRoomError, portable


def made_portable(raw: Asset, unmirror: bool = True) -> Tuple[Asset, Tuple[str, ...]]:
    """The asset in the frame that other programs have, and what could not be done.

    Args:
        raw: As upstream wrote it.
        unmirror: Turn mirrored charts round.
    """
    say(0.2, "baking normals and edges anew")
    try:
        return portable(raw, unmirror), ()
    except NoRoomError as problem:
        print("WARNING: " + problem.reason, flush=True)
        return problem.as_it_is, (problem.reason,)


def write(output: Path, asset: Asset, probe: Optional[Path]) -> None:
    """Writes the delivery: mesh/, mesh.glb, asset.usda and textures/.

    Args:
        output: Folder.
        asset: Portable.
        probe: The light as the trainer wrote it; None = it found none.
    """
    asset.check_finite()
    say(0.6, "writing the asset")
    mesh = output / "mesh"
    mesh.mkdir(parents=True)
    write_mesh(mesh, asset)
    write_glb(output / "mesh.glb", asset)
    write_usd(output, asset)
    write_single_maps(output / "textures", asset)
    if probe is None:
        layer = output / "asset.usda"
        atomic.write_text(layer, layer.read_text(encoding="utf-8").replace(DOME, ""))
        return
    for target in (mesh, output / "textures"):
        shutil.copyfile(probe, target / "probe.hdr")


def write_single_maps(folder: Path, asset: Asset) -> None:
    """Occlusion (1 = fully visible), roughness and metalness as grey pictures of their own, linear."""
    packed = images.occlusion_roughness_metallic(asset.ks)
    for channel, name in enumerate(("occlusion", "roughness", "metallic")):
        atomic.write_bytes(folder / (name + ".png"), images.png(packed[..., channel]))


def write_summary(
    output: Path, asset: Asset, facts: Mapping[str, str], remarks: Sequence[str], views: Sequence[Dict[str, Any]] = ()
) -> None:
    """summary.json, in the form of the built-in trainer's.

    Args:
        output: Folder.
        asset: What was delivered.
        facts: What else to say of where it comes from.
        remarks: What could not be done.
        views: Held-out views that the trainer measured.
    """
    metrics: Dict[str, float] = {"triangles": float(len(asset.triangles)), "vertices": float(len(asset.vertices))}
    for key in ("psnr", "mse"):
        if views:
            metrics[key] = float(np.mean([view[key] for view in views]))
    provenance = {**facts, "normalised_by": "TopForge %s" % topforge.__version__, "remarks": list(remarks)}
    content = {"metrics": metrics, "provenance": provenance, "licences": [], "views": list(views)}
    atomic.write_text(output / "summary.json", json.dumps(content, indent=1) + "\n")

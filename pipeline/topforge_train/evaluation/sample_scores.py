"""Scores of a result against a capture whose truth is known: test views, shape, relighting.

`python -m topforge_train.evaluation.sample_scores RESULT CAPTURE` prints them as JSON. RESULT is a published result
folder; CAPTURE has the form of hip/sample_capture: test split, relight split, ground_truth/mesh.obj and
light_relight.hdr.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
import torch
from torch import Tensor

from topforge_capture import radiance
from topforge_capture.formats.base import Z_UP_TO_Y_UP
from topforge_capture.obj_reader import read_obj
from topforge_train.backend import Backend, load
from topforge_train.evaluation.metrics import psnr
from topforge_train.evaluation.result import draw_pair, scene_of, score_shape, score_views
from topforge_train.export import read_tree
from topforge_train.export.asset import Asset
from topforge_train.rendering.cubemap import from_latlong
from topforge_train.rendering.scene import Scene, draw
from topforge_train.views.data import ImageSet, load_images

NEAR_FAR = (0.1, 1000.0)
PROBE_SIZE = 128
"""Faces of the second light: finer than its smallest lamp."""


def true_mesh(path: Path) -> Tuple[Tensor, Tensor]:
    """Vertices [V, 3] in TopForge's y-up world and triangles [F, 3] of a z-up OBJ file."""
    mesh = read_obj(path)
    y_up = mesh.positions @ Z_UP_TO_Y_UP[:3, :3].T.astype(np.float32)
    return torch.from_numpy(y_up), torch.from_numpy(mesh.triangles)


def score(result: Path, capture: Path, backend: Backend) -> Dict[str, float]:
    """All scores.

    Returns:
        psnr, psnr_worst, ssim: test views over white, clamped sRGB.
        f_score, chamfer: shape, at 1 % of the true diagonal; chamfer as a share of it.
        relit_psnr: test views under the second light, textures as they are.
        relit_psnr_scaled: the same after one factor for each colour channel, the ambiguity between light and albedo
            that no method without a known light can resolve.
    """
    asset = read_tree(result / "mesh")
    light = torch.from_numpy(asset.probe)
    test = score_views(backend, scene_of(asset, light), load_images(capture, "test", NEAR_FAR, levels=1))
    shape = score_shape(
        torch.from_numpy(asset.vertices),
        torch.from_numpy(asset.triangles),
        *true_mesh(capture / "ground_truth/mesh.obj"),
    )
    scores = {
        "psnr": float(test.psnr.mean()),
        "psnr_worst": float(test.psnr.min()),
        "ssim": float(test.ssim.mean()),
        "f_score": shape.f_score,
        "chamfer": shape.chamfer,
    }
    if (capture / "transforms_relight.json").is_file():
        scores.update(score_relighting(backend, asset, capture))
    return scores


def score_relighting(backend: Backend, asset: Asset, capture: Path) -> Dict[str, float]:
    """PSNR of the asset under the capture's second light, raw and with one factor for each colour channel."""
    panorama = torch.from_numpy(radiance.read(capture / "ground_truth" / "light_relight.hdr"))
    scene = scene_of(asset, from_latlong(panorama, PROBE_SIZE))
    images = load_images(capture, "relight", NEAR_FAR, levels=1)
    pairs = [draw_pair(backend, scene, images, view) for view in range(len(images))]
    raw = torch.cat([psnr(result, reference) for result, reference in pairs])
    factors = channel_factors(backend, scene, images)
    scaled = torch.cat([psnr(*draw_pair(backend, scene, images, view, factors=factors)) for view in range(len(images))])
    return {"relit_psnr": float(raw.mean()), "relit_psnr_scaled": float(scaled.mean())}


def channel_factors(backend: Backend, scene: Scene, images: ImageSet) -> Tensor:
    """Least-squares factors [3] from rendered to photographed linear radiance over all views."""
    top, bottom = torch.zeros(3), torch.zeros(3)
    for view in range(len(images)):
        index = torch.tensor([view])
        ours = draw(backend, scene, images.cameras[index], images.resolution).image[..., :3]
        theirs = images.targets(index)[..., :3]
        usable = (theirs < 0.99).all(-1, keepdim=True)  # clipped pixels say nothing about scale
        top += (ours * theirs * usable).sum((0, 1, 2))
        bottom += (ours * ours * usable).sum((0, 1, 2))
    return top / bottom


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("result", type=Path)
    parser.add_argument("capture", type=Path)
    arguments = parser.parse_args()
    scores = score(arguments.result, arguments.capture, load())
    print(json.dumps({key: round(value, 4) for key, value in scores.items()}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

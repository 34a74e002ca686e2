#!/usr/bin/env python3
"""Trains rough captures with and without each lever, measures against the truth, and prints the table of decision 0013.

    python3 scripts/experiment_rough_captures.py ROUGH                          all variants on one rough capture
    python3 scripts/experiment_rough_captures.py ROUGH --variants "plain;default" --set iter=300 --set batch=4
    python3 scripts/experiment_rough_captures.py ROUGH --write                  puts the table into the record as well
    python3 scripts/experiment_rough_captures.py ROUGH --score RUN RUN     measures finished runs of any trainer

ROUGH is what scripts/make_rough_capture.py made. What is measured, on what a person gets (8-bit textures):
  * PSNR: the clean test views, all over white, clamped sRGB, after one factor for each view and colour channel: least
    squares from rendered to photographed linear radiance over the pixels where both cover at least one half and the
    photograph is not clipped. No method can know the exposure of a photograph it has not seen.
  * IoU: of rendered and true coverage in these views, thresholded at one half; the mean, and the worst.
  * F-score: at 1 % of the true diagonal. With uneven coverage the unseen side counts as well.
  * spikes: share of the area whose normal leaves the smoothed surface's by over 60 degrees (`evaluation.spikes`).
  * volume: of the result over the true one; far from 1 is a collapse.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

import measured_pages  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

import topforge_capture  # noqa: E402
from topforge_train.backend import Backend, load  # noqa: E402
from topforge_train.evaluation.metrics import SUPERSAMPLING, psnr  # noqa: E402
from topforge_train.evaluation.result import scene_of, score_shape  # noqa: E402
from topforge_train.evaluation.sample_scores import true_mesh  # noqa: E402
from topforge_train.evaluation.spikes import spike_share  # noqa: E402
from topforge_train.export import read_tree  # noqa: E402
from topforge_train.geometry.mesh import Mesh, volume  # noqa: E402
from topforge_train.rendering.scene import displayed, draw  # noqa: E402
from topforge_train.views.camera import make_cameras  # noqa: E402
from topforge_train.views.data import ImageSet, load_images  # noqa: E402

PAGE = REPOSITORY / "docs" / "decisions" / "0013-rough-captures.md"
BASE = json.loads((REPOSITORY / "hip" / "configs" / "quickstart.json").read_text(encoding="utf-8"))
NEAR_FAR = (0.1, 1000.0)
CLIPPED = 0.98
COLUMNS = ("psnr", "iou", "iou_worst", "f_score", "spikes", "volume", "seconds")

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"hull_votes": 0, "mask_tolerance": 0, "exposure": "off", "pose_refinement": "off"},
    "hull": {"mask_tolerance": 0, "exposure": "off", "pose_refinement": "off"},
    "hull, tolerance": {"exposure": "off", "pose_refinement": "off"},
    "hull, exposure": {"mask_tolerance": 0, "pose_refinement": "off"},
    "hull, poses": {"mask_tolerance": 0, "exposure": "off"},
    "no poses": {"pose_refinement": "off"},
    "default": {},
}
"""Options of each row; `default` is the trainer as it comes, `plain` it without any lever."""


def test_views(rough: Path, origin: Tensor) -> ImageSet:
    """The clean test views in the world of the rough capture's result."""
    images = load_images(rough / "truth", "test", NEAR_FAR, levels=1)
    poses = images.camera_to_world.clone()
    poses[:, :3, 3] -= origin
    height, width = images.resolution
    aspect = torch.full((len(images),), width / height, dtype=torch.float64)
    cameras = make_cameras(poses, images.fov_y, aspect, images.centre, *NEAR_FAR)
    return ImageSet(images.names, images.files, images.pyramid, cameras, poses, images.fov_y, images.centre)


def aligned_psnr(rendered: Tensor, photograph: Tensor) -> float:
    """PSNR in dB of a view [1, H, W, 4], linear premultiplied, as the module's docstring says."""
    usable = (rendered[..., 3:] > 0.5) & (photograph[..., 3:] > 0.5)
    usable = usable & (photograph[..., :3] < CLIPPED).all(-1, keepdim=True)
    ours, theirs = rendered[..., :3] * usable, photograph[..., :3] * usable
    factors = (ours * theirs).sum((0, 1, 2)) / (ours * ours).sum((0, 1, 2)).clamp_min(1e-9)
    image = torch.cat([rendered[..., :3] * factors, rendered[..., 3:]], dim=-1)
    return float(psnr(displayed(image, 1.0), displayed(photograph, 1.0))[0])


def overlap(rendered: Tensor, photograph: Tensor) -> float:
    """Intersection over union of two coverages [1, H, W, 4] at one half."""
    ours, theirs = rendered[..., 3] > 0.5, photograph[..., 3] > 0.5
    return float((ours & theirs).sum() / (ours | theirs).sum().clamp_min(1))


def score(backend: Backend, result: Path, rough: Path, light_moves: bool = False) -> dict[str, float]:
    """All quality figures of a published result; its light may be fixed to the camera."""
    origin = torch.from_numpy(topforge_capture.read(rough, "train").origin)
    asset = read_tree(result / "mesh")
    images, scene = test_views(rough, origin), scene_of(asset, torch.from_numpy(asset.probe))
    scene = dataclasses.replace(scene, light=dataclasses.replace(scene.light, moves_with_camera=light_moves))
    values, overlaps = [], []
    for view in range(len(images)):
        index = torch.tensor([view])
        ours = draw(backend, scene, images.cameras[index], images.resolution, SUPERSAMPLING).image
        theirs = images.targets(index)
        values.append(aligned_psnr(ours, theirs))
        overlaps.append(overlap(ours, theirs))
    vertices, triangles = torch.from_numpy(asset.vertices), torch.from_numpy(asset.triangles)
    true_vertices, true_triangles = true_mesh(rough / "truth" / "mesh.obj")
    true_vertices = true_vertices - origin.float()
    return {
        "psnr": sum(values) / len(values),
        "iou": sum(overlaps) / len(overlaps),
        "iou_worst": min(overlaps),
        "f_score": score_shape(vertices, triangles, true_vertices, true_triangles).f_score,
        "spikes": spike_share(vertices, triangles),
        "volume": float(volume(Mesh(vertices, triangles)) / volume(Mesh(true_vertices, true_triangles))),
    }


def train(rough: Path, folder: Path, options: dict[str, Any]) -> float:
    """Trains from nothing into `folder`; returns the seconds of training."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(options), encoding="utf-8")
    command = [sys.executable, "-u", "-m", "topforge_train", "--config", str(folder / "config.json")]
    command += ["--dataset", str(rough), "--output", str(folder / "result")]
    command += ["--checkpoints", str(folder / "checkpoint"), "--previews", str(folder / "previews")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "pipeline")}
    with (folder / "log").open("w", encoding="utf-8") as log:
        subprocess.run(command, check=True, env=environment, stdout=log, stderr=subprocess.STDOUT)
    return float(json.loads((folder / "result" / "summary.json").read_text())["metrics"]["seconds"])


def score_run(backend: Backend, run: Path, rough: Path) -> dict[str, float]:
    """The figures of a finished run folder, and the seconds of its trainer in the attempt that succeeded."""
    config = json.loads((run / "item.json").read_text(encoding="utf-8"))["config"]
    attempts = json.loads((run / "result.json").read_text(encoding="utf-8"))["provenance"]["attempts"]
    seconds = sum(step["seconds"] for step in attempts[-1]["steps"] if step["name"] == "train")
    return {"seconds": seconds, **score(backend, run / "result", rough, config["camera_space_light"])}


def row(name: str, scores: dict[str, float]) -> str:
    """A line of the table."""
    return "| %s | %.2f | %.4f | %.4f | %.4f | %.4f | %.3f | %.0f |" % (name, *(scores[key] for key in COLUMNS))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rough", type=Path)
    parser.add_argument("--variants", default=";".join(VARIANTS), help="names, separated by semicolons")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of every variant")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "rough", help="folder for the runs")
    parser.add_argument("--score", type=Path, nargs="+", default=[], metavar="RUN", help="train nothing, measure these")
    parser.add_argument("--write", action="store_true", help="also put the table into the decision record")
    return parser.parse_args()


def main() -> int:
    """Trains each variant, prints the table as it grows."""
    arguments = parse()
    common = {**BASE, "train_res": None, "save_interval": 0, "checkpoint_interval": 0}
    for setting in arguments.set:
        key, _, value = setting.partition("=")
        try:
            common[key] = json.loads(value)
        except ValueError:
            common[key] = value  # a word
    heads = "| variant | PSNR, dB | IoU | worst IoU | F-score | spikes | volume | seconds |\n" + "|---" * 8 + "|"
    print(heads, flush=True)
    lines, backend = [heads], load("auto", "cpu")
    for run in arguments.score:
        print(row(run.name, score_run(backend, run, arguments.rough)), flush=True)
    if arguments.score:
        return 0
    for name in arguments.variants.split(";"):
        folder = arguments.work / ("%s-%d" % (name.replace(",", "").replace(" ", "-"), time.time_ns()))
        seconds = train(arguments.rough, folder, {**common, **VARIANTS[name]})
        scores = {"seconds": seconds, **score(backend, folder / "result", arguments.rough)}
        (folder / "scores.json").write_text(json.dumps(scores, indent=1), encoding="utf-8")
        lines.append(row(name, scores))
        print(lines[-1], flush=True)
    if arguments.write:
        measured_pages.replace(PAGE, "table", "experiment_rough_captures.py", "\n".join(["", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

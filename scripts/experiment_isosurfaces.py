#!/usr/bin/env python3
"""Trains the sample and a thing of thin parts with either isosurface, and prints the table of decision 0016.

    python3 scripts/experiment_isosurfaces.py                   print the table (half an hour on one core)
    python3 scripts/experiment_isosurfaces.py --captures thin --set iter=100
    python3 scripts/experiment_isosurfaces.py --write           and put it into docs/decisions/0016-isosurface.md

Settings are hip/configs/quickstart.json's but for `isosurface` and `dmtet_grid`, on one thread, so that figures repeat.
"thin" is a table of thin legs under a ring, drawn by the trainer in the sample's light. What is measured, on what a
person gets:
  * PSNR: views held out, over white, clamped sRGB.
  * F-score: at 1 % of the true diagonal.
  * spikes: share of the area whose normal leaves the smoothed surface's by over 60 degrees (`evaluation.spikes`).
  * open: edges that are not shared by exactly two triangles; 0 = watertight.
  * CPU, s: of all processes, from start to end; memory: the trainer's peak.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "pipeline"), str(REPOSITORY / "scripts")]

import measured_pages  # noqa: E402
from experiment_rough_captures import BASE, train  # noqa: E402

from topforge_train.evaluation.result import score_shape  # noqa: E402
from topforge_train.evaluation.sample_scores import true_mesh  # noqa: E402
from topforge_train.evaluation.spikes import spike_share  # noqa: E402
from topforge_train.export import read_tree  # noqa: E402
from topforge_train.mesh_reference import painted_mesh  # noqa: E402

SAMPLE = REPOSITORY / "hip" / "sample_capture"
PAGE = REPOSITORY / "docs" / "decisions" / "0016-isosurface.md"
HEAD = "| capture | isosurface | grid | PSNR, dB | F-score | spikes | triangles | open | CPU, s | memory, MiB |"
VARIANTS = (("dmtet", 48), ("flexicubes", 48), ("dmtet", 64), ("flexicubes", 64))
LEG, TOP, RING = 0.05, 0.06, 0.035
"""Thickness of the legs and the top, radius of the ring's tube: the cells of a grid of 48 measure 0.044."""


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> tuple[Tensor, Tensor]:
    """A closed box between two corners."""
    corners = torch.cartesian_prod(*(torch.tensor(pair) for pair in zip(low, high)))  # index 4 x + 2 y + z
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return corners, torch.tensor([[q[0], *q[k : k + 2]] for q in quads for k in (1, 2)])


def ring(height: float, radius: float, tube: float, around: int = 96, across: int = 16) -> tuple[Tensor, Tensor]:
    """A torus about the vertical axis."""
    turn, lean = (torch.arange(n) * (2 * math.pi / n) for n in (around, across))
    away = radius + tube * lean.cos()
    grid = [turn.cos()[:, None] * away, (height + tube * lean.sin()).expand(around, -1), turn.sin()[:, None] * away]
    i, j = (part.reshape(-1) for part in torch.meshgrid(torch.arange(around), torch.arange(across), indexing="ij"))
    a, b = i * across + j, i * across + (j + 1) % across
    c, d = ((i + 1) % around) * across + j, ((i + 1) % around) * across + (j + 1) % across
    return torch.stack(grid, -1).reshape(-1, 3), torch.cat([torch.stack([a, b, d], 1), torch.stack([a, d, c], 1)])


def write_thin(path: Path) -> None:
    """The thing of thin parts as an .obj file, y up."""
    parts = [box((-0.7, 0.0, -0.7), (0.7, TOP, 0.7)), ring(0.6, 0.45, RING)]
    for x in (-0.65, 0.6):
        parts += [box((x, -0.7, z), (x + LEG, 0.0, z + LEG)) for z in (-0.65, 0.6)]
    parts += [box((x - LEG / 2, TOP, -LEG / 2), (x + LEG / 2, 0.6, LEG / 2)) for x in (-0.45, 0.45)]
    lines, first = [], 1
    for vertices, triangles in parts:
        lines += ["v %.6f %.6f %.6f" % tuple(place) for place in vertices.tolist()]
        lines += ["f %d %d %d" % tuple(row) for row in (triangles + first).tolist()]
        first += len(vertices)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def truth(dataset: Path) -> tuple[Tensor, Tensor]:
    """Vertices and triangles of what a capture shows."""
    if dataset.suffix == ".obj":
        shape = painted_mesh.load(dataset)[0].shape
        return shape.vertices, shape.triangles
    return true_mesh(dataset / "ground_truth" / "mesh.obj")


def unshared(triangles: Tensor) -> int:
    """Edges that are not shared by exactly two triangles."""
    edges = torch.cat([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).sort(dim=1).values
    return int((torch.unique(edges, dim=0, return_counts=True)[1] != 2).sum())


def row(name: str, dataset: Path, folder: Path, options: dict[str, Any]) -> str:
    """Trains and measures: a line of the table."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    train(dataset, folder, options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    metrics = json.loads((folder / "result" / "summary.json").read_text(encoding="utf-8"))["metrics"]
    asset = read_tree(folder / "result" / "mesh")
    vertices, triangles = torch.from_numpy(asset.vertices), torch.from_numpy(asset.triangles)
    score = score_shape(vertices, triangles, *truth(dataset)).f_score
    values = (name, options["isosurface"], options["dmtet_grid"], metrics["psnr"], score)
    values += (spike_share(vertices, triangles), len(triangles), unshared(triangles))
    return "| %s | %s | %d | %.2f | %.4f | %.4f | %d | %d | %.0f | %.0f |" % (
        *values,
        seconds,
        metrics["peak_memory_mib"],
    )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captures", nargs="+", choices=("sample", "thin"), default=["sample", "thin"])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="an option of every run")
    parser.add_argument("--write", action="store_true", help="also put the table into the decision record")
    return parser.parse_args()


def main() -> int:
    """Trains each variant, prints the table as it grows."""
    arguments = parse()
    common = {**BASE, "threads": 1, "save_interval": 0, "checkpoint_interval": 0}
    common.update((key, json.loads(value)) for key, _, value in (text.partition("=") for text in arguments.set))
    lines = [HEAD, "|---" * 10 + "|"]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as name:
        thin = Path(name) / "thin.obj"
        write_thin(thin)
        lit = {"envmap": str(SAMPLE / "ground_truth" / "light.hdr"), "reference_views": 56}
        datasets = {"sample": (SAMPLE, {}), "thin": (thin, lit)}
        for capture in arguments.captures:
            dataset, own = datasets[capture]
            for kind, grid in VARIANTS:
                options = {**common, **own, "isosurface": kind, "dmtet_grid": grid}
                lines.append(row(capture, dataset, Path(name) / ("%s-%s-%d" % (capture, kind, grid)), options))
                print(lines[-1], flush=True)
    if arguments.write:
        measured_pages.replace(PAGE, "table", "experiment_isosurfaces.py", "\n".join(["", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Measures how the final triangles are cut into charts: seconds, seams and stretch for xatlas's choices and for ours.

    python scripts/experiment_charts.py                    the table of docs/decisions/0019-charts.md
    python scripts/experiment_charts.py --write            and puts it there
    python scripts/experiment_charts.py MESH.obj ...       of other meshes

The shape is a bumpy double torus, extracted with FlexiCubes on finer and finer grids as pass 1 does, so that only the
number of triangles changes. Seams are the length of all edges along which the texture is cut, in diagonals of the mesh.
Stretch is the ratio of the larger to the smaller scale by which a triangle is flattened: its 99th percentile over the
triangles. Used is the share of the texture that charts cover, as xatlas packs them first.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "pipeline"))

import measured_pages  # noqa: E402

from topforge_capture.obj_reader import read_obj  # noqa: E402
from topforge_train.geometry import FlexiCubes, unwrap  # noqa: E402
from topforge_train.geometry.mesh import Mesh, edges  # noqa: E402

PAGE = ROOT / "docs" / "decisions" / "0019-charts.md"
GRIDS = (32, 64, 128, 192)
VARIANTS = {  # the cost up to which a triangle may join a chart, and triangles that are cut together
    "xatlas's own": (2.0, 10**9),
    "cost 1": (1.0, 10**9),
    "pieces": (2.0, unwrap.PIECE),
    "both, ours": (unwrap.CHART_COST, unwrap.PIECE),
}
TEXTURE, GAP = 1024, unwrap.CHART_GAP


def main() -> int:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", nargs="*", type=Path, help=".obj files in place of the double torus")
    parser.add_argument("--write", action="store_true", help="put the table into the decision")
    arguments = parser.parse_args()
    lines = [
        "| mesh | triangles | charts by | seconds | charts | seams | stretch | used |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    found = [(path.stem, mesh_of(path)) for path in arguments.meshes]
    for name, mesh in found or [("grid %d" % grid, double_torus(grid)) for grid in GRIDS]:
        for variant, options in VARIANTS.items():
            lines.append("| %s | %d | %s | %s |" % (name, len(mesh.triangles), variant, measured(mesh, *options)))
            print(lines[-1], flush=True)
    if arguments.write:
        measured_pages.replace(PAGE, "table", "experiment_charts.py", "\n".join(["", *lines, ""]))
    return 0


def double_torus(grid: int) -> Mesh:
    """A bumpy surface with two handles, as an isosurface of a grid with that many cells along a side."""

    def distance(points: torch.Tensor) -> torch.Tensor:
        x, y, z = points.unbind(1)
        rings = [torch.hypot(torch.hypot(x - side, y) - 0.3, z) for side in (-0.28, 0.28)]
        bumps = 0.02 * torch.sin(17 * x) * torch.cos(13 * y) * torch.sin(15 * z + 1)
        return torch.minimum(*rings) - 0.12 + bumps

    surface = FlexiCubes(torch.tensor([[-0.8] * 3, [0.8] * 3]), grid)
    surface.initialise(distance)
    mesh = surface.extract(training=False)
    return Mesh(mesh.vertices.detach(), mesh.triangles)


def mesh_of(path: Path) -> Mesh:
    """The triangles of a file."""
    read = read_obj(path)
    return Mesh(torch.from_numpy(np.array(read.positions)), torch.from_numpy(np.array(read.triangles)))


def measured(mesh: Mesh, cost: float, largest: int) -> str:
    """The figures of one way to cut, as cells of the table."""
    began = time.perf_counter()
    atlas, uv, uv_triangles = unwrap.cut(mesh, TEXTURE, GAP, cost, largest)
    seconds = time.perf_counter() - began
    triangles = uv_triangles.numpy()
    points = np.zeros((len(uv), 3))
    points[triangles] = mesh.vertices.numpy()[mesh.triangles.numpy()]
    places = uv.numpy() * [atlas.width, atlas.height]
    border, folded = seams(points, triangles), stretch(points, places, triangles)
    return "%.1f | %d | %.1f | %.2f | %.2f" % (seconds, atlas.chart_count, border, folded, atlas.utilization)


def seams(points: np.ndarray, triangles: np.ndarray) -> float:
    """Length of the charts' borders, each seam once, in diagonals of the mesh."""
    found = edges(torch.from_numpy(triangles))
    border = found.vertices[found.triangle_count == 1].numpy()
    length = np.linalg.norm(points[border[:, 0]] - points[border[:, 1]], axis=1).sum() / 2
    return float(length / np.linalg.norm(np.ptp(points, axis=0)))


def stretch(points: np.ndarray, places: np.ndarray, triangles: np.ndarray) -> float:
    """99th percentile over the triangles of the larger over the smaller scale (Sander et al. 2001, section 3)."""
    one, two = (points[triangles[:, k]] - points[triangles[:, 0]] for k in (1, 2))
    along = one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-20)
    across = np.cross(np.cross(one, two), one)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-20)
    flat = np.stack([np.stack([(side * axis).sum(1) for side in (one, two)], -1) for axis in (along, across)], 1)
    mapped = np.stack([places[triangles[:, k]] - places[triangles[:, 0]] for k in (1, 2)], -1)
    usable = np.abs(np.linalg.det(flat)) > 1e-14
    scales = np.linalg.svd(mapped[usable] @ np.linalg.inv(flat[usable]), compute_uv=False)
    return float(np.quantile(scales[:, 0] / np.maximum(scales[:, 1], 1e-9), 0.99))


if __name__ == "__main__":
    sys.exit(main())

"""From an extracted surface to a result: `python -m topforge_train.normalising.neuralangelo`, without torch.

    --mesh FILE.ply --output FOLDER --scratch FOLDER --up AXIS --capture transforms.json --fuse TOLERANCE
    --triangles BUDGET --preview-triangles COUNT [--largest-part] [--remove-mesh]

It fuses what block-wise extraction wrote twice, turns the world y-up, simplifies where a budget is set, and writes the
mesh in every form that a surface with colours and no textures has.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import List, Optional, Sequence

import fast_simplification
import numpy as np

from topforge import atomic
from topforge.errors import FailureClass, TopForgeError
from topforge.trainers.upstream.normalising import say
from topforge_capture import cameras_file, ply, surface
from topforge_capture.ply import Floats
from topforge_capture.surface import Surface
from topforge_train.normalising import surface_files
from topforge_train.training import failures

EXCHANGE_TRIANGLES = 2_000_000
"""glTF and USD hold the delivered mesh up to this size, the preview beyond it."""
COLLAPSE_TRIANGLES = 4_000_000
"""Edges collapse one by one, which takes 200 bytes a triangle: more are merged on a grid first."""
_MERGED_FIRST = 4
"""Grid merging leaves this many times the triangles that are wanted, for the collapses to choose from."""
TURNS = {
    "y": np.eye(3, dtype=np.float32),
    "z": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32),
    "-y": np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], np.float32),
    "-z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32),
}
"""From a world with that axis up to one with y up; half or quarter turns about x."""


class StubbornSurfaceError(TopForgeError):
    """A surface that cannot be simplified so far."""

    failure_class = FailureClass.TRAINER

    def __init__(self, budget: int, left: int) -> None:
        super().__init__(
            'The surface cannot be simplified to "triangle_budget" %d: %d triangles are left.' % (budget, left),
            "Raise triangle_budget, or set largest_part where many small pieces hold it up.",
        )


class LargeSurfaceError(TopForgeError):
    """The machine's memory is not enough for the surface."""

    failure_class = FailureClass.OOM

    def __init__(self, error: MemoryError) -> None:
        super().__init__("The machine's memory is not enough for this surface (%s)." % error, "Lower resolution.")


def main(words: Optional[Sequence[str]] = None) -> int:
    """Makes the result; a failure is told in the lines that the adapter reads.

    Returns:
        The exit code.
    """
    given = _arguments().parse_args(words)
    return failures.reported(lambda: run(given))


def run(given: argparse.Namespace) -> None:
    """Delivers, in the words of this step where memory is short.

    Raises:
        TopForgeError: What stands in the way.
    """
    try:
        deliver(given)
    except MemoryError as error:
        raise LargeSurfaceError(error) from error


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m topforge_train.normalising.neuralangelo")
    for name in ("mesh", "output", "scratch", "capture"):
        parser.add_argument("--" + name, type=Path, required=True)
    parser.add_argument("--up", choices=sorted(TURNS), required=True)
    parser.add_argument("--fuse", type=float, required=True)
    parser.add_argument("--triangles", type=int, required=True)
    parser.add_argument("--preview-triangles", type=int, required=True)
    parser.add_argument("--largest-part", action="store_true")
    parser.add_argument("--remove-mesh", action="store_true")
    return parser


def deliver(given: argparse.Namespace) -> None:
    """Reads the extracted mesh and writes everything.

    Raises:
        TopForgeError: The mesh is missing, cut short, empty, or cannot be simplified as far as wanted.
    """
    output: Path = given.output
    (output / "mesh").mkdir(parents=True, exist_ok=True)
    say(0.0, "reading the extracted mesh")
    extracted = ply.open_mesh(given.mesh)
    whole = surface.load(extracted, given.fuse, given.largest_part, given.scratch)
    say(0.4, "%d triangles after fusing" % len(whole.triangles))
    turned = whole.turned(TURNS[given.up])
    delivered = turned if given.triangles == 0 else simplified(turned, given.triangles)
    if given.triangles and len(delivered.triangles) > given.triangles:
        raise StubbornSurfaceError(given.triangles, len(delivered.triangles))
    say(0.7, "writing %d triangles" % len(delivered.triangles))
    delivered.write(output / "mesh" / "mesh.ply")
    say(0.85, "making the preview")
    preview = simplified(delivered, given.preview_triangles)
    preview.write(output / "mesh_preview.ply")
    exchanged = delivered if len(delivered.triangles) <= EXCHANGE_TRIANGLES else preview
    surface_files.write_all(output, exchanged, preview)
    surface_files.write_cameras(output / cameras_file.NAME, given.capture, TURNS[given.up])
    _write_summary(output / "summary.json", extracted, whole, delivered, preview, exchanged)
    if given.remove_mesh:
        given.mesh.unlink()
    shutil.rmtree(given.scratch, ignore_errors=True)
    say(1.0, "done")


def _write_summary(
    path: Path, extracted: ply.PlyMesh, whole: Surface, delivered: Surface, preview: Surface, exchanged: Surface
) -> None:
    metrics = {
        "triangles": float(len(delivered.triangles)),
        "vertices": float(len(delivered.positions)),
        "extracted_triangles": float(len(extracted.faces)),
        "extracted_vertices": float(len(extracted.vertices)),
    }
    provenance = {
        "triangles_after_fusing": len(whole.triangles),
        "vertices_after_fusing": len(whole.positions),
        "preview_triangles": len(preview.triangles),
        "gltf_and_usd": "the delivered mesh"
        if exchanged is delivered
        else "the preview: the mesh is too large for them",
        "textures": "none: upstream gives each vertex a colour and makes no texture coordinates",
    }
    atomic.write_text(path, json.dumps({"metrics": metrics, "provenance": provenance}, indent=1) + "\n")


def simplified(mesh: Surface, budget: int) -> Surface:
    """The mesh with about `budget` triangles or fewer: merged on a grid where it is huge, then by collapsing edges."""
    if len(mesh.triangles) <= budget:
        return mesh
    room = max(budget, min(_MERGED_FIRST * budget, COLLAPSE_TRIANGLES))
    merged = _merged_to(mesh, room)
    if len(merged.triangles) <= budget or len(merged.triangles) > COLLAPSE_TRIANGLES:
        return merged
    return collapsed(merged, budget)


def _merged_to(mesh: Surface, triangles: int) -> Surface:
    """Merged on a grid until no more than so many triangles are left; a closed surface has two for each vertex."""
    vertices = triangles // 2
    while len(mesh.triangles) > triangles:
        mesh = surface.merged(mesh, min(vertices, len(mesh.positions) - 1))
        vertices = vertices * 9 // 10
    return mesh


def collapsed(mesh: Surface, budget: int) -> Surface:
    """With edges collapsed in the order of the quadric error; a vertex has the mean colour of those it stands for."""
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    size = float((high - low).max())  # the collapses' thresholds are absolute: they work on a unit cube
    points, triangles = (mesh.positions - low) / size, np.array(mesh.triangles)
    found: List[np.ndarray] = list(
        fast_simplification.simplify(points, triangles, target_count=budget, return_collapses=True)
    )
    positions, left, stands_for = fast_simplification.replay_simplification(points, triangles, found[2])
    if not len(left):
        return mesh
    moved: Floats = (np.asarray(positions) * size + low).astype(np.float32)
    colours = None
    if mesh.colours is not None:
        weight = np.maximum(np.bincount(stands_for, minlength=len(moved)), 1)
        sums = [np.bincount(stands_for, mesh.colours[:, c], len(moved)) / weight + 0.5 for c in range(3)]
        colours = np.stack(sums, axis=1).astype(np.uint8)
    return Surface(moved, colours, np.asarray(left).astype(np.int32))


if __name__ == "__main__":
    sys.exit(main())

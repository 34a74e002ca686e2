#!/usr/bin/env python3
"""Measures silhouette gradient estimators against finite differences of a high-resolution image.

    python scripts/experiment_silhouettes.py            print the tables
    python scripts/experiment_silhouettes.py --write    and put them into docs/decisions/0003-silhouette-gradients.md

What is differentiated is L = mean over the image of W(x, y) * I(x, y), with a smooth weight W, along displacement
fields of the vertices: a scaling, smooth fields, and fields that move every vertex on its own. The reference is the
central difference of L over blended images of 2048 x 2048 pixels. That needs the blending's values, not its gradient;
the values are checked too, against plain coverage at that resolution.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "pipeline"))

from topforge_train.backend import Fragments, load  # noqa: E402
from topforge_train.backend import warp_silhouette as silhouette  # noqa: E402
from topforge_train.backend.warp_edges import silhouette_sides  # noqa: E402
from topforge_train.geometry.dmtet import DMTet  # noqa: E402

RECORD = ROOT / "docs" / "decisions" / "0003-silhouette-gradients.md"
FINE = 2048
"""Resolution of the reference image."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """A mesh with one colour a triangle, seen by one camera."""

    name: str
    vertices: Tensor  # [V, 3]
    triangles: Tensor  # [F, 3] int32
    colour: Tensor  # [F]
    camera: Tensor  # [4, 4] world to clip

    def clip(self, vertices: Tensor) -> Tensor:
        ones = torch.ones_like(vertices[:, :1])
        return (torch.cat([vertices, ones], 1) @ self.camera.T).unsqueeze(0)


def torus(around: int, across: int) -> Tuple[Tensor, Tensor]:
    """A bumpy torus in the xy plane with 2 * around * across triangles."""
    u, v = torch.meshgrid(torch.arange(around), torch.arange(across), indexing="ij")
    a, b = u * (2 * math.pi / around), v * (2 * math.pi / across)
    tube = 0.35 + 0.08 * torch.sin(5 * a) * torch.cos(3 * b)
    ring = 0.8 + tube * torch.cos(b)
    points = torch.stack([ring * torch.cos(a), ring * torch.sin(a), tube * torch.sin(b)], -1).reshape(-1, 3)
    right, up = (u + 1) % around, (v + 1) % across
    lower = torch.stack([u * across + v, right * across + v, right * across + up], -1)
    upper = torch.stack([u * across + v, right * across + up, u * across + up], -1)
    return points, torch.cat([lower.reshape(-1, 3), upper.reshape(-1, 3)]).int()


def isosurface(cells: int, noise: float) -> Tuple[Tensor, Tensor]:
    """A sphere as marching tetrahedra leave it early in training: radius noise in units of a cell."""
    shape = DMTet(torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]), cells)
    jitter = torch.randn(shape.sdf.shape) * noise * 2 / cells
    shape.initialise(lambda points: points.norm(dim=1) - 0.8 + jitter)
    mesh = shape.extract(training=False)
    return mesh.vertices.detach(), mesh.triangles


def camera(azimuth: float, elevation: float, distance: float) -> Tensor:
    """World to clip of a camera that looks at the origin; NDC y points down."""
    sine, cosine = math.sin(elevation), math.cos(elevation)
    eye = distance * torch.tensor([math.cos(azimuth) * cosine, math.sin(azimuth) * cosine, sine])
    back = eye / distance
    right = torch.nn.functional.normalize(torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]), back), dim=0)
    view = torch.eye(4)
    view[:3, :3] = torch.stack([right, torch.linalg.cross(back, right), back])
    view[:3, 3] = -view[:3, :3] @ eye
    focal, near, far = 1 / math.tan(0.4), 0.1, 20.0
    depth = [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)]
    return torch.tensor([[focal, 0, 0, 0], [0, -focal, 0, 0], depth, [0, 0, -1, 0]]) @ view


def scenes() -> List[Scene]:
    """Meshes from coarse to finer than the pixels, a noisy isosurface, and a handle in front of a body."""
    found = []
    for around, across in ((24, 12), (48, 25), (100, 50)):
        points, triangles = torus(around, across)
        name = "torus, %d triangles" % len(triangles)
        found.append(Scene(name, points, triangles, torch.ones(len(triangles)), camera(0.3, 0.7, 3.2)))
    for noise, name in ((0.0, "isosurface"), (0.15, "noisy isosurface")):
        points, triangles = isosurface(24, noise)
        name = "%s, %d triangles" % (name, len(triangles))
        found.append(Scene(name, points, triangles, torch.ones(len(triangles)), camera(0.3, 0.7, 2.6)))
    ring, ring_triangles = torus(100, 50)
    body, body_triangles = isosurface(24, 0.0)
    colour = torch.cat([torch.ones(len(ring_triangles)), torch.full((len(body_triangles),), 0.3)])
    points = torch.cat([ring * 0.3 + torch.tensor([0.86, 0.45, 0.72]), body])
    triangles = torch.cat([ring_triangles, body_triangles + len(ring)])
    name = "handle before body, %d triangles" % len(triangles)
    found.append(Scene(name, points, triangles, colour, camera(0.3, 0.7, 3.2)))
    return found


def paint(scene: Scene, ids: Tensor) -> Tensor:
    """Image [1, H, W, 1] from triangle ids."""
    return torch.cat([torch.zeros(1), scene.colour])[ids.long()].unsqueeze(-1)


def weight(size: int) -> Tensor:
    """W over the image, [1, size, size, 1]."""
    place = (torch.arange(size) + 0.5) / size
    return (1 + 0.5 * torch.sin(7 * place[None] + 4 * place[:, None]))[None, :, :, None]


Estimator = Callable[[Tensor, Tensor, Tensor, Fragments], Tensor]


@dataclasses.dataclass(frozen=True)
class Edges:
    """Silhouette edges of all views."""

    start: Tensor  # [E] int64: view * V + vertex
    end: Tensor  # [E] int64
    side: Tensor  # [E] +1 where the surface lies to the left of start -> end in pixel coordinates (y down), else -1
    view: Tensor  # [E] int64


def silhouette_edges(clip: Tensor, triangles: Tensor) -> Edges:
    """The edges that the product finds."""
    marks = silhouette_sides(clip, triangles)
    view, side = torch.nonzero(marks).unbind(1)
    flat, base = triangles.reshape(-1).long(), view * clip.shape[1]
    start = base + flat[side]
    end = base + flat[side - side % 3 + (side + 1) % 3]
    return Edges(start, end, marks[view, side].long() * 2 - 3, view)


@dataclasses.dataclass(frozen=True)
class Crossings:
    """Places where a visible silhouette edge passes between the centres of two neighbouring pixels."""

    near: Tensor  # [N] int64, flat pixel of the surface that ends here
    far: Tensor  # [N] int64, flat pixel of what is behind it
    position: Tensor  # [N] in [0, 1]: where between the centres, from near to far; differentiable in clip
    weight: Tensor  # [N] share of this crossing in the edge: a slanted edge crosses rows and columns
    edge: Tensor  # [N] int64, which silhouette edge


def _lines(low: Tensor, high: Tensor, size: int) -> Tuple[Tensor, Tensor]:
    """Pixel lines whose centre lies in [low, high): an index into the inputs, and the line, for each hit."""
    first = torch.ceil(low - 0.5).clamp(0, size).long()
    count = (torch.ceil(high - 0.5).clamp(0, size).long() - first).clamp(min=0)
    edge = torch.repeat_interleave(count)
    step = torch.arange(len(edge), device=low.device) - (torch.cumsum(count, 0) - count)[edge]
    return edge, first[edge] + step


def _depth_at(fragments: Fragments, pixel: Tensor) -> Tensor:
    """Depth at flat pixels; 2, behind everything, where empty."""
    if not len(fragments.pixel):
        return torch.full(pixel.shape, 2.0, device=pixel.device)
    slot = torch.searchsorted(fragments.pixel, pixel).clamp(max=len(fragments.pixel) - 1)
    return torch.where(fragments.pixel[slot] == pixel, fragments.depth[slot], 2.0)


def _axis_crossings(axis: int, ends: Tensor, depths: Tensor, edges: Edges, fragments: Fragments) -> Crossings:
    """Crossings between neighbours in a row (axis 0) or in a column (axis 1).

    Args:
        axis: 0 or 1.
        ends: [2, E, 2] pixel coordinates of the edges; differentiable.
        depths: [2, E] z / w of the edges.
        edges: Whose ends these are.
        fragments: The visible surface.
    """
    size = (fragments.width, fragments.height)
    scan, fixed = 1 - axis, ends.detach()
    low, high = torch.minimum(*fixed[:, :, scan]), torch.maximum(*fixed[:, :, scan])
    edge, line = _lines(low, high, size[scan])
    start, end = ends[0, edge], ends[1, edge]
    share = (line + 0.5 - start[:, scan]) / (end[:, scan] - start[:, scan])
    place = start[:, axis] + share * (end[:, axis] - start[:, axis]) - 0.5
    cell = torch.floor(place.detach()).long()
    column, row = (cell, line) if axis == 0 else (line, cell)
    first = (edges.view[edge] * size[1] + row) * size[0] + column
    second = first + (1 if axis == 0 else size[0])
    in_image = (cell >= 0) & (cell < size[axis] - 1)
    first_depth = _depth_at(fragments, torch.where(in_image, first, 0))
    second_depth = _depth_at(fragments, torch.where(in_image, second, 0))
    # The surface is on the side of the first pixel if that is where the edge's triangle lies.
    run = (fixed[1] - fixed[0])[edge]
    toward_first = torch.sign(run[:, scan]) * edges.side[edge] * (1 if axis == 0 else -1)
    surface_first = toward_first > 0
    edge_depth = torch.lerp(depths[0, edge], depths[1, edge], share.detach())
    nearer, farther = torch.minimum(first_depth, second_depth), torch.maximum(first_depth, second_depth)
    ends_here = (surface_first == (first_depth < second_depth)) & (nearer < farther) & (edge_depth < farther)
    keep = torch.nonzero(in_image & ends_here).squeeze(1)
    surface_first, first, second = surface_first[keep], first[keep], second[keep]
    position = place[keep] - cell[keep]
    run = run[keep]
    return Crossings(
        near=torch.where(surface_first, first, second),
        far=torch.where(surface_first, second, first),
        position=torch.where(surface_first, position, 1.0 - position),
        weight=run[:, scan].square() / run.square().sum(1),
        edge=edge[keep],
    )


def all_crossings(clip: Tensor, edges: Edges, fragments: Fragments) -> Crossings:
    """Crossings of edges in front of the camera; `position` is differentiable in x, y and w of `clip`."""
    both = clip.view(-1, 4)[torch.stack([edges.start, edges.end])]
    size = both.new_tensor([fragments.width, fragments.height])
    ends = (both[:, :, :2] / both[:, :, 3:] * 0.5 + 0.5) * size
    depths = (both[:, :, 2] / both[:, :, 3]).detach()
    axes = [_axis_crossings(axis, ends, depths, edges, fragments) for axis in (0, 1)]
    names = [field.name for field in dataclasses.fields(Crossings)]
    return Crossings(*(torch.cat([getattr(axis, name) for axis in axes]) for name in names))


def blend(image: Tensor, crossings: Crossings) -> Tensor:
    """Mixes the pixel that each crossing lies in with its neighbour across the edge, by the share cut off."""
    pixels = image.reshape(-1, image.shape[3])
    cut = crossings.position - 0.5
    target = torch.where(cut.detach() > 0, crossings.far, crossings.near)
    contrast = pixels.index_select(0, crossings.near) - pixels.index_select(0, crossings.far)
    return pixels.index_add(0, target, (crossings.weight * cut).unsqueeze(1) * contrast).view(image.shape)


def owner_edges(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """Analytic blending that only knows the edges of the triangle that owns the nearer pixel (arXiv 2011.03277)."""
    edges = silhouette_edges(clip.detach(), triangles)
    found = all_crossings(clip, edges, fragments)
    slot = torch.searchsorted(fragments.pixel, found.near).clamp(max=len(fragments.pixel) - 1)
    owner = triangles[fragments.triangle[slot].long()]
    ends = torch.stack([edges.start, edges.end])[:, found.edge]
    known = (owner[None] == ends[:, :, None]).any(2).all(0) & (found.weight > 0.5)
    fields = {field.name: getattr(found, field.name)[known] for field in dataclasses.fields(found)}
    fields["weight"] = torch.ones_like(fields["weight"])
    return blend(image, Crossings(**fields))


def fragment_gradient(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """The image as it is; its gradient moves the surface under the nearer of two unlike pixels (arXiv 2405.02508)."""
    corners = clip[0, triangles[fragments.triangle.long()].long()]
    first, second = fragments.barycentric.detach().unbind(1)
    shares = torch.stack([first, second, 1 - first - second], 1)
    point = (corners * shares.unsqueeze(2)).sum(1)
    place = (point[:, :2] / point[:, 3:] * 0.5 + 0.5) * fragments.width
    slot = torch.full((fragments.height * fragments.width,), -1)
    slot[fragments.pixel] = torch.arange(len(fragments.pixel))
    distance = torch.full(slot.shape, math.inf)
    distance[fragments.pixel] = point[:, 3].detach()
    index = torch.arange(len(slot)).view(fragments.height, fragments.width)
    pixels = image.reshape(-1, image.shape[3])
    result = pixels
    for axis, (low, high) in enumerate(((index[:, :-1], index[:, 1:]), (index[:-1], index[1:]))):
        low, high = low.reshape(-1), high.reshape(-1)
        # A step in depth of ten pixels' width is taken for the end of a surface.
        jump = (distance[low] - distance[high]).abs() > 10 * 2 * 0.42 * 3 / fragments.width
        pick = torch.nonzero(jump & ~(distance[low].isinf() & distance[high].isinf())).squeeze(1)
        low, high = low[pick], high[pick]
        low_near = distance[low] < distance[high]
        near, far = torch.where(low_near, low, high), torch.where(low_near, high, low)
        move = place[slot[near], axis] * torch.where(low_near, 1.0, -1.0)
        change = 0.5 * (move - move.detach()).unsqueeze(1) * (pixels[near] - pixels[far]).detach()
        result = result.index_add(0, near, change).index_add(0, far, change)
    return result.view(image.shape)


def only_backward(estimator: Estimator) -> Estimator:
    """The image as it is, with the gradient of an estimator."""

    def run(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        change = estimator(image, clip, triangles, fragments) - image
        return image + change - change.detach()

    return run


def blended_forward(estimator: Estimator) -> Estimator:
    """The image of `silhouette.antialias`, with the gradient of an estimator."""

    def run(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        smooth = silhouette.antialias(image, clip.detach(), triangles, fragments)
        change = estimator(image, clip, triangles, fragments) - image
        return smooth + change - change.detach()

    return run


ESTIMATORS: Dict[str, Estimator] = {
    "owner's edges": owner_edges,
    "surface points": fragment_gradient,
    "blended, surface points": blended_forward(fragment_gradient),
    "mesh edges, unblended": only_backward(silhouette.antialias),
    "mesh edges": silhouette.antialias,
}
BRIEF = ("owner's edges", "surface points", "mesh edges")
"""Shown at every resolution; the others, and 2 x 2 samples a pixel, only at 128."""


def probes(scene: Scene) -> Dict[str, List[Tensor]]:
    """Displacement fields [V, 3], by kind; they move the outline by a fraction of a pixel of the reference image."""
    points, size = scene.vertices, 0.0004
    smooth = []
    for _ in range(8):
        wave = torch.randn(3, 3) * 2
        smooth.append(size * torch.sin(points @ wave + 6 * torch.rand(3)))
    single = [size * 0.5 * torch.randn(points.shape) for _ in range(12)]
    return {"scale": [size * points], "smooth": smooth, "single": single}


def fine_loss(scene: Scene, vertices: Tensor) -> float:
    """L of the blended reference image."""
    return float((FINE_WEIGHT * coarse(scene, silhouette.antialias, FINE, 1, vertices)).mean(dtype=torch.float64))


def coarse(scene: Scene, estimator: Estimator, size: int, factor: int, vertices: Tensor) -> Tensor:
    """The image [1, size, size, 1] an estimator makes, supersampled and averaged over squares."""
    clip = scene.clip(vertices)
    fragments = BACKEND.rasterize(clip, scene.triangles, (size * factor, size * factor))
    image = estimator(paint(scene, fragments.ids), clip, scene.triangles, fragments)
    return image.view(1, size, factor, size, factor, 1).mean((2, 4))


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table; errors relative to the reference's root mean square over the fields."""

    scale: float
    smooth: float
    single: float
    pixels: float  # root mean square error of the image against the averaged reference
    milliseconds: float

    def text(self) -> str:
        values = (self.scale, 100 * self.smooth, 100 * self.single, self.pixels, self.milliseconds)
        return "%.2f | %.0f %% | %.0f %% | %.4f | %.1f" % values


def measure(scene: Scene, truth: Dict[str, Tensor], plain: Tensor, size: int, estimator: Estimator, factor: int) -> Row:
    """Compares one estimator with the reference."""
    vertices = scene.vertices.clone().requires_grad_()
    image = coarse(scene, estimator, size, factor, vertices)
    (gradient,) = torch.autograd.grad((weight(size) * image).mean(), vertices)
    fields = probes_of[scene.name]
    found = {kind: torch.stack([(gradient * field).sum() for field in fields[kind]]) for kind in fields}
    error = {kind: float((found[kind] - truth[kind]).norm() / truth[kind].norm()) for kind in fields}
    target = plain.view(1, size, FINE // size, size, FINE // size, 1).mean((2, 4))
    pixels = float((image.detach() - target).square().mean().sqrt())
    return Row(
        float(found["scale"] / truth["scale"]),
        error["smooth"],
        error["single"],
        pixels,
        clock(scene, estimator, size * factor),
    )


def clock(scene: Scene, estimator: Estimator, size: int) -> float:
    """Processor milliseconds of an estimator's forward and backward on four channels, without rasterisation."""
    clip = scene.clip(scene.vertices).requires_grad_()
    fragments = BACKEND.rasterize(clip, scene.triangles, (size, size))
    image = paint(scene, fragments.ids).expand(-1, -1, -1, 4).contiguous().requires_grad_()
    times = []
    for _ in range(7):
        start = time.process_time()
        estimator(image, clip, scene.triangles, fragments).sum().backward()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def table(scene: Scene) -> str:
    """The scene's table in Markdown."""
    fields = probes_of[scene.name] = probes(scene)
    truth = {kind: torch.tensor([slope(scene, field) for field in fields[kind]]) for kind in fields}
    plain = paint(scene, BACKEND.rasterize(scene.clip(scene.vertices), scene.triangles, (FINE, FINE)).ids)
    lines = ["### %s" % scene.name, "", HEAD, "|---|---|---|---|---|---|---|---|"]
    for size in (64, 128, 256, 512):
        for name, estimator in ESTIMATORS.items():
            for factor in (1, 2) if size == 128 else (1,):
                if size == 128 or name in BRIEF:
                    row = measure(scene, truth, plain, size, estimator, factor)
                    lines.append("| %d | %s | %d | %s |" % (size, name, factor**2, row.text()))
    return "\n".join([*lines, ""])


def slope(scene: Scene, field: Tensor) -> float:
    """Derivative of the reference along a displacement field."""
    return 0.5 * (fine_loss(scene, scene.vertices + field) - fine_loss(scene, scene.vertices - field))


HEAD = "| pixels | estimator | samples | scaling, found / true | error, smooth | error, each vertex | image rms | ms |"
MARK = "<!-- tables: scripts/experiment_silhouettes.py --write -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into the decision record")
    write = parser.parse_args().write
    tables = []
    for scene in scenes():
        tables.append(table(scene))
        print(tables[-1], flush=True)
    if write:
        text = RECORD.read_text(encoding="utf-8")
        RECORD.write_text(text[: text.index(MARK)] + "\n".join([MARK, "", *tables]), encoding="utf-8")


probes_of: Dict[str, Dict[str, List[Tensor]]] = {}
torch.set_num_threads(1)
BACKEND = load()
FINE_WEIGHT = weight(FINE)
if __name__ == "__main__":
    torch.manual_seed(1)
    main()

"""Antialiasing: exact blending along the silhouettes of the mesh, and through it the gradient of visibility.

A silhouette edge lies between a front-facing and a back-facing triangle, or belongs to one triangle only. Wherever such
an edge passes between the centres of two neighbouring pixels, and the surface ends there, the pixel it runs through is
blended from the two by the share that the edge cuts off. Differentiating that share moves the edge.

nvdiffrast (arXiv 2011.03277, section 3.6) blends in the same way, but only looks at the edges of the triangle that owns
a pixel's centre. Where triangles are as small as pixels that is hardly ever the one with the silhouette edge, and most
of the gradient is lost. Here the edges come from the mesh, so none is missed; docs/decisions/0003 has the measurements.

The edges are found by two Warp kernels over all triangles; what remains are a few thousand crossings, in plain torch.
"""

from __future__ import annotations

import dataclasses
from typing import Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_owners, launch_ranges, vectors
from topforge_train.backend.warp_barycentric import corner
from topforge_train.backend.warp_runtime import check, check_triangles

# Without fused multiply-add, which CPUs and GPUs do not share: who is visible is decided by the same bits on both.
wp.set_module_options({"enable_backward": False, "fuse_fp": False})


@wp.func
def square(index: int) -> wp.int64:
    """The square of a vertex index."""
    return wp.int64(index) * wp.int64(index)


@wp.kernel
def rim_kernel(owner: int, owners: int, triangles: wp.array(dtype=wp.vec3i), rims: wp.array(dtype=wp.int64)):
    """Adds, at each corner, the next corner and subtracts the one before.

    Around a vertex whose triangles close a fan every neighbour comes once with each sign: the sum is zero. A sum that
    is not marks a vertex on the rim of an open surface. (Squares of the indices are added, so that the sums of two fans
    at one vertex do not cancel by chance.)
    """
    indices = triangles[wp.tid()]
    for k in range(3):
        if indices[k] % owners == owner:
            wp.atomic_add(rims, indices[k], square(indices[(k + 1) % 3]) - square(indices[(k + 2) % 3]))


@wp.kernel
def facing_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    fronts: wp.array(dtype=wp.uint8),
    has_front: wp.array(dtype=wp.uint8),
    has_back: wp.array(dtype=wp.uint8),
):
    """Says which way a triangle faces in a view, and tells its corners. All writers of an address write the same."""
    i = first + wp.tid()
    base = (i // triangles.shape[0]) * vertices
    indices = triangles[i % triangles.shape[0]]
    p0 = corner(clip[base + indices[0]])
    determinant = wp.dot(p0, wp.cross(corner(clip[base + indices[1]]), corner(clip[base + indices[2]])))
    one = wp.uint8(1)
    if determinant > wp.float64(0.0):
        fronts[i] = one
        for k in range(3):
            has_front[base + indices[k]] = one
    else:
        fronts[i] = wp.uint8(0)
        for k in range(3):
            has_back[base + indices[k]] = one


@wp.kernel
def candidate_kernel(
    first: int,
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    rims: wp.array(dtype=wp.int64),
    has_front: wp.array(dtype=wp.uint8),
    has_back: wp.array(dtype=wp.uint8),
    candidates: wp.array(dtype=wp.uint8),
):
    """Marks sides of a triangle that may be silhouette edges: both ends see both facings, or lie on a rim."""
    i = first + wp.tid()
    base = (i // triangles.shape[0]) * vertices
    indices = triangles[i % triangles.shape[0]]
    ends = wp.vec3i(0, 0, 0)
    for k in range(3):
        vertex = base + indices[k]
        if rims[indices[k]] != wp.int64(0) or (has_front[vertex] != wp.uint8(0) and has_back[vertex] != wp.uint8(0)):
            ends[k] = 1
    for k in range(3):
        candidates[3 * i + k] = wp.uint8(ends[k] * ends[(k + 1) % 3])


@dataclasses.dataclass(frozen=True)
class Edges:
    """Silhouette edges of all views."""

    start: Tensor  # [E] int64: view * V + vertex
    end: Tensor  # [E] int64
    side: Tensor  # [E] +1 where the surface lies to the left of start -> end in pixel coordinates (y down), else -1
    view: Tensor  # [E] int64


def silhouette_edges(clip: Tensor, triangles: Tensor) -> Edges:
    """Finds every silhouette edge with both ends in front of the camera, hidden ones included.

    Args:
        clip: [B, V, 4] float32, contiguous.
        triangles: [F, 3] int32, contiguous.
    """
    views, vertices = clip.shape[:2]
    count, device = len(triangles), clip.device
    corners = vectors(triangles, wp.vec3i)
    rims = torch.zeros(vertices, dtype=torch.int64, device=device)
    flags = torch.zeros((2, views * vertices), dtype=torch.uint8, device=device)
    fronts = torch.empty(views * count, dtype=torch.uint8, device=device)
    candidates = torch.empty(views * count * 3, dtype=torch.uint8, device=device)
    if count and views:
        launch_owners(rim_kernel, count, (corners, rims), device)
        positions = vectors(clip.view(-1, 4), wp.vec4)
        launch_ranges(facing_kernel, views * count, (positions, vertices, corners, fronts, flags[0], flags[1]), device)
        marks = (vertices, corners, rims, flags[0], flags[1], candidates)
        launch_ranges(candidate_kernel, views * count, marks, device)
    chosen = torch.nonzero(candidates).squeeze(1)
    return _before_camera(_pair_sides(chosen, fronts, triangles, vertices), clip)


def _pair_sides(chosen: Tensor, fronts: Tensor, triangles: Tensor, vertices: int) -> Edges:
    """Of the chosen sides (3 * (view * F + triangle) + k), the edges whose triangles do not continue each other."""
    owner, k = chosen // 3, chosen % 3
    view, triangle = owner // max(1, len(triangles)), owner % max(1, len(triangles))
    flat = triangles.view(-1)
    start = flat[triangle * 3 + k].long()
    end = flat[triangle * 3 + (k + 1) % 3].long()
    low, high = torch.minimum(start, end), torch.maximum(start, end)
    key, order = torch.sort((view * vertices + low) * vertices + high, stable=True)
    fresh = torch.ones_like(key, dtype=torch.bool)
    fresh[1:] = key[1:] != key[:-1]
    group = torch.cumsum(fresh, 0) - 1
    front = fronts[owner[order]].long()
    # Number of triangles on the edge that face us, and that do not. Two of a kind continue each other.
    facing = torch.zeros((len(key), 2), dtype=torch.int64, device=key.device)
    facing.index_add_(0, group, torch.stack([front, 1 - front], 1))
    silhouette = (facing % 2 == 1).any(1)[group] & fresh
    one = order[silhouette]
    base = view[one] * vertices
    return Edges(base + start[one], base + end[one], front[silhouette] * 2 - 1, view[one])


def _before_camera(edges: Edges, clip: Tensor) -> Edges:
    """The edges with both ends in front of the camera."""
    w = clip.view(-1, 4)[:, 3]
    kept = torch.nonzero((w[edges.start] > 0) & (w[edges.end] > 0)).squeeze(1)
    return Edges(*(getattr(edges, field.name)[kept] for field in dataclasses.fields(edges)))


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


def outermost(crossings: Crossings) -> Crossings:
    """Of several edges between the same two pixels, the one farthest out: there the surface really ends."""
    pair = crossings.near * 4 + (crossings.far - crossings.near).sign() + 1
    place = (crossings.position.detach().clamp(0, 1) * (2**20 - 1)).long()
    step = (crossings.far - crossings.near).abs() > 1
    # Stable, so that of two edges that meet there every device takes the same.
    key, order = torch.sort(((pair * 2 + step) << 20) + place, stable=True)
    last = torch.ones_like(key, dtype=torch.bool)
    last[:-1] = (key[1:] >> 20) != (key[:-1] >> 20)
    kept = order[last]
    return Crossings(*(getattr(crossings, field.name)[kept] for field in dataclasses.fields(crossings)))


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


def antialias(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """Blends pixels along visible silhouettes (see `interface.Backend.antialias`).

    Differentiable in `image` and in x, y and w of `clip`; the backward is the derivative of the forward, with the
    slant of an edge held fixed. Edges with an end behind the camera are left out.

    Args:
        image: [B, H, W, C].
        clip: [B, V, 4], what was rasterised.
        triangles: [F, 3] int32.
        fragments: The result of rasterising them.

    Raises:
        TensorMismatchError: A tensor has the wrong shape, type or device.
        TriangleIndexError: A triangle names a vertex that does not exist.
    """
    device = image.device
    triangles = check_triangles(triangles, clip.shape[1], device)
    positions = check("clip", clip, (fragments.views, "V", 4), torch.float32, device)
    check("image", image, (fragments.views, fragments.height, fragments.width, "C"), torch.float32, device)
    edges = silhouette_edges(positions, triangles)
    return blend(image, outermost(all_crossings(clip.contiguous(), edges, fragments)))

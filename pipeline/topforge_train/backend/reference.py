"""Naive plain-torch twins of rasterise, interpolate and antialias: any float type, autograd, written for reading.

They are the oracle of the tests. Nothing here knows about speed: every pixel looks at every triangle, every pair of
neighbouring pixels at every edge. The twins of the sampling operators are in `reference_sampling`.
"""

from __future__ import annotations

import collections
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import Fragments


def _rays(height: int, width: int, like: Tensor) -> Tensor:
    """Pixel centres in NDC, homogeneous: [H * W, 3]."""
    y = (2 * torch.arange(height) + 1) / height - 1
    x = (2 * torch.arange(width) + 1) / width - 1
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).flip(-1).reshape(-1, 2)
    return torch.cat([grid, torch.ones(len(grid), 1)], 1).to(like)


def _weights(corners: Tensor, rays: Tensor) -> Tensor:
    """Weights c [..., 3] with sum_i c_i (x_i, y_i, w_i) = ray, for corners [..., 3, 4] and rays [..., 3]."""
    matrix = corners[..., [0, 1, 3]].transpose(-1, -2)
    return torch.linalg.solve(matrix, rays.unsqueeze(-1)).squeeze(-1)


def _follows(z: Tensor, behind: Optional[Fragments]) -> Tensor:
    """Which triangles come after the ones found before at their pixels, by depth z [B, P, F] and number: bool."""
    if behind is None:
        return torch.ones_like(z, dtype=torch.bool)
    last = behind.ids.reshape(len(z), -1, 1).long() - 1
    depth, number = z.gather(-1, last.clamp(min=0)), torch.arange(z.shape[-1])
    return (last >= 0) & ((z > depth) | ((z == depth) & (number > last)))


def rasterize(
    clip: Tensor, triangles: Tensor, resolution: Tuple[int, int], behind: Optional[Fragments] = None
) -> Fragments:
    """Twin of `Backend.rasterize`: solves for the weights of every triangle at every pixel.

    A pixel belongs to a triangle where no weight is negative; which triangle gets a pixel on a shared edge is not the
    backend's choice.
    """
    height, width = resolution
    views = len(clip)
    rays = _rays(height, width, clip)
    corners = clip[:, triangles.long()]  # [B, F, 3, 4]
    matrix = corners[..., [0, 1, 3]]
    solvable = torch.linalg.det(matrix.detach()).abs() > 1e-300
    safe = torch.where(solvable[..., None, None], corners, torch.eye(4).to(clip)[[0, 1, 3]])
    with torch.no_grad():
        c = _weights(safe[:, None], rays[None, :, None])  # [B, P, F, 3]
        z = (c * safe[:, None, :, :, 2]).sum(-1)
        hit = (c >= 0).all(-1) & (z.abs() <= 1) & solvable[:, None] & _follows(z, behind)
        nearest, owner = torch.where(hit, z, torch.inf).min(-1)
        ids = torch.where(nearest.isfinite(), owner + 1, 0).to(torch.int32)
    pixel = torch.nonzero(ids.reshape(-1)).squeeze(1)
    owner = ids.reshape(-1)[pixel].long() - 1
    chosen = corners[pixel // (height * width), owner]
    c = _weights(chosen, rays[pixel % (height * width)])
    depth = (c * chosen[..., 2]).sum(-1).detach()
    barycentric = (c / c.sum(-1, keepdim=True))[:, :2]
    layer = 0 if behind is None else behind.layer + 1
    ids = ids.view(views, height, width)
    return Fragments(views, height, width, ids, pixel, owner.int(), barycentric, depth, layer=layer)


def interpolate(attributes: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """Twin of `Backend.interpolate`."""
    first, second = fragments.barycentric.unbind(1)
    shares = torch.stack([first, second, 1 - first - second], 1).to(attributes)
    corners = attributes[triangles[fragments.triangle.long()].long()]
    return (shares.unsqueeze(-1) * corners).sum(1)


def silhouette_edges(clip: Tensor, triangles: Tensor) -> List[Tuple[int, int, int]]:
    """Edges (start, end, third corner of one of the triangles) of one view [V, 4] where the surface folds or ends."""
    sides: Dict[Tuple[int, int], List[Tuple[int, bool]]] = collections.defaultdict(list)
    for triangle in triangles.tolist():
        front = bool(torch.linalg.det(clip[triangle][:, [0, 1, 3]].detach()) > 0)
        for k in range(3):
            a, b, third = triangle[k], triangle[(k + 1) % 3], triangle[(k + 2) % 3]
            sides[(min(a, b), max(a, b))].append((third, front))
    found = []
    for (a, b), owners in sides.items():
        fronts = sum(front for _, front in owners)
        if fronts % 2 or (len(owners) - fronts) % 2:
            found.append((a, b, owners[0][0]))
    return found


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[0] * b[1] - a[1] * b[0]


def _crossing(place: Tensor, edge: Tuple[int, int, int], first: Tensor, axis: int) -> Optional[Tuple[Tensor, Tensor]]:
    """Where an edge crosses the step from a pixel centre to the next along an axis, if it does.

    Returns:
        Offset of the crossing from the first centre (differentiable), and the share of the edge before it.
    """
    start, end = place[edge[0]], place[edge[1]]
    low, high = sorted((start[1 - axis].item(), end[1 - axis].item()))
    if not low <= first[1 - axis].item() < high:
        return None
    share = (first[1 - axis] - start[1 - axis]) / (end[1 - axis] - start[1 - axis])
    offset = start[axis] + share * (end[axis] - start[axis]) - first[axis]
    return (offset, share.detach()) if 0 <= offset.item() < 1 else None


def _pair_change(
    image: Tensor, depth: Tensor, place: Tensor, clip: Tensor, edges: list, pair: tuple
) -> Optional[tuple]:
    """The blending of one pair of neighbours (row, column, axis) of one view: the pixel it changes, and by how much."""
    row, column, axis = pair
    pixels = ((row, column), (row, column + 1) if axis == 0 else (row + 1, column))
    if depth[pixels[0]] == depth[pixels[1]]:
        return None
    near, far = sorted(pixels, key=lambda pixel: depth[pixel].item())
    first = place.new_tensor([column + 0.5, row + 0.5])
    best, result = -1.0, None
    for edge in edges:
        crossing = _crossing(place, edge, first, axis)
        if crossing is None or not bool((clip[list(edge[:2]), 3] > 0).all()):
            continue
        offset, share = crossing
        start, end, third = (place[index] for index in edge)
        run = (end - start).detach()
        inner = torch.sign(_cross(run, (third - start).detach())) * torch.sign(clip[edge[2], 3])
        if _cross(run, place.new_tensor([near[1] + 0.5, near[0] + 0.5]) - (start + share * (end - start))) * inner <= 0:
            continue
        ends = clip[list(edge[:2]), 2] / clip[list(edge[:2]), 3]
        position = offset if near == pixels[0] else 1 - offset
        if torch.lerp(ends[0], ends[1], share) < depth[far] and position.item() > best:
            best = position.item()
            slant = run[1 - axis] ** 2 / (run**2).sum()
            target = far if best > 0.5 else near
            result = (target, slant * (position - 0.5) * (image[near] - image[far]))
    return result


def antialias(image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
    """Twin of `warp_silhouette.antialias`: every pair of neighbours looks for the outermost visible edge between."""
    height, width = fragments.height, fragments.width
    depth = clip.new_full((fragments.views * height * width,), 2.0)
    depth[fragments.pixel] = fragments.depth.to(clip)
    depth = depth.view(fragments.views, height, width)
    result = image.clone()
    for view in range(fragments.views):
        edges = silhouette_edges(clip[view], triangles)
        place = (clip[view, :, :2] / clip[view, :, 3:] * 0.5 + 0.5) * clip.new_tensor([width, height])
        pairs = [(row, column, 0) for row in range(height) for column in range(width - 1)]
        pairs += [(row, column, 1) for row in range(height - 1) for column in range(width)]
        for pair in pairs:
            change = _pair_change(image[view], depth[view], place, clip[view], edges, pair)
            if change is not None:
                (row, column), amount = change
                result[view, row, column] = result[view, row, column] + amount
    return result

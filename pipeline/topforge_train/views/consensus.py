"""What the masks of a capture agree on, found before training.

Hand-drawn masks are off by a few pixels, and some miss a part. Their exact hull is then carved away where a single one
is wrong (on the rough sample a third of the volume is lost), so the shape that training starts from is voted on: a
point is outside if more than `disagreeing` views see it outside of masks grown by `growth`. Both are chosen by what
they give: the hull whose silhouettes fit the masks best, in the median over views, which a few bad masks do not move.
Masks that fit their exact hull keep it: each vote costs detail, because few views see a point at its outline.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, Iterator, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.geometry import FlexiCubes
from topforge_train.geometry.hull import Cones, hull_from_ranks, ranked_distances
from topforge_train.geometry.isosurface import EmptySurfaceError
from topforge_train.geometry.mesh import Mesh
from topforge_train.views.data import ImageSet

MASK_SIZE = 128
"""Masks are reduced to about this size: the hull's error is then below a cell of the finest grids in use."""
CELLS = 32
"""Along a side of the box, while trying."""
VOTES = tuple(range(7))
GROWTHS = (0.0, 0.5, 1.0, 2.0)
"""What is tried: views that may disagree, and pixels of growth at `MASK_SIZE`."""
EXACT_FIT = 0.94
"""Masks whose exact hull overlaps them this well, in the median, are believed: the sample has 0.96, rough 0.65."""
EXPLAINED = 0.96
"""Share of the masks' pixels behind which the exact hull has a point. Thin parts fall through the coarse grid, but rays
meet them: masks whose hull explains them are exact, however badly its silhouettes on that grid fit."""
RAYS, SAMPLES = 48, 192
"""Of each view, and along each ray, when that is looked at."""
AT_ONCE = 16
"""Views that are drawn together."""


@dataclasses.dataclass(frozen=True)
class Consensus:
    """The hull that a capture's masks agree on, and how well each of them fits."""

    disagreeing: int
    """How many views may call a point outside without making it so."""
    growth: float
    """By how much masks are grown, in heights of the image."""
    overlap: Tensor
    """[N] intersection over union of each mask and the hull's silhouette."""
    mesh: Optional[Mesh]
    """The hull on a coarse grid; None where nothing is left of it."""
    silhouettes: Tensor
    """[N, h, w] bool, of the mesh in every view, at the resolution of `level`."""
    level: int
    """Of the photographs' pyramid."""
    cones: Cones
    """What the masks of that level leave of space."""
    is_rough: bool
    """Whether masks, or the poses they are seen from, are off: their exact hull leaves too much of them unexplained."""

    def sentence(self) -> str:
        """What was found, for people."""
        fit = "The masks fit their common hull by %.1f %% (median over the views)" % (
            100 * float(self.overlap.median())
        )
        if self.disagreeing == 0 and self.growth == 0:
            return fit + "."
        return fit + "; %d views may disagree about a point, and masks are grown a little." % self.disagreeing

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance [N] of points [N, 3] to the hull, world units, negative inside."""
        worst, seen = ranked_distances(self.cones, points, self.disagreeing + 1, self.growth)
        return hull_from_ranks(worst[self.disagreeing], seen, points)


def level_of(images: ImageSet) -> int:
    """The pyramid's level nearest to `MASK_SIZE`."""
    return min(range(len(images.pyramid)), key=lambda k: abs(images.pyramid[k].shape[1] - MASK_SIZE))


def cones_of(images: ImageSet, level: int) -> Cones:
    """The cones of all masks, on the photographs' device."""
    masks = images.pyramid[level][..., 3].float()
    poses, fov_y, centre = (v.to(masks.device) for v in (images.camera_to_world, images.fov_y, images.centre))
    return Cones.of(poses.float(), fov_y.float(), masks, centre.float())


def find(backend: Backend, images: ImageSet, bounds: Tensor, votes: Optional[int] = None) -> Consensus:
    """Tries hulls, the exact one first, and takes the one that fits the masks best.

    Args:
        backend: Draws silhouettes.
        images: The photographs.
        bounds: [2, 3] corners of the training box.
        votes: How many views may disagree; 0 = the exact hull, whatever it is worth; None = by what fits.
    """
    level = level_of(images)
    masks = images.pyramid[level][..., 3] > 0.5
    cones = cones_of(images, level)
    best: Optional[Consensus] = None
    for disagreeing, growth, mesh in candidates(cones, bounds, backend.device, masks.shape[1]):
        if votes is not None and (disagreeing, growth > 0) != (votes, False):
            continue
        drawn = silhouettes(backend, images, mesh, masks.shape) if mesh else torch.zeros_like(masks)
        found = Consensus(disagreeing, growth, overlaps(drawn, masks), mesh, drawn, level, cones, is_rough=True)
        if disagreeing == 0 and growth == 0:
            fits = float(found.overlap.median()) > EXACT_FIT
            if fits or explained(cones, masks, bounds) > EXPLAINED:
                return dataclasses.replace(found, is_rough=False)
        if best is None or float(found.overlap.median()) > float(best.overlap.median()):
            best = found
    assert best is not None
    return best


def explained(cones: Cones, masks: Tensor, bounds: Tensor) -> float:
    """Share of the masks' pixels whose rays come within a pixel of the exact hull, the median over the views.

    Args:
        cones: Of N views.
        masks: [N, h, w] bool.
        bounds: [2, 3] corners of the training box.
    """
    height, width = masks.shape[1:]
    view, pixel = torch.nonzero(masks.flatten(1)).unbind(1)
    counts = torch.bincount(view, minlength=len(masks))
    used = torch.nonzero(counts)[:, 0]
    if not len(used):
        return 1.0
    share = torch.linspace(0, 1, RAYS, device=masks.device)
    chosen = (counts.cumsum(0) - counts)[used, None] + (share * (counts[used, None] - 1)).long()
    row, column = torch.div(pixel[chosen], width, rounding_mode="floor"), pixel[chosen] % width
    poses, centre = cones.camera_to_world[used], cones.centre[used, None]
    size = 2 * torch.tan(0.5 * cones.fov_y[used, None]) / height
    x = (column + 0.5 - 0.5 * width * (1 + centre[..., 0])) * size
    y = (0.5 * height * (1 + centre[..., 1]) - row - 0.5) * size
    direction = torch.stack([x, y, -torch.ones_like(x)], dim=-1) @ poses[:, :3, :3].transpose(1, 2)
    reach = 0.5 * float((bounds[1] - bounds[0]).norm())
    distance = (bounds.mean(0).to(masks.device) - poses[:, :3, 3]).norm(dim=1, keepdim=True)
    first = (distance - reach).clamp(min=0.0)
    along = first + torch.linspace(0, 1, SAMPLES, device=masks.device) * (distance + reach - first)
    points = poses[:, None, None, :3, 3] + direction[:, :, None] * along[:, None, :, None]
    outside, _ = ranked_distances(cones, points.reshape(-1, 3), 1)
    nearest = outside[0].reshape(len(used), RAYS, SAMPLES).amin(2)
    return float((nearest < distance * size + reach / SAMPLES).float().mean(1).median())


def candidates(
    cones: Cones, bounds: Tensor, device: torch.device, height: int
) -> Iterator[Tuple[int, float, Optional[Mesh]]]:
    """Votes, growth and hull of everything that is tried, the exact hull first; None = nothing is left of it."""
    probe = FlexiCubes(bounds, CELLS, device=str(device))
    for pixels in GROWTHS:
        ranks: Dict[str, Tensor] = {}

        def ranked(points: Tensor, growth: float = pixels / height, kept: Dict[str, Tensor] = ranks) -> Tensor:
            kept["points"] = points
            kept["worst"], kept["seen"] = ranked_distances(cones, points, max(VOTES) + 1, growth)
            return points[:, 0]

        probe.initialise(ranked)
        for votes in VOTES:
            hull = hull_from_ranks(ranks["worst"][votes], ranks["seen"], ranks["points"])
            probe.initialise(lambda _, hull=hull: hull)  # type: ignore[misc]
            try:
                mesh = probe.extract(training=False)
                yield votes, pixels / height, Mesh(mesh.vertices.detach(), mesh.triangles)
            except EmptySurfaceError:
                yield votes, pixels / height, None


def silhouettes(backend: Backend, images: ImageSet, mesh: Mesh, shape: torch.Size) -> Tensor:
    """Which pixels of each view [N, h, w] bool a mesh covers."""
    drawn: List[Tensor] = []
    for index in torch.split(torch.arange(len(images), device=backend.device), AT_ONCE):
        clip = images.cameras[index].project(mesh.vertices)
        drawn.append(backend.rasterize(clip, mesh.triangles, (shape[1], shape[2])).ids > 0)
    return torch.cat(drawn)


def overlaps(ours: Tensor, theirs: Tensor) -> Tensor:
    """Intersection over union [N] of bool images [N, h, w]; 1 where both are empty."""
    union = (ours | theirs).sum((1, 2))
    return torch.where(union > 0, (ours & theirs).sum((1, 2)) / union.clamp(min=1), 1.0)

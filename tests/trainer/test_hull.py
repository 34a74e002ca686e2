"""The mask hull: contours against analytic discs, hulls against analytic shapes, and views that see nothing."""

from __future__ import annotations

import math

import pytest
import torch

from topforge_train.geometry import FlexiCubes
from topforge_train.geometry.grid import Grid
from topforge_train.geometry.hull import Cones, contour_distance, ranked_distances, span_of, visual_hull_sdf
from topforge_train.geometry.mesh import volume

CUBE = torch.tensor([[-1.0] * 3, [1.0] * 3])
FOV_Y = 0.8


def poses(count, distance=3.0):
    """Cameras spread over a sphere (golden spiral) that look at the origin: [count, 4, 4]."""
    index = torch.arange(count) + 0.5
    height, angle = 1 - 2 * index / count, index * math.pi * (3 - math.sqrt(5))
    radius = torch.sqrt(1 - height**2)
    back = torch.stack([radius * torch.cos(angle), height, radius * torch.sin(angle)], dim=1)
    right = torch.nn.functional.normalize(torch.linalg.cross(torch.tensor([[0.0, 1.0, 0.0]]).expand_as(back), back))
    matrix = torch.eye(4).repeat(count, 1, 1)
    matrix[:, :3, :3] = torch.stack((right, torch.linalg.cross(back, right), back), dim=2)
    matrix[:, :3, 3] = distance * back
    return matrix


def sphere_masks(cameras, centre, radius, height=96, width=96, samples=4):
    """Coverage of a sphere by rays, `samples` squared per pixel: [B, height, width]."""
    tangent = math.tan(FOV_Y / 2)
    y = -((torch.arange(height * samples) + 0.5) / (height * samples) * 2 - 1) * tangent
    x = ((torch.arange(width * samples) + 0.5) / (width * samples) * 2 - 1) * tangent * width / height
    local = torch.stack((x.expand(len(y), -1), y[:, None].expand(-1, len(x)), -torch.ones(len(y), len(x))), dim=-1)
    masks = []
    for camera in cameras:
        direction = torch.nn.functional.normalize(local @ camera[:3, :3].t(), dim=-1)
        offset = camera[:3, 3] - centre
        along = (direction * offset).sum(-1)
        hit = (along < 0) & (along**2 > offset @ offset - radius**2)
        masks.append(torch.nn.functional.avg_pool2d(hit.float()[None], samples)[0])
    return torch.stack(masks)


def test_contour_distance_equals_that_of_a_disc():
    row, column = torch.meshgrid(torch.arange(64.0), torch.arange(80.0), indexing="ij")
    true = torch.hypot(row - 30.3, column - 41.8) - 17.4
    found = contour_distance((0.5 - true).clamp(0, 1))
    assert float((found - true).abs().max()) < 0.1


def test_contour_distance_equals_brute_force_over_a_jagged_mask():
    mask = (torch.rand(12, 14, generator=torch.Generator().manual_seed(1)) > 0.6).float()
    found = contour_distance(mask)
    # Crossings of a binary mask lie half-way between centres; a segment between two of them comes at most 0.36 nearer.
    points = []
    for y in range(12):
        for x in range(14):
            if x + 1 < 14 and mask[y, x] != mask[y, x + 1]:
                points.append((y, x + 0.5))
            if y + 1 < 12 and mask[y, x] != mask[y + 1, x]:
                points.append((y + 0.5, x))
    for y in range(12):
        for x in range(14):
            nearest = min(math.hypot(y - v, x - u) for v, u in points)
            assert math.copysign(1, float(found[y, x])) == (-1 if mask[y, x] else 1)
            assert nearest - 0.36 <= abs(float(found[y, x])) <= nearest + 1e-5


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_masks_without_contour_are_far_from_it(value):
    found = contour_distance(torch.full((8, 8), value))
    assert (found == (16.0 if value == 0 else -16.0)).all()


@pytest.mark.parametrize(("height", "width"), [(96, 96), (90, 130), (200, 150)])
def test_hull_of_a_sphere_contains_and_fits_it(height, width):
    centre, radius = torch.tensor([0.1, -0.05, 0.2]), 0.5
    cameras = poses(40)
    masks = sphere_masks(cameras, centre, radius, height, width)
    surface = FlexiCubes(CUBE, 32)
    surface.initialise(lambda points: visual_hull_sdf(cameras, torch.full((40,), FOV_Y), masks, points))
    cell = surface.grid.cell
    error = surface.extract(False).vertices.detach().sub(centre).norm(dim=1) - radius
    assert float(error.min()) > -0.15 * cell
    assert float(error.max()) < 0.6 * cell
    true = (surface.x0 - centre).norm(dim=1) - radius
    near = true.abs() < 2 * cell
    assert float((surface.sdf.detach() * cell - true)[near].abs().max()) < 0.6 * cell


def test_one_wrong_mask_is_outvoted_when_one_may_disagree():
    cameras, centre = poses(40), torch.zeros(3)
    masks = sphere_masks(cameras, centre, 0.5)
    masks[7, :, :48] = 0
    volumes = []
    for disagreeing in (0, 1):
        surface = FlexiCubes(CUBE, 24)
        surface.initialise(
            lambda points, k=disagreeing: visual_hull_sdf(cameras, torch.full((40,), FOV_Y), masks, points, k)
        )
        volumes.append(float(volume(surface.extract(False)).detach()))
    true = 4 / 3 * math.pi * 0.5**3
    assert volumes[0] < 0.6 * true
    assert volumes[1] == pytest.approx(true, rel=0.1)


def test_a_view_has_no_say_on_what_it_does_not_see():
    cameras = poses(20)
    blind = cameras[:1].clone()
    blind[0, :3, 2] *= -1  # turned around: all points are behind it
    blind[0, :3, 0] *= -1
    masks = sphere_masks(cameras, torch.zeros(3), 0.5)
    points = Grid.over(CUBE, 16).vertices(torch.device("cpu"))
    angle = torch.full((21,), FOV_Y)
    alone = visual_hull_sdf(cameras, angle[:20], masks, points)
    both = visual_hull_sdf(torch.cat((cameras, blind)), angle, torch.cat((masks, torch.zeros(1, 96, 96))), points)
    assert torch.equal(alone, both)
    assert (visual_hull_sdf(blind, angle[:1], masks[:1], points) > 0).all()  # seen by none: outside


def distance_to_cone(cones, view, points, growth):
    """The distance to one cone with torch's own operations, and which points the view sees."""
    pose, aspect = cones.camera_to_world[view], cones.aspect
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    extent = 2 * torch.tan(0.5 * cones.fov_y[view]) * -local[:, 2]
    place = torch.stack([2 * local[:, 0] / (extent * aspect), -2 * local[:, 1] / extent], dim=1) + cones.centre[view]
    image = cones.distances[None, None, view] - growth
    found = torch.nn.functional.grid_sample(
        image, place.clamp(-2, 2)[None, None], padding_mode="border", align_corners=False
    )
    return found.reshape(-1) * extent, (local[:, 2] < -1e-6) & (place.abs() <= 1).all(1)


def test_ranks_are_the_largest_distances_of_the_views_that_see_a_point():
    cameras = poses(9, distance=2.0)
    masks = sphere_masks(cameras, torch.tensor([0.2, 0.1, 0.0]), 0.4, 60, 90)
    random = torch.Generator().manual_seed(4)
    cones = Cones.of(cameras, torch.full((9,), 0.5), masks, 0.1 * torch.randn(9, 2, generator=random))
    points = 3 * torch.rand(500, 3, generator=random) - 1.5  # some behind a camera, some out of its frame
    found, seen = ranked_distances(cones, points, 4, growth=0.01)
    span = span_of(points)
    each = [distance_to_cone(cones, view, points, 0.01) for view in range(9)]
    every = torch.stack([torch.where(visible, far.clamp(-span, span), -torch.inf) for far, visible in each])
    assert torch.equal(seen, torch.stack([visible for _, visible in each]).any(0))
    assert 0 < int(seen.sum()) < len(points)
    torch.testing.assert_close(found, every.sort(dim=0, descending=True).values[:4], atol=2e-5, rtol=1e-5)

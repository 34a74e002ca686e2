"""Rough captures: hulls that masks agree on, pixels that are believed less, exposures and poses that are corrected."""

import dataclasses
import importlib.util
import math
from pathlib import Path

import pytest
import torch

from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.backend import load
from topforge_train.export import write_hull
from topforge_train.geometry.mesh import volume
from topforge_train.views import consensus, exposure, trust
from topforge_train.views.camera import make_cameras
from topforge_train.views.corrections import ViewCorrections, rotations
from topforge_train.views.data import ImageSet, build_pyramid
from topforge_train.views.preparation import Learnt, prepare


def _spheres():
    """The hull's tests, which know how a sphere looks."""
    spec = importlib.util.spec_from_file_location("spheres", Path(__file__).with_name("test_hull.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOV_Y, poses, sphere_masks = (getattr(_spheres(), name) for name in ("FOV_Y", "poses", "sphere_masks"))
BOUNDS = torch.tensor([[-1.0] * 3, [1.0] * 3])
RADIUS = 0.5
SPHERE = 4 / 3 * torch.pi * RADIUS**3


def images_of(masks, cameras):
    """Grey photographs of masks [N, H, W]."""
    count = len(masks)
    fov_y, centre = torch.full((count,), FOV_Y, dtype=torch.float64), torch.zeros(count, 2, dtype=torch.float64)
    batch = make_cameras(cameras.double(), fov_y, torch.ones(count, dtype=torch.float64), centre, 0.1, 100.0)
    pyramid = build_pyramid(torch.cat([0.5 * masks[..., None].expand(-1, -1, -1, 3), masks[..., None]], dim=-1), 2)
    names = tuple("v%d" % k for k in range(count))
    return ImageSet(names, names, pyramid, batch, cameras.double(), fov_y, centre)


@pytest.fixture(scope="module")
def backend():
    return load("auto", "cpu")


@pytest.fixture(scope="module")
def exact():
    cameras = poses(24)
    return images_of(sphere_masks(cameras, torch.zeros(3), RADIUS), cameras)


@pytest.fixture(scope="module")
def rough():
    """Spheres seen two pixels too large or too small, and one mask of which half is missing."""
    cameras, generator = poses(24), torch.Generator().manual_seed(3)
    radii = RADIUS * (1 + 0.1 * (2 * torch.rand(24, generator=generator) - 1))
    masks = torch.cat([sphere_masks(c[None], torch.zeros(3), float(r)) for c, r in zip(cameras, radii)])
    masks[5, :, :48] = 0
    return images_of((masks > 0.5).float(), cameras)


def test_exact_masks_keep_their_exact_hull_and_are_believed(backend, exact):
    found = consensus.find(backend, exact, BOUNDS)
    assert (found.disagreeing, found.growth) == (0, 0.0)
    assert found.overlap.min() > 0.94
    assert trust.tolerance_of(found, exact) == 0
    assert trust.weights_of(found, exact, 0.0) == ()


def test_thin_parts_are_not_taken_for_rough_masks(backend):
    """A rod of one pixel falls through a coarse grid; its masks are exact all the same."""
    cameras = poses(24)
    rod = torch.stack([torch.linspace(-0.8, 0.8, 4000), torch.full((4000,), 0.013), torch.full((4000,), 0.021)], dim=1)
    blank = images_of(torch.zeros(24, 96, 96), cameras)
    masks = torch.zeros(24, 96, 96)
    for view, clip in enumerate(blank.cameras.project(rod)):
        column, row = (((clip[:, k] / clip[:, 3] + 1) * 48).long() for k in (0, 1))
        masks[view, row, column] = 1.0
    found = consensus.find(backend, images_of(masks, cameras), BOUNDS)
    assert float(found.overlap.median()) < 0.9
    assert not found.is_rough
    assert (found.disagreeing, found.growth) == (0, 0.0)


def test_rough_masks_are_outvoted(backend, rough):
    carved = consensus.find(backend, rough, BOUNDS, votes=0)
    found = consensus.find(backend, rough, BOUNDS)
    assert float(volume(carved.mesh)) < 0.6 * SPHERE
    assert found.is_rough
    assert found.disagreeing > 0
    assert float(volume(found.mesh)) == pytest.approx(SPHERE, rel=0.15)
    assert int(found.overlap.argmin()) == 5
    inside = found.distance(torch.tensor([[0.0, 0.0, 0.0], [0.4, 0.0, 0.0], [0.0, 0.62, 0.0]]))
    assert (inside < 0).tolist() == [True, True, False]


def test_the_delivered_hull_is_the_one_that_was_voted_on(backend, rough, tmp_path):
    found = consensus.find(backend, rough, BOUNDS)
    radii = []
    for name, votes in (("exact.obj", (0, 0.0)), ("voted.obj", (found.disagreeing, found.growth))):
        assert write_hull(tmp_path / name, found.cones, 2.0, *votes)
        rows = [line.split()[1:] for line in (tmp_path / name).read_text().splitlines() if line.startswith("v ")]
        radii.append(float(torch.tensor([[float(x) for x in row] for row in rows]).norm(dim=1).median()))
    assert radii[0] < 0.93 * RADIUS
    assert radii[1] == pytest.approx(RADIUS, rel=0.05)


def test_asked_for_votes_are_used(backend, exact):
    assert consensus.find(backend, exact, BOUNDS, votes=3).disagreeing == 3


def test_what_contradicts_the_others_is_not_believed(backend, rough):
    found = consensus.find(backend, rough, BOUNDS)
    tolerance = trust.tolerance_of(found, rough)
    assert 0.5 < tolerance * 96 < 8
    weights = trust.weights_of(found, rough, tolerance)
    assert [tuple(w.shape) for w in weights] == [(24, 96, 96, 1), (24, 48, 48, 1)]
    assert float(weights[0][5, 48, 38]) < 0.05  # the missing half of the sphere
    assert float(weights[0][5, 48, 58]) == 1.0
    assert float(weights[0][4, 48, 38]) == 1.0  # views without doubt are believed away from their borders
    assert all(float(w.min()) >= 0 and float(w.max()) <= 1 for w in weights)


def test_an_exact_capture_is_trained_as_it_is(backend, exact):
    found = prepare(backend, exact, BuiltinOptions(mesh_scale=2.0))
    assert found.learnt == Learnt(exposure=False, poses=False)
    assert found.images.trust == ()
    assert not found.log_gain.any()
    assert len(found.remarks) == 1


def test_a_rough_capture_is_believed_less_and_its_poses_are_corrected(backend, rough):
    found = prepare(backend, rough, BuiltinOptions(mesh_scale=2.0))
    assert found.learnt == Learnt(exposure=False, poses=True)
    assert len(found.images.trust) == len(rough.pyramid)
    off = BuiltinOptions(mesh_scale=2.0, hull_votes=0, mask_tolerance=0.0, pose_refinement="off", exposure="off")
    plain = prepare(backend, rough, off)
    assert plain.learnt == Learnt()
    assert plain.images.trust == ()
    assert plain.hull.disagreeing == 0
    asked = prepare(backend, rough, BuiltinOptions(mesh_scale=2.0, mask_tolerance=4.0))
    assert (asked.images.trust[0] < 1).sum() > (found.images.trust[0] < 1).sum()


def test_weights_rise_with_the_distance_from_the_border_on_both_sides():
    masks = torch.zeros(1, 32, 32, dtype=torch.bool)
    masks[0, :, 16:] = True
    weights = trust.border_weights(masks, 4.0)[0, 10]
    assert weights[15] == weights[16] == pytest.approx(trust.LEAST)
    assert (weights[16:21].diff() > 0).all()
    assert (weights[20:] == 1).all()
    assert torch.equal(weights, weights.flip(0))


def test_a_pixel_that_is_not_believed_teaches_nothing(exact):
    weights = torch.ones(24, 96, 96, 1)
    weights[:, :, :50] = 0
    doubted = dataclasses.replace(exact, trust=(weights.half(),))
    index = torch.tensor([3])
    target = doubted.targets(index)
    image = torch.rand(1, 96, 96, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    seen = doubted.believed(image, target, index)
    assert torch.equal(seen[:, :, :50], target[:, :, :50])
    assert torch.equal(seen[:, :, 50:], image[:, :, 50:])
    (seen - target).abs().sum().backward()
    assert not image.grad[:, :, :50].any()
    assert image.grad[:, :, 50:].any()
    assert exact.believed(image, target, index) is image


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gains_are_found_to_the_ridge_from_exact_values():
    gain, cell = random(12) - 0.5, random(400, seed=1)
    gain -= gain.mean()
    weight = (random(12, 400, seed=2) > 0.5).double()
    found = exposure.solve(gain[:, None] + cell, weight)
    assert (found - gain).abs().max() < 0.01
    assert abs(float(found.mean())) < 1e-9


def test_highlights_are_outliers():
    gain, cell = random(12) - 0.5, random(400, seed=1)
    gain -= gain.mean()
    values = gain[:, None] + cell + 2.0 * (random(12, 400, seed=3) > 0.9)
    assert (exposure.solve(values, torch.ones_like(values)) - gain).abs().max() < 0.03


def test_a_view_that_shares_nothing_keeps_the_mean_gain():
    weight = torch.ones(3, 50, dtype=torch.float64)
    weight[2] = 0
    found = exposure.solve(torch.tensor([[0.3], [-0.3], [9.0]]).double() + random(1, 50), weight)
    assert found[0] - found[1] == pytest.approx(0.6, abs=0.02)
    assert abs(float(found[2])) < 1e-9


def test_exposures_of_photographs_of_a_painted_ball():
    """A matt ball, its colour a function of place, photographed with known gains."""
    cameras = poses(16)
    masks = sphere_masks(cameras, torch.zeros(3), RADIUS)
    images, backend = images_of(masks, cameras), load("auto", "cpu")
    hull = consensus.find(backend, images, BOUNDS)
    gain = (random(16, 3).float() - 0.5) * 0.8
    gain = gain - gain.mean(0)
    photographs = []
    for view in range(16):
        clip = images.cameras[torch.tensor([view])].project(hull.mesh.vertices)
        fragments = backend.rasterize(clip, hull.mesh.triangles, (96, 96))
        place = backend.interpolate(hull.mesh.vertices, hull.mesh.triangles, fragments)
        color = (0.3 + 0.2 * torch.sin(6 * place)) * gain[view].exp()
        covered = torch.cat([color, torch.ones_like(color[:, :1])], dim=-1)
        photographs.append(fragments.scatter(covered, torch.zeros(1, 1, 1, 4)))
    taken = dataclasses.replace(images, pyramid=build_pyramid(torch.cat(photographs), 1))
    found = exposure.calibrate(backend, taken, hull.mesh, 0)
    assert (found.log_gain - gain).abs().max() < 0.03
    assert found.spread == pytest.approx(exposure.spread_of(gain), rel=0.1)
    assert found.vary
    assert found.noise < 0.1


def test_gloss_is_no_exposure():
    gains = torch.tensor([[0.15], [-0.15], [0.15], [-0.15]]).expand(4, 3)
    assert exposure.Exposures(gains, noise=0.1).vary
    assert not exposure.Exposures(gains, noise=0.6).vary
    assert not exposure.Exposures(0.3 * gains, noise=0.0).vary


@pytest.fixture
def corrections():
    cameras = poses(6)
    images = images_of(sphere_masks(cameras, torch.zeros(3), RADIUS, 16, 16), cameras)
    return ViewCorrections(images, torch.zeros(6, 3), 1.0, Learnt(exposure=True, poses=True))


def test_gains_are_relative_to_their_mean_and_leave_coverage_alone(corrections):
    views = torch.tensor([4, 1])
    target = corrections.images.targets(views)
    image = torch.full((2, 16, 16, 4), 0.25)
    with torch.no_grad():
        corrections.log_gain += 3.0  # the same for all views: nothing
        corrections.log_gain[4] += math.log(2.0) * 6 / 5
    seen = corrections.photographed(image, target, views, 0)
    assert torch.allclose(seen[0, ..., :3] / seen[1, ..., :3], torch.tensor(2.0 ** (6 / 5)))
    assert torch.equal(seen[..., 3], image[..., 3])


def test_what_was_corrected_is_told_by_view(corrections):
    with torch.no_grad():
        corrections.log_gain[2] += math.log(2.0)
        corrections.twist[3, 1] += math.radians(6.0)
    records = corrections.records()
    assert [record["view"] for record in records] == list(corrections.images.names)
    assert records[2]["gain"][0] / records[1]["gain"][0] == pytest.approx(2.0, rel=1e-5)
    assert records[3]["turned_degrees"] == pytest.approx(5.0, rel=1e-4)  # a sixth of it is the mean's


def test_a_clipped_pixel_only_says_at_least(corrections):
    views, target = torch.tensor([0]), torch.full((1, 16, 16, 4), 0.5)
    target[:, :8] = 1.0
    image = torch.full((1, 16, 16, 4), 3.0).requires_grad_()
    seen = corrections.photographed(image, target, views, 0)
    assert torch.equal(seen[:, :8], target[:, :8])
    assert (seen[:, 8:] == 3.0).all()
    below = torch.full((1, 16, 16, 4), 0.2)
    assert (corrections.photographed(below, target, views, 0) == 0.2).all()


def test_rotations_are_rotations():
    vectors = torch.cat([random(20, 3) - 0.5, torch.zeros(1, 3).double()])
    found = rotations(vectors)
    assert torch.allclose(found @ found.transpose(1, 2), torch.eye(3).double().expand(21, 3, 3), atol=1e-7)
    assert torch.allclose(torch.linalg.matrix_exp(cross(vectors)), found, atol=1e-7)


def cross(v):
    zero = torch.zeros(len(v), dtype=v.dtype)
    x, y, z = v.unbind(-1)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(-1, 3, 3)


def test_a_twist_moves_the_scene_before_the_camera(corrections):
    """A camera with a twist sees points where the file's camera sees them turned and moved; its eye is there too."""
    with torch.no_grad():
        corrections.twist.copy_(0.1 * (random(6, 6).float() - 0.5))
    views, cameras = torch.tensor([2, 5]), corrections.images.cameras
    moved = corrections.cameras(cameras, views, {"poses": torch.tensor(1.0)})
    points = random(5, 3).float() - 0.5
    for row, view in enumerate(views):
        twist = (corrections.twist - corrections.twist.mean(0))[view].detach()
        there = points @ rotations(twist[None, :3])[0].T + twist[3:]
        expected = cameras[views[row : row + 1]].project(there)[0]
        assert torch.allclose(moved.project(points)[row], expected, atol=1e-5)
        eye = rotations(twist[None, :3])[0] @ moved.eye[row] + twist[3:]
        assert torch.allclose(eye, cameras.eye[view], atol=1e-5)


def test_poses_wait_for_the_shape(corrections):
    views, cameras = torch.tensor([2]), corrections.images.cameras
    corrections.cameras(cameras, views, {"poses": torch.tensor(0.0)}).world_to_clip.sum().backward()
    assert not corrections.twist.grad.any()
    corrections.cameras(cameras, views, {"poses": torch.tensor(1.0)}).world_to_clip.sum().backward()
    assert corrections.twist.grad.any()

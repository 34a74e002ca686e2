"""Antialiasing against its naive twin, and its gradient against finite differences of true coverage."""

from __future__ import annotations

import math

import pytest
import torch

from topforge_train.backend import load, parallel, reference
from topforge_train.backend import warp_silhouette as silhouette
from topforge_train.backend.warp_edges import silhouette_sides


@pytest.fixture(scope="module")
def backend():
    return load()


def camera(distance=3.2, turn=0.0):
    """World to clip of a camera on the z axis, with y down in NDC."""
    near, far = 0.1, 20.0
    depth = [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)]
    focal = torch.tensor([[2.2, 0, 0, 0], [0, -2.2, 0, 0], depth, [0, 0, -1, 0]])
    view = torch.eye(4)
    view[0, 0] = view[2, 2] = math.cos(turn)
    view[0, 2], view[2, 0] = math.sin(turn), -math.sin(turn)
    view[2, 3] = -distance
    return focal @ view


def project(points, *cameras):
    ones = torch.ones_like(points[:, :1])
    return torch.stack([torch.cat([points, ones], 1) @ matrix.to(points).T for matrix in cameras])


def torus(around, across, tube=0.35):
    """A bumpy, tilted torus; its hole and its own front part give inner silhouettes."""
    u, v = torch.meshgrid(torch.arange(around), torch.arange(across), indexing="ij")
    a, b = u * (2 * math.pi / around), v * (2 * math.pi / across)
    radius = tube + 0.06 * torch.sin(5 * a) * torch.cos(3 * b)
    ring = 0.8 + radius * torch.cos(b)
    points = torch.stack([ring * torch.cos(a), ring * torch.sin(a), radius * torch.sin(b)], -1).reshape(-1, 3)
    tilt = torch.tensor([[1.0, 0, 0], [0, 0.45, -0.893], [0, 0.893, 0.45]])
    right, up = (u + 1) % around, (v + 1) % across
    lower = torch.stack([u * across + v, right * across + v, right * across + up], -1)
    upper = torch.stack([u * across + v, right * across + up, u * across + up], -1)
    return points @ tilt.T, torch.cat([lower.reshape(-1, 3), upper.reshape(-1, 3)]).int()


def smooth_weight(height, width):
    y, x = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return (1 + 0.5 * torch.sin(7 * x + 4 * y))[None, :, :, None]


def marked_edges(clip, triangles):
    """The silhouette edges that were found: (view, lower vertex, higher vertex)."""
    view, side = torch.nonzero(silhouette_sides(clip, triangles)).unbind(1)
    ends = torch.stack([triangles[side // 3, side % 3], triangles[side // 3, (side + 1) % 3]], 1)
    return list(zip(view.tolist(), ends.amin(1).tolist(), ends.amax(1).tolist()))


@pytest.mark.parametrize("kind", ["with a rim", "three triangles at an edge", "unused vertices"])
def test_silhouette_edges_are_those_of_the_naive_search(backend, kind):
    points, triangles = torus(14, 9)
    triangles = triangles[5:]
    if kind == "three triangles at an edge":
        fin = torch.stack([triangles[::3, 0], triangles[::3, 1], triangles[::3, 2].roll(1)], 1)
        triangles = torch.cat([triangles, fin])
    if kind == "unused vertices":
        points, triangles = torch.cat([points, points, points]), triangles + len(points)
    clip = project(points, camera(), camera(turn=1.0))
    found = marked_edges(clip, triangles.contiguous())
    wanted = set()
    for view in range(2):
        for a, b, _ in reference.silhouette_edges(clip[view].double(), triangles):
            wanted.add((view, min(a, b), max(a, b)))
    assert len(wanted) == len(found) > 50
    assert wanted == set(found)


def test_triangles_changed_in_place_are_looked_at_again(backend):
    points, triangles = torus(14, 9)
    clip = project(points, camera())
    before = marked_edges(clip, triangles)
    triangles[:40] = triangles[40:80].clone()
    after = marked_edges(clip, triangles)
    assert after == marked_edges(clip, triangles.clone()) != before


def test_values_and_gradients_match_the_twin(backend):
    points, triangles = torus(14, 9)
    triangles = triangles[5:]
    clip = project(points, camera(), camera(turn=1.0)).requires_grad_()
    fragments = backend.rasterize(clip, triangles, (26, 30))
    image = torch.rand(2, 26, 30, 3, generator=torch.Generator().manual_seed(2)).requires_grad_()
    found = silhouette.antialias(image, clip, triangles, fragments)
    exact = [tensor.detach().double().requires_grad_() for tensor in (image, clip)]
    wanted = reference.antialias(*exact, triangles, reference.rasterize(exact[1], triangles, (26, 30)))
    changed = (wanted - exact[0]).abs().amax(-1) > 1e-9
    assert 100 < int(changed.sum()) < changed.numel() / 2
    assert (found - wanted).abs().max() < 1e-5
    direction = torch.randn(found.shape, generator=torch.Generator().manual_seed(3))
    gradients = torch.autograd.grad(found, (image, clip), direction)
    targets = torch.autograd.grad(wanted, exact, direction.double())
    for gradient, target in zip(gradients, targets):
        assert (gradient - target).norm() < 1e-4 * target.norm()


def test_far_from_silhouettes_nothing_changes(backend):
    points, triangles = torus(40, 20)
    clip = project(points, camera())
    fragments = backend.rasterize(clip, triangles, (64, 64))
    image = torch.rand(1, 64, 64, 2)
    covered = (fragments.ids > 0).float()[:, None]
    edge = torch.nn.functional.max_pool2d(covered, 3, 1, 1) != -torch.nn.functional.max_pool2d(-covered, 3, 1, 1)
    depth = torch.zeros(64 * 64).index_copy(0, fragments.pixel, fragments.depth).view(1, 1, 64, 64)
    steps = torch.nn.functional.max_pool2d(depth, 3, 1, 1) + torch.nn.functional.max_pool2d(-depth, 3, 1, 1)
    calm = ~edge[:, 0] & (steps[:, 0] < 0.002)
    blended = silhouette.antialias(image, clip, triangles, fragments)
    assert calm.float().mean() > 0.5
    assert torch.equal(blended[calm], image[calm])


def test_a_tilted_square_gets_its_exact_coverage(backend):
    """An open square over black, white: the blended pixels add up to its area, and each is near its own share."""
    turn = 0.3
    square = 0.97 * torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    rotation = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    place = square @ rotation.T
    clip = torch.cat([place, torch.zeros(4, 1), torch.ones(4, 1)], 1).unsqueeze(0)
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32)

    def coverage(size):
        fragments = backend.rasterize(clip, triangles, (size, size))
        return (fragments.ids > 0).float().unsqueeze(-1), fragments

    image, fragments = coverage(64)
    blended = silhouette.antialias(image, clip, triangles, fragments)
    exact = coverage(64 * 32)[0].view(64, 32, 64, 32).mean((1, 3))
    assert abs(float(blended.sum()) - (0.97 * 32) ** 2) < 0.5
    assert (blended[0, :, :, 0] - exact).abs().max() < 0.15
    assert (blended[0, :, :, 0] - exact).abs().mean() < 0.15 * (image[0, :, :, 0] - exact).abs().mean()


@pytest.mark.parametrize("mesh", [(24, 12), (100, 50)], ids=["576 triangles", "10000 triangles"])
@pytest.mark.parametrize("size", [64, 128])
def test_gradient_is_that_of_true_coverage(backend, mesh, size):
    """The weighted area's derivative, along a scaling and smooth displacements, within 3 % of a 2048 pixel image's."""
    points, triangles = torus(*mesh)
    fine = 2048

    def true_value(vertices):
        ids = backend.rasterize(project(vertices, camera()), triangles, (fine, fine)).ids
        return float((smooth_weight(fine, fine)[..., 0] * (ids > 0)).mean(dtype=torch.float64))

    vertices = points.clone().requires_grad_()
    clip = project(vertices, camera())
    fragments = backend.rasterize(clip, triangles, (size, size))
    image = silhouette.antialias((fragments.ids > 0).float().unsqueeze(-1), clip, triangles, fragments)
    (gradient,) = torch.autograd.grad((smooth_weight(size, size) * image).mean(), vertices)
    fields = [points, torch.sin(3 * points), torch.cos(2 * points.flip(1) + 1), torch.tensor([[1.0, 0.4, 0.2]])]
    found = torch.stack([(gradient * field).sum() for field in fields])
    step = 0.004
    truth = torch.tensor([true_value(points + step * field) - true_value(points - step * field) for field in fields])
    truth = truth / (2 * step)
    assert (found - truth).abs().max() < 0.03 * truth.abs().max()


def test_gradient_of_a_handle_before_a_body(backend):
    """Two colours: the inner silhouette moves the boundary between them as the true image does, within 5 %."""
    ring, ring_triangles = torus(60, 30)
    wall = torch.tensor([[-3.0, -3, -1.5], [3, -3, -1.5], [3, 3, -1.5], [-3, 3, -1.5]])
    triangles = torch.cat([ring_triangles, torch.tensor([[0, 1, 2], [0, 2, 3]]).int() + len(ring)])
    colour = torch.cat([torch.zeros(1), torch.ones(len(ring_triangles)), torch.full((2,), 0.3)])

    def render(size, scale):
        clip = project(torch.cat([ring * scale, wall]), camera())
        fragments = backend.rasterize(clip, triangles, (size, size))
        return colour[fragments.ids.long()].unsqueeze(-1), clip, fragments

    scale = torch.ones((), requires_grad=True)
    image, clip, fragments = render(96, scale)
    assert (fragments.ids > 0).all()
    (found,) = torch.autograd.grad(silhouette.antialias(image, clip, triangles, fragments).mean(), scale)
    values = [float(render(2048, factor)[0].mean(dtype=torch.float64)) for factor in (1.004, 0.996)]
    truth = (values[0] - values[1]) / 0.008
    assert abs(float(found) - truth) < 0.05 * abs(truth)


def test_backward_is_the_derivative_of_the_forward(backend):
    """Along one direction, for a step so small that no crossing changes its pixels; the slant is held fixed."""
    points, triangles = torus(24, 12)
    direction = torch.tensor([[0.3, -0.5, 0.2]])
    fragments = backend.rasterize(project(points, camera()), triangles, (48, 48))
    image = torch.rand(1, 48, 48, 2, generator=torch.Generator().manual_seed(5))
    mask = torch.randn(1, 48, 48, 2, generator=torch.Generator().manual_seed(6))

    def value(vertices):
        return (mask * silhouette.antialias(image, project(vertices, camera()), triangles, fragments)).double().sum()

    vertices = points.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(vertices), vertices)
    step = 2e-4
    slope = (value(points + step * direction) - value(points - step * direction)) / (2 * step)
    found = float((gradient * direction).sum())
    assert abs(found - float(slope)) < 0.03 * abs(float(slope))


def test_edges_behind_the_camera_and_empty_views_are_harmless(backend):
    points, triangles = torus(24, 12)
    inside = project(points, camera(distance=0.5), camera(distance=-9.0)).requires_grad_()
    fragments = backend.rasterize(inside, triangles, (32, 32))
    image = torch.rand(2, 32, 32, 1)
    blended = silhouette.antialias(image, inside, triangles, fragments)
    (gradient,) = torch.autograd.grad(blended.square().sum(), inside)
    assert gradient.isfinite().all()
    assert torch.equal(blended[1], image[1])
    nothing = silhouette.antialias(image, inside, triangles[:0], backend.rasterize(inside, triangles[:0], (32, 32)))
    assert torch.equal(nothing, image)


def test_any_number_of_threads_gives_the_same_bits(backend):
    points, triangles = torus(100, 50)
    results = []
    for threads in (1, 2, 3):
        parallel.set_threads(threads)
        try:
            clip = project(points, camera(), camera(turn=1.0)).requires_grad_()
            fragments = backend.rasterize(clip, triangles, (64, 64))
            image = (fragments.ids > 0).float().unsqueeze(-1)
            blended = silhouette.antialias(image, clip, triangles, fragments)
            results.append((blended, *torch.autograd.grad(blended.square().sum(), clip)))
        finally:
            parallel.set_threads(0)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other))

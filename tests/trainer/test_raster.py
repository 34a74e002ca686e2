"""Rasterise and interpolate against naive float64 twins, autograd and finite differences."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from topforge_train.backend import load, parallel, reference
from topforge_train.backend.select import BackendUnavailableError
from topforge_train.backend.warp_runtime import TensorMismatchError, TriangleIndexError

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"


@pytest.fixture(scope="module")
def backend():
    return load()


def projection(near=0.1, far=10.0):
    depth = [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)]
    return torch.tensor([[1.5, 0, 0, 0], [0, -1.5, 0, 0], depth, [0, 0, -1, 0]])


def soup(count=60, views=2, seed=0):
    """Random triangles in front of the camera, some of them large, some crossing each other: clip, triangles."""
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(views, count * 3, 3, generator=random) * 2 - 1
    points[..., 2] -= 2.5
    clip = torch.cat([points, torch.ones_like(points[..., :1])], -1) @ projection().T
    return clip.contiguous(), torch.arange(count * 3, dtype=torch.int32).view(-1, 3)


def sheet(cells=22, tilt=0.4):
    """A jittered sheet that more than fills the view: no pixel may stay empty."""
    random = torch.Generator().manual_seed(3)
    y, x = torch.meshgrid(*[torch.linspace(-3, 3, cells + 1)] * 2, indexing="ij")
    points = torch.stack([x, y, tilt * x - 2.5], -1)
    points[1:-1, 1:-1] += 0.08 * (torch.rand(cells - 1, cells - 1, 3, generator=random) - 0.5)
    a = (torch.arange(cells)[:, None] * (cells + 1) + torch.arange(cells)).reshape(-1)
    triangles = torch.cat(
        [torch.stack([a, a + 1, a + cells + 2], 1), torch.stack([a, a + cells + 2, a + cells + 1], 1)]
    )
    points = points.reshape(-1, 3)
    clip = torch.cat([points, torch.ones_like(points[:, :1])], 1) @ projection().T
    return clip.unsqueeze(0).contiguous(), triangles.int()


@pytest.mark.parametrize("resolution", [(48, 64), (33, 21)])
def test_visibility_matches_brute_force(backend, resolution):
    clip, triangles = soup()
    found = backend.rasterize(clip, triangles, resolution)
    wanted = reference.rasterize(clip.double(), triangles, resolution)
    assert torch.equal(found.ids, wanted.ids)  # no pixel centre lies on an edge of random triangles
    assert torch.equal(found.pixel, wanted.pixel)
    assert torch.equal(found.triangle, wanted.triangle)
    assert found.triangle.dtype == found.ids.dtype == torch.int32
    assert (found.barycentric - wanted.barycentric).abs().max() < 1e-6
    assert (found.depth - wanted.depth).abs().max() < 1e-6
    assert 0 < len(found.pixel) < found.ids.numel()


def test_a_jittered_sheet_has_no_holes(backend):
    clip, triangles = sheet()
    assert (backend.rasterize(clip, triangles, (256, 256)).ids > 0).all()


def test_pixels_on_shared_edges_are_drawn_once_whatever_the_order(backend):
    """Vertices on pixel centres: each is drawn by exactly one of six triangles, and coverage adds up."""
    size = 8
    line = (2 * torch.arange(size).float() + 1) / size - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    clip = torch.stack([x, y, torch.zeros_like(x), torch.ones_like(x)], -1).view(1, -1, 4)
    a = (torch.arange(size - 1)[:, None] * size + torch.arange(size - 1)).reshape(-1)
    triangles = torch.cat([torch.stack([a, a + 1, a + size + 1], 1), torch.stack([a, a + size + 1, a + size], 1)]).int()
    count = 0
    for triangle in triangles:
        count += len(backend.rasterize(clip, triangle.unsqueeze(0), (size, size)).pixel)
    assert count == (size - 1) ** 2  # of the sheet's border, one row and one column belong to it
    turned = triangles.flip(1)
    assert torch.equal(
        backend.rasterize(clip, triangles, (size, size)).ids > 0, backend.rasterize(clip, turned, (size, size)).ids > 0
    )


def test_floor_through_the_camera_is_cut_at_the_near_plane(backend):
    """A floor from behind the camera to before it covers the rows below the horizon that the far plane leaves."""
    floor = torch.tensor([[-50.0, -1, 5, 1], [50, -1, 5, 1], [50, -1, -50, 1], [-50, -1, -50, 1]])
    clip = (floor @ projection(far=10.0).T).unsqueeze(0)
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32)
    found = backend.rasterize(clip, triangles, (64, 64))
    rows = (found.ids[0] > 0).float().mean(1)
    # A floor point at distance d is at NDC y = 1.5 / d: the far plane cuts at 0.15, the lower border of the view is 1.
    centre = (2 * torch.arange(64) + 1) / 64 - 1
    assert torch.equal(rows, (centre > 0.15).float())
    assert torch.equal(found.ids, reference.rasterize(clip.double(), triangles, (64, 64)).ids)


def test_ties_go_to_the_lower_triangle(backend):
    clip, triangles = soup(count=1, views=1)
    twice = torch.cat([triangles, triangles, triangles])
    assert backend.rasterize(clip, twice, (32, 32)).ids.unique().tolist() == [0, 1]


def test_nothing_to_see(backend):
    clip, triangles = soup(views=2)
    clip[1] *= -1  # behind the camera
    found = backend.rasterize(clip, triangles, (16, 16))
    assert (found.ids[0] > 0).any()
    assert not (found.ids[1] > 0).any()
    empty = backend.rasterize(clip[1:].requires_grad_(), triangles, (16, 16))
    values = backend.interpolate(torch.ones(180, 3, requires_grad=True), triangles, empty)
    assert values.shape == (0, 3)
    values.sum().backward()
    none = backend.rasterize(clip.detach(), triangles[:0], (16, 16))
    assert len(none.pixel) == 0


def test_degenerate_and_unusable_triangles_are_left_out(backend):
    clip, triangles = soup(count=3, views=1)
    wanted = backend.rasterize(clip, triangles, (32, 32)).ids
    line = torch.stack([clip[0, 0], clip[0, 1], 0.5 * (clip[0, 0] + clip[0, 1])])
    broken = torch.tensor([[math.nan] * 4, [math.inf] * 4, [0.0, 0, 0, 0]])
    clip = torch.cat([clip, line.unsqueeze(0), broken.unsqueeze(0)], 1)
    extra = torch.tensor([[9, 10, 11], [0, 0, 1], [0, 1, 12], [0, 1, 13], [0, 1, 14]], dtype=torch.int32)
    assert torch.equal(backend.rasterize(clip, torch.cat([triangles, extra]), (32, 32)).ids, wanted)


def test_barycentric_gradient_matches_autograd(backend):
    clip, triangles = soup()
    clip.requires_grad_()
    found = backend.rasterize(clip, triangles, (40, 40))
    exact = clip.detach().double().requires_grad_()
    wanted = reference.rasterize(exact, triangles, (40, 40))
    direction = torch.randn(found.barycentric.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad(found.barycentric, clip, direction)
    (target,) = torch.autograd.grad(wanted.barycentric, exact, direction.double())
    assert (gradient - target).norm() < 1e-5 * target.norm()
    assert gradient[..., 2].abs().max() == 0


def test_barycentric_gradient_of_a_floor_through_the_camera(backend):
    floor = torch.tensor([[[-50.0, -1, 5, 1], [50, -1, 4, 1], [1, -1, -50, 1]]])
    clip = (floor @ projection(far=100.0).T).requires_grad_()
    triangles = torch.tensor([[0, 1, 2]], dtype=torch.int32)
    found = backend.rasterize(clip, triangles, (24, 24))
    exact = clip.detach().double().requires_grad_()
    wanted = reference.rasterize(exact, triangles, (24, 24))
    assert len(found.pixel) > 100
    (gradient,) = torch.autograd.grad(found.barycentric.sum(), clip)
    (target,) = torch.autograd.grad(wanted.barycentric.sum(), exact)
    assert (gradient - target).norm() < 1e-5 * target.norm()


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_interpolation_and_its_gradients_match_the_twin(backend, channels):
    clip, triangles = soup()
    fragments = backend.rasterize(clip, triangles, (40, 40))
    attributes = torch.randn(180, channels, requires_grad=True)
    weights = fragments.barycentric.detach().requires_grad_()
    free = type(fragments)(*(getattr(fragments, name) for name in ("views", "height", "width", "ids", "pixel")),
                           fragments.triangle, weights, fragments.depth)  # fmt: skip
    found = backend.interpolate(attributes, triangles, free)
    wanted = reference.interpolate(attributes, triangles, free)
    assert torch.allclose(found, wanted, atol=1e-6)
    direction = torch.randn_like(found)
    gradients = torch.autograd.grad(found, (attributes, weights), direction)
    targets = torch.autograd.grad(wanted, (attributes, weights), direction)
    for gradient, target in zip(gradients, targets):
        assert torch.allclose(gradient, target, atol=1e-4)


def test_interpolated_position_is_where_the_pixel_looks(backend):
    """Perspective: the point under a pixel projects onto the pixel's centre."""
    clip, triangles = sheet(cells=4, tilt=0.7)
    found = backend.rasterize(clip, triangles, (64, 48))
    point = backend.interpolate(clip[0], triangles, found)
    place = (point[:, :2] / point[:, 3:] * 0.5 + 0.5) * torch.tensor([48.0, 64.0])
    centre = torch.stack([found.pixel % 48, found.pixel // 48], 1) + 0.5
    assert (place - centre).abs().max() < 1e-3


def test_any_number_of_threads_gives_the_same_bits(backend):
    clip, triangles = soup(count=3000, views=3)
    attributes = torch.randn(9000, 4)
    results = []
    for threads in (1, 2, 5):
        parallel.set_threads(threads)
        try:
            positions, values = clip.clone().requires_grad_(), attributes.clone().requires_grad_()
            found = backend.rasterize(positions, triangles, (65, 64))
            pixels = backend.interpolate(values, triangles, found)
            pixels.square().sum().backward()
            results.append((found.ids, found.barycentric, found.depth, pixels, positions.grad, values.grad))
        finally:
            parallel.set_threads(0)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other))


def test_wrong_arguments_are_named(backend):
    clip, triangles = soup(count=2, views=1)
    with pytest.raises(TensorMismatchError, match="'triangles' must be int32"):
        backend.rasterize(clip, triangles.long(), (8, 8))
    with pytest.raises(TensorMismatchError, match=r"'clip' must be float32 \[B, V, 4\] on cpu, got float64"):
        backend.rasterize(clip.double(), triangles, (8, 8))
    with pytest.raises(TensorMismatchError, match="'attributes'"):
        backend.interpolate(torch.ones(6), triangles, backend.rasterize(clip, triangles, (8, 8)))
    with pytest.raises(TriangleIndexError, match="vertices 0 to 5, but there are 4 vertices"):
        backend.rasterize(clip[:, :4], triangles, (8, 8))
    with pytest.raises(TriangleIndexError):
        backend.interpolate(torch.ones(5, 1), triangles, backend.rasterize(clip, triangles, (8, 8)))


def test_unwritable_kernel_cache_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "cache"
    code = "from topforge_train.backend import load\nload()"
    environment = {**os.environ, "WARP_CACHE_PATH": str(folder), "PYTHONPATH": str(PIPELINE)}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 1
    assert "The folder for compiled Warp kernels, %s, is not writable (Not a directory)" % folder in child.stderr
    assert "Set WARP_CACHE_PATH" in child.stderr


def test_loading_prints_nothing_and_names_its_choices():
    code = "from topforge_train.backend import load\nload()"
    environment = {**os.environ, "PYTHONPATH": str(PIPELINE)}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (child.stdout, child.stderr) == ("", "")
    with pytest.raises(BackendUnavailableError, match="Choose one of: auto, warp"):
        load("vulkan")

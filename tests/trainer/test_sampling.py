"""Sampling operators against their naive twins in float64, and against finite differences."""

from __future__ import annotations

import math

import pytest
import torch

from topforge_train.backend import parallel, reference_sampling, warp_raster, warp_sampling
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.warp_runtime import TensorMismatchError
from topforge_train.backend.warp_texture_level import texture_level

SPEC = HashGridSpec(levels=5, features=2, log2_table=10, base_resolution=4, finest_resolution=96)


@pytest.fixture(autouse=True)
def _restored_threads():
    yield
    parallel.set_threads(0)


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def texture_inputs(points=200, channels=5):
    levels = [random(h, w, channels, seed=h) for h, w in ((16, 24), (8, 12), (4, 6), (1, 1))]
    coordinates = random(points, 2, seed=1) * 1.2 - 0.1  # some beyond the edges
    return levels, coordinates, random(points, seed=2) * 5 - 1  # some beyond the chain


def cube_inputs(points=200, channels=3, sides=(8, 5, 2, 1)):
    levels = [random(6, n, n, channels, seed=n) for n in sides]
    directions = torch.randn(points, 3, generator=torch.Generator().manual_seed(4)) * 3
    near_corner = torch.sign(directions[: points // 4]) + 0.1 * directions[: points // 4]
    near_edge = directions[points // 4 : points // 2].clone()
    near_edge[:, 1] = near_edge[:, 0] * (1 + 0.05 * near_edge[:, 2])
    directions = torch.cat([near_corner, near_edge, directions[points // 2 :]])
    return levels, directions, random(points, seed=5) * (len(sides) + 1) - 1


def hash_inputs(points=300):
    table = random(SPEC.levels, 2**SPEC.log2_table, SPEC.features) - 0.5
    return table, torch.cat([random(points - 2, 3, seed=3), torch.zeros(1, 3), torch.ones(1, 3)])


def gradients(function, tensors, weights):
    """Output, and gradients of its weighted sum by all tensors."""
    tensors = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    out = function(*tensors)
    (out * weights.to(out)).sum().backward()
    return [out.detach(), *(torch.zeros_like(t) if t.grad is None else t.grad for t in tensors)]


def assert_like_twin(operator, twin, tensors, width, tolerance=2e-5):
    weights = random(*width, seed=9) - 0.5
    ours = gradients(operator, tensors, weights)
    exact = gradients(twin, [tensor.double() for tensor in tensors], weights)
    for index, (a, b) in enumerate(zip(ours, exact)):
        error = (a - b).abs().max() / b.abs().max().clamp(min=1e-9)
        assert error < tolerance, "output %d differs by %g" % (index, error)


def test_texture_equals_its_twin_in_value_and_gradients():
    levels, coordinates, level = texture_inputs()
    assert_like_twin(
        lambda uv, *maps: warp_sampling.texture(maps, uv, level),
        lambda uv, *maps: reference_sampling.texture(maps, uv, level.double()),
        [coordinates, *levels],
        (len(level), 5),
    )


def test_texture_of_one_level_is_bilinear_as_torch_does_it():
    image, coordinates = random(9, 7, 3), random(50, 2, seed=8)
    ours = warp_sampling.texture([image], coordinates, torch.zeros(50))
    grid = (coordinates * 2 - 1)[None, None]
    theirs = torch.nn.functional.grid_sample(
        image.permute(2, 0, 1)[None], grid, padding_mode="border", align_corners=False
    )
    torch.testing.assert_close(ours, theirs[0, :, 0].T)


@pytest.mark.parametrize("sides", [(8, 5, 2, 1), (4,), (1,)])
def test_texture_cube_equals_its_twin_in_value_and_gradients(sides):
    levels, directions, level = cube_inputs(sides=sides)
    inside = torch.where(level.round() == level, level + 0.01, level)
    assert_like_twin(
        lambda d, at, *maps: warp_sampling.texture_cube(maps, d, at),
        lambda d, at, *maps: reference_sampling.texture_cube(maps, d, at),
        [directions, inside, *levels],
        (len(level), 3),
        tolerance=1e-4,
    )


def test_texture_cube_gradients_agree_with_finite_differences():
    n, step = 8, 1e-3
    levels = [random(6, n, n, 3), random(6, n // 2, n // 2, 3, seed=1)]
    # Points a quarter of a texel off the centres of both sizes: a step never crosses into other texels.
    places = [(f, (x + 0.25) * 2 / n - 1, (y + 0.3) * 2 / n - 1) for f in range(6) for x in range(n) for y in range(n)]
    directions = torch.stack([reference_sampling.face_direction(*place) for place in places]).float()
    level = random(len(directions), seed=3) * 0.8 + 0.1
    weights = random(len(directions), 3, seed=4)

    def total(d, at):
        return (warp_sampling.texture_cube(levels, d, at) * weights).double().sum(-1)

    _, by_direction, by_level = gradients(
        lambda d, at: warp_sampling.texture_cube(levels, d, at), [directions, level], weights
    )
    numeric = (total(directions, level + step) - total(directions, level - step)) / (2 * step)
    assert (numeric - by_level).abs().max() < 1e-3
    for axis in range(3):
        offset = torch.eye(3)[axis] * step
        numeric = (total(directions + offset, level) - total(directions - offset, level)) / (2 * step)
        assert (numeric - by_direction[:, axis]).abs().max() < 2e-2 * by_direction.abs().max()


def test_texture_gradients_agree_with_finite_differences():
    image, step = random(8, 8, 2), 1e-3
    coordinates = (torch.cartesian_prod(torch.arange(8.0), torch.arange(8.0)) + 0.2) / 8
    weights = random(64, 2, seed=2)

    def lookup(uv):
        return warp_sampling.texture([image], uv, torch.zeros(64))

    _, slope = gradients(lookup, [coordinates], weights)
    for axis in range(2):
        offset = torch.eye(2)[axis] * step
        numeric = ((lookup(coordinates + offset) - lookup(coordinates - offset)) * weights).sum(-1) / (2 * step)
        torch.testing.assert_close(slope[:, axis], numeric, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_cube_is_continuous_across_edges_and_corners(n):
    cube, small = [random(6, n, n, 3)], 1e-4
    along = torch.linspace(-1, 1, 101)
    ones = torch.ones_like(along)
    for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            one = torch.stack([a * ones * (1 + small), b * ones, along], dim=-1)[:, order].contiguous()
            other = torch.stack([a * ones, b * ones * (1 + small), along], dim=-1)[:, order].contiguous()
            level = torch.zeros(len(along))
            jump = warp_sampling.texture_cube(cube, one, level) - warp_sampling.texture_cube(cube, other, level)
            assert jump.abs().max() < 4 * n * small


def test_cube_that_stores_directions_returns_them():
    n = 32
    vectors = [
        reference_sampling.face_direction(f, (x + 0.5) * 2 / n - 1, (y + 0.5) * 2 / n - 1)
        for f in range(6)
        for y in range(n)
        for x in range(n)
    ]
    cube = torch.nn.functional.normalize(torch.stack(vectors), dim=-1).float().reshape(6, n, n, 3)
    directions = torch.nn.functional.normalize(random(2000, 3, seed=7) - 0.5, dim=-1)
    found = warp_sampling.texture_cube([cube], 7 * directions, torch.zeros(2000))
    assert (found - directions).abs().max() < 8e-3  # an eighth of a texel


def test_hash_grid_equals_its_twin_in_value_and_gradients():
    table, points = hash_inputs()
    assert_like_twin(
        lambda t, x: warp_sampling.hash_grid(t, x, SPEC),
        lambda t, x: reference_sampling.hash_grid(t, x, SPEC),
        [table, points],
        (len(points), SPEC.levels * SPEC.features),
        tolerance=5e-4,  # float32 cells of 1/95: the weights carry five digits
    )


def test_hash_grid_point_gradient_agrees_with_finite_differences():
    table, _ = hash_inputs()
    spec, step = HashGridSpec(1, 2, 10, 9, 9), 1e-3
    points = (torch.cartesian_prod(*[torch.arange(1.0, 6.0)] * 3) - 0.1) / 8  # well inside cells of 1/8
    weights = random(len(points), 2, seed=6)
    _, slope = gradients(lambda x: warp_sampling.hash_grid(table[:1], x, spec), [points], weights)
    for axis in range(3):
        offset = torch.eye(3)[axis] * step
        up, down = (warp_sampling.hash_grid(table[:1], points + s * offset, spec) for s in (1, -1))
        torch.testing.assert_close(slope[:, axis], ((up - down) * weights).sum(-1) / (2 * step), atol=2e-3, rtol=1e-3)


def test_hash_grid_uses_a_direct_index_on_coarse_levels_and_a_hash_on_fine_ones():
    levels = warp_sampling.lattice(HashGridSpec())
    assert (levels[0].resolution, levels[0].hashed) == (16, False)
    assert (levels[-1].resolution, levels[-1].hashed) == (512, True)
    assert math.isclose(levels[-1].scale, 511.0)


@pytest.mark.parametrize("name", ["texture", "texture_cube", "hash_grid"])
def test_number_of_threads_does_not_change_a_bit(name):
    def result(threads):
        parallel.set_threads(threads)
        if name == "hash_grid":
            tensors = hash_inputs(4001)
            weights = random(4001, SPEC.levels * SPEC.features)
            return gradients(lambda t, x: warp_sampling.hash_grid(t, x, SPEC), tensors, weights)
        levels, places, level = (texture_inputs if name == "texture" else cube_inputs)(4001)
        operator = getattr(warp_sampling, name)
        weights = random(4001, levels[0].shape[-1])
        return gradients(lambda at, *maps: operator(maps, at, level), [places, *levels], weights)

    one, two, three = result(1), result(2), result(3)
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(one, two, three))


def test_no_points_give_an_empty_result_and_zero_gradients():
    levels, directions, level = cube_inputs()
    out, by_map = gradients(
        lambda m: warp_sampling.texture_cube([m], directions[:0], level[:0]), levels[:1], torch.ones(0, 3)
    )
    assert out.shape == (0, 3)
    assert not by_map.any()
    table, points = hash_inputs()
    out, by_table = gradients(lambda t: warp_sampling.hash_grid(t, points[:0], SPEC), [table], torch.ones(0, 10))
    assert out.shape == (0, 10)
    assert not by_table.any()
    image = random(4, 4, 2)
    out, by_image = gradients(
        lambda m: warp_sampling.texture([m], points[:0, :2], level[:0]), [image], torch.ones(0, 2)
    )
    assert out.shape == (0, 2)
    assert not by_image.any()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30, 0.0])
def test_points_that_are_not_numbers_stay_inside_memory(bad):
    levels, _, level = cube_inputs()
    everywhere = torch.full((len(level), 3), bad)
    gradients(lambda m: warp_sampling.texture_cube([m], everywhere, level * bad), levels[:1], torch.ones(len(level), 3))
    table, _ = hash_inputs()
    gradients(lambda t: warp_sampling.hash_grid(t, everywhere, SPEC), [table], torch.ones(len(level), 10))
    image, place = random(4, 4, 2), everywhere[:, :2].contiguous()
    gradients(lambda m: warp_sampling.texture([m], place, level * bad), [image], torch.ones(len(level), 2))


def test_other_types_and_shapes_are_refused():
    levels, directions, level = cube_inputs()
    with pytest.raises(TensorMismatchError, match="directions"):
        warp_sampling.texture_cube(levels, directions.double(), level)
    with pytest.raises(TensorMismatchError, match="level"):
        warp_sampling.texture_cube(levels, directions, level[:-1])
    with pytest.raises(TensorMismatchError, match="table"):
        warp_sampling.hash_grid(torch.zeros(2, 4, 2), directions, SPEC)


def plain_texture_level(clip, triangles, uv, uv_triangles, fragments, height, width):
    """The naive twin: areas of every triangle in every view."""

    def areas(points, faces):
        a, b, c = (points[faces[:, k].long()] for k in range(3))
        return 0.5 * ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])).abs()

    screen = clip[..., :2] / clip[..., 3:] * 0.5 * torch.tensor([fragments.width, fragments.height])
    pixels = torch.stack([areas(view, triangles) for view in screen])
    level = 0.5 * torch.log2((areas(uv * torch.tensor([width, height]), uv_triangles) / pixels).clamp(min=1.0))
    return level[fragments.pixel // (fragments.height * fragments.width), fragments.triangle.long()]


def test_texture_level_is_half_the_logarithm_of_texels_per_pixel():
    generator = torch.Generator().manual_seed(8)
    clip = torch.rand(2, 60, 4, generator=generator) * torch.tensor([2.0, 2.0, 0.5, 1.0]) - torch.tensor(
        [1.0, 1, 0, -1]
    )
    triangles = torch.arange(60).reshape(20, 3).int()
    uv, uv_triangles = torch.rand(30, 2, generator=generator), torch.randint(30, (20, 3), generator=generator).int()
    fragments = warp_raster.rasterize(clip, triangles, (40, 56))
    assert len(fragments.pixel) > 300
    for height, width in ((256, 256), (256, 512), (1024, 64)):
        found = texture_level(clip, triangles, uv, uv_triangles, fragments, height * width)
        wanted = plain_texture_level(clip, triangles, uv, uv_triangles, fragments, height, width)
        assert float(found.max()) > 0.5
        assert (found - wanted).abs().max() < 1e-3


def test_tables_that_share_a_gradient_add_up_to_it(monkeypatch):
    """As on a GPU, where one table would be a bottleneck."""
    table, points = random(SPEC.levels, 2**SPEC.log2_table, SPEC.features) - 0.5, random(500, 3, seed=3)
    weights, slopes = random(500, SPEC.levels * SPEC.features, seed=4) - 0.5, []
    for copies in (1, 3):
        monkeypatch.setattr("topforge_train.backend.warp_hash_grid._copies", lambda _, copies=copies: copies)
        leaf = table.clone().requires_grad_()
        (slope,) = torch.autograd.grad((warp_sampling.hash_grid(leaf, points, SPEC) * weights).sum(), leaf)
        slopes.append(slope)
    assert slopes[0].abs().max() > 0.1
    assert torch.allclose(*slopes, atol=1e-6)


@pytest.mark.parametrize("shares", [1, 4])
def test_channels_that_threads_share_are_all_of_them(monkeypatch, shares):
    """As on a GPU, where each channel of a point is a thread of its own."""
    monkeypatch.setattr("topforge_train.backend.warp_texture._shares", lambda *_: shares)
    levels, coordinates, level = texture_inputs(300)
    found = []
    for operator in (warp_sampling.texture, reference_sampling.texture):
        leaves = [each.clone().requires_grad_() for each in levels]
        values = operator(leaves, coordinates, level)
        weights = random(*values.shape, seed=8)
        found.append([values.detach(), *torch.autograd.grad((values * weights).sum(), leaves)])
    for one, other in zip(*found):
        assert torch.allclose(one, other, atol=1e-5)

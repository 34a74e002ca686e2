"""The environment light: prefilter against the integral, lookups, conversions, priors."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.backend.warp_prefilter import Rows
from topforge_train.backend.warp_sampling import texture_cube
from topforge_train.export.images import write_radiance
from topforge_train.export.tree import PROBE_SIZE
from topforge_train.rendering import cubemap, light, prefilter
from topforge_train.rendering.light import EnvironmentLight, prefiltered


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(random(*shape, seed=seed) - 0.5, dim=-1)


def smooth_light(n):
    direction = cubemap.texel_directions(n).float()
    return (1.0 + torch.sin(3 * direction) + 0.5 * torch.sin(9 * direction[..., [1, 2, 0]])).clamp(min=0.05)


def integral(base, normals, roughness, parts):
    """The prefilter's definition, by brute force: texels as flat patches, each cut into parts x parts."""
    fine = base.shape[1] * parts
    directions = cubemap.texel_directions(fine).reshape(-1, 3)
    areas = cubemap.solid_angles(fine).repeat(6, 1, 1).reshape(-1)
    radiance = base.double().repeat_interleave(parts, 1).repeat_interleave(parts, 2).reshape(-1, 3)
    alpha_squared = roughness**4
    means = []
    for normal in normals:
        light_cosine = (directions @ normal).clamp(min=0)
        half = torch.nn.functional.normalize(directions + normal, dim=-1)
        density = 1.0 / ((half @ normal) ** 2 * (alpha_squared - 1) + 1) ** 2
        weight = density * light_cosine * areas
        means.append((weight[:, None] * radiance).sum(0) / weight.sum())
    return torch.stack(means)


@pytest.mark.parametrize("n", [16, 64])
def test_constant_light_is_that_constant_on_every_level(n):
    levels = prefiltered(torch.full((6, n, n, 3), 0.7)).levels
    assert len(levels) == 6
    assert levels[0].shape == (6, n, n, 3)
    for level in levels:
        torch.testing.assert_close(level.detach(), torch.full_like(level, 0.7), atol=2e-6, rtol=0)


@pytest.mark.parametrize(("n", "parts"), [(16, 16), (64, 4)])
@pytest.mark.parametrize("kind", ["noise", "smooth"])
def test_levels_equal_the_integral(n, parts, kind):
    base = random(6, n, n, 3) if kind == "noise" else smooth_light(n)
    shapes = prefilter.level_shapes(n)
    levels = prefiltered(base).levels
    for shape, level in list(zip(shapes, levels))[1:]:
        rows = torch.randperm(6 * shape.side**2, generator=torch.Generator().manual_seed(1))[:5]
        normals = cubemap.texel_directions(shape.side).reshape(-1, 3)[rows]
        exact = integral(base, normals, shape.roughness, parts)
        error = (level.detach().reshape(-1, 3)[rows] - exact).abs().max() / exact.mean()
        assert error < 0.01, "roughness %g: %g" % (shape.roughness, error)


def test_a_fine_light_is_blurred_by_the_lobe_of_the_smallest_roughness():
    base = random(6, 256, 256, 3)
    finest = prefiltered(base).levels[0].reshape(-1, 3)
    rows = torch.tensor([3, 5000, 128 * 128 * 6 - 1])
    exact = integral(base, cubemap.texel_directions(128).reshape(-1, 3)[rows], 0.08, 4)
    torch.testing.assert_close(finest[rows].double(), exact, rtol=0.01, atol=0)


def test_highlights_of_a_sun_keep_their_height_between_texels():
    """Levels are read by interpolation: their texels must be small against the lobe."""
    base = torch.zeros(6, 64, 64, 3)
    base[0, 37, 21] = 1000.0
    towards = cubemap.texel_directions(64)[0, 37, 21]
    for index, shape in list(enumerate(prefilter.level_shapes(64)))[1:]:
        directions = torch.nn.functional.normalize(towards + 1.5 * shape.roughness**2 * (random(6, 3) - 0.5), dim=-1)
        found = texture_cube(prefiltered(base).levels, directions.float(), torch.full((6,), float(index)))
        exact = integral(base, directions, shape.roughness, 2)
        assert ((found / exact - 1).abs() < 0.15).all(), shape


def test_prefilter_keeps_the_power_of_a_small_sun():
    base = torch.zeros(6, 64, 64, 3)
    base[2, 20, 37] = 1000.0
    power = 1000.0 * cubemap.solid_angles(64)[20, 37]
    for level in prefiltered(base).levels:
        areas = cubemap.solid_angles(level.shape[1])
        total = (level[..., 0].detach() * areas).sum()
        assert abs(total / power - 1) < 0.06  # rows, not columns, sum to 1: a sun near a texel's centre weighs more


@pytest.mark.parametrize("error", [4e-16, -4e-16])
def test_which_blocks_a_row_takes_does_not_hang_on_the_last_bit(error, monkeypatch):
    """Another device rounds otherwise; the texel right at the peak, whose cosine may exceed 1, was halved or not."""
    base, usual = random(6, 16, 16, 3, seed=2) ** 4, prefilter._texels
    before = prefiltered(base, again=False).levels

    def rounded(cell, side):
        directions, areas = usual(cell, side)
        return directions * (1.0 + error), areas

    monkeypatch.setattr(prefilter, "_texels", rounded)
    for one, other in zip(before, prefiltered(base, again=False).levels):
        assert torch.allclose(one, other, rtol=0, atol=1e-7)


def test_prefilter_turns_with_the_light():
    quarter = torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    base = random(6, 16, 16, 3)
    turned_first = prefiltered(cubemap.rotate(base, quarter)).levels
    turned_last = [cubemap.rotate(level, quarter) for level in prefiltered(base).levels]
    for a, b in zip(turned_first, turned_last):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=0)


@pytest.mark.parametrize("by_column", [False, True])
def test_sparse_rows_times_six_colours(by_column):
    """Rows of 0 to some 300 entries, against a dense product."""
    row = (random(3000) ** 4 * 40).long() + (random(3000) > 0.5) * 1  # many in the first, none in some of the last
    column, value = (random(3000, seed=1) * 50).long(), random(3000, seed=2) - 0.5
    dense = torch.zeros(60, 50).index_put_((row, column), value, accumulate=True)
    colours = random(50 * 6, 3, seed=3)
    found = Rows.from_entries(row, column, value, 60).times(colours, by_column)
    torch.testing.assert_close(found, (dense @ colours.view(50, 18)).view(360, 3), atol=2e-5, rtol=0)


def test_backward_is_the_adjoint():
    base = random(6, 32, 32, 3).requires_grad_()
    outputs = prefiltered(base).levels
    weights = [random(*output.shape, seed=3) - 0.5 for output in outputs]
    forward = sum((w.double() * o.double()).sum() for w, o in zip(weights, outputs))
    forward.backward()
    backward = (base.grad.double() * base.detach().double()).sum()
    assert abs(float(forward.detach() - backward)) < 1e-4 * abs(float(backward)) + 1e-3


def test_smallest_roughness_mirrors_the_light_itself():
    base = random(6, 32, 32, 3)
    centres = cubemap.texel_directions(32).float().reshape(-1, 3)
    seen = prefiltered(base).specular(centres, torch.full((len(centres),), 0.08))
    torch.testing.assert_close(seen.detach(), base.reshape(-1, 3), atol=2e-5, rtol=0)


def test_diffuse_of_a_linear_light_is_known_exactly():
    # Light 1 + a.w: the cosine-weighted mean is 1 + 2/3 a.n.
    axis = torch.tensor([0.3, -0.5, 0.2])
    radiance = 1.0 + cubemap.texel_directions(32).float() @ axis
    normals = unit(200, 3)
    diffuse = prefiltered(radiance[..., None].expand(-1, -1, -1, 3)).diffuse(normals)
    torch.testing.assert_close(diffuse[:, 0].detach(), 1.0 + 2 / 3 * (normals @ axis), atol=5e-3, rtol=0)


def test_roughness_has_a_useful_gradient_below_and_above_one_half():
    base = torch.full((6, 32, 32, 3), 0.1)
    base[0, 14:18, 14:18] = 20.0
    ready = prefiltered(base)
    towards = torch.tensor([[1.0, 0.01, 0.02]])
    for value in (0.09, 0.15, 0.3, 0.45, 0.55, 0.7, 0.9, 0.99):
        roughness = torch.tensor([value], requires_grad=True)
        ready.specular(towards, roughness).sum().backward()
        assert roughness.grad < -0.1, "looking at a lamp, more roughness must be darker (%g)" % value
        up, down = (ready.specular(towards, torch.tensor([value + step])).sum() for step in (2e-3, -2e-3))
        assert math.isclose(float(roughness.grad), float((up - down).detach()) / 4e-3, rel_tol=0.02)


def test_roughness_maps_to_levels_as_documented():
    roughness = torch.tensor([0.0, 0.08, 0.29, 0.5, 0.75, 1.0])
    expected = torch.tensor([0.0, 0.0, 2.0, 4.0, 4.5, 5.0])
    torch.testing.assert_close(light.fractional_level(roughness, 6), expected)


def test_radiance_gradient_reaches_the_light():
    environment = EnvironmentLight.grey(16)
    filtered = environment.prefilter()
    colour = filtered.specular(unit(50, 3), random(50)) + filtered.diffuse(unit(50, 3, seed=2))
    colour.sum().backward()
    # Both lookups are means of the light, so the gradients sum to the number of lookups, times d exp(x)/dx = 0.5.
    assert math.isclose(float(environment.logarithm.grad.sum()), 0.5 * 2 * 150, rel_tol=1e-4)


def test_a_light_stays_within_what_can_be_learnt():
    environment = EnvironmentLight(torch.zeros(6, 16, 16, 3))
    torch.testing.assert_close(environment.base.detach(), torch.full((6, 16, 16, 3), light.DARKEST))
    environment.logarithm.data += 100.0
    environment.clamp_()
    torch.testing.assert_close(environment.base.detach(), torch.full((6, 16, 16, 3), light.BRIGHTEST))


def test_a_given_light_is_kept_to_the_bit_and_not_learnt():
    base = random(6, 16, 16, 3) - 0.01
    given = EnvironmentLight(base.clamp(min=0.0), trainable=False)
    assert torch.equal(given.base, base.clamp(min=0.0))
    assert not list(given.parameters())
    given.clamp_()
    assert (given.base == 0.0).any()


def test_a_sun_is_learnt_in_few_steps():
    """Through a lobe as rough as nvdiffrec's bob: half of the highlight at least, where Adam on radiance has 5 %."""
    base = torch.full((6, 32, 32, 3), 0.3)
    base[2, 10, 20] = 500.0
    directions = cubemap.texel_directions(32).reshape(-1, 3).float()
    directions, roughness = directions[directions[:, 1] > 0], torch.tensor(0.25)
    truth = prefiltered(base).specular(directions, roughness.expand(len(directions)))
    environment = EnvironmentLight.grey(32)
    optimiser = torch.optim.Adam(environment.parameters())
    for step in range(150):
        found = environment.prefilter().specular(directions, roughness.expand(len(directions)))
        optimiser.zero_grad()
        (torch.log1p(found) - torch.log1p(truth)).abs().mean().backward()
        optimiser.param_groups[0]["lr"] = 0.03 * light.LIGHT_RATE * (1 - step / 150)
        optimiser.step()
        environment.clamp_()
    brightest = truth[:, 0] > 0.5 * truth[:, 0].max()
    assert truth.max() > 10.0
    assert ((found / truth)[brightest] > 0.5).all()
    assert ((found / truth)[brightest] < 1.2).all()


def test_solid_angles_fill_the_sphere_and_texels_know_their_place():
    for n in (1, 3, 16):
        assert math.isclose(float(6 * cubemap.solid_angles(n).sum()), 4 * math.pi, rel_tol=1e-12)
        assert torch.equal(cubemap.texel_of(cubemap.texel_directions(n), n).reshape(-1), torch.arange(6 * n * n))


def test_every_texel_has_four_neighbours():
    pairs = cubemap.neighbours(8)
    assert torch.equal(torch.bincount(pairs.reshape(-1)), torch.full((6 * 64,), 4))
    directions = cubemap.texel_directions(8).reshape(-1, 3)
    assert (directions[pairs[:, 0]] * directions[pairs[:, 1]]).sum(-1).min() > math.cos(2 * math.pi / 4 / 8 * 1.3)


@pytest.mark.parametrize(
    ("direction", "row", "column"),
    [
        ((0.0, 0.0, -1.0), 0.5, 0.5),  # the image's centre looks to -z
        ((1.0, 0.0, 0.0), 0.5, 0.75),  # +x is to the right
        ((-1.0, 0.0, 0.0), 0.5, 0.25),
        ((0.6, 0.0, -0.8), 0.5, 0.5 + math.atan2(0.6, 0.8) / (2 * math.pi)),
        ((0.0, 0.8, -0.6), math.acos(0.8) / math.pi, 0.5),  # +y is up
        ((0.6, -0.8, 0.0), math.acos(-0.8) / math.pi, 0.75),
    ],
)
def test_one_bright_texel_lands_where_the_convention_says(direction, row, column):
    n, height = 64, 256
    base = torch.zeros(6 * n * n, 3)
    base[cubemap.texel_of(torch.tensor(direction) + 1e-4, n)] = 1.0
    image = cubemap.to_latlong(base.reshape(6, n, n, 3), height, 2 * height)[..., 0]
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(2 * height) + 0.5, indexing="ij")
    found_row = float((image * rows).sum() / image.sum()) / height
    found_column = float((image * columns).sum() / image.sum()) / (2 * height)
    assert abs(found_row - row) < 1.5 / n / 2
    assert abs(found_column - column) < 1.5 / n / 4 / abs(math.sin(row * math.pi))


def test_latlong_directions_follow_the_formula_of_probe_hdr():
    directions = cubemap.latlong_directions(4, 8)
    t, p = math.pi * 1.5 / 4, 2 * math.pi * 6.5 / 8 - math.pi
    expected = torch.tensor([math.sin(t) * math.sin(p), math.cos(t), -math.sin(t) * math.cos(p)], dtype=torch.float64)
    torch.testing.assert_close(directions[1, 6], expected)
    u, v = cubemap.latlong_coordinates(directions).unbind(-1)
    torch.testing.assert_close(u[0], (torch.arange(8, dtype=torch.float64) + 0.5) / 8)
    torch.testing.assert_close(v[:, 0], (torch.arange(4, dtype=torch.float64) + 0.5) / 4)


def test_cube_to_latlong_and_back():
    base = smooth_light(32)
    large = cubemap.from_latlong(cubemap.to_latlong(base, 512, 1024), 32)
    assert (large - base).abs().mean() < 0.01  # reduced first
    again = cubemap.from_latlong(cubemap.to_latlong(base, 128, 256), 32)
    assert (again - base).abs().max() < 0.06
    assert (again - base).abs().mean() < 0.01


@pytest.mark.parametrize("place", [(10, 20), (64, 0), (64, 255), (100, 77), (3, 130), (40, 9)])
def test_a_light_of_one_pixel_keeps_its_energy(place):
    image = torch.zeros(128, 256, 3)
    image[place] = 1000.0
    theta = math.pi * (place[0] + 0.5) / 128
    power = 1000.0 * (math.pi / 128) ** 2 * math.sin(theta)
    cube = cubemap.from_latlong(image, 16)
    found = (cube[..., 0] * cubemap.solid_angles(16)).sum()
    assert abs(float(found) / power - 1) < 0.05


def test_small_latlong_is_an_average_not_a_sample():
    base = torch.zeros(6, 64, 64, 1)
    base[:, ::2, ::2] = 4.0  # mean 1
    image = cubemap.to_latlong(base, 16, 32)
    assert abs(float(image.mean()) - 1) < 0.02
    assert image.std() < 0.15


def test_rotate_moves_light_with_the_rotation():
    base = torch.zeros(6, 32, 32, 3)
    base[0, 14:18, 14:18] = 1.0  # towards +x
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # takes +x to +y
    turned = cubemap.rotate(base, quarter)
    assert int(turned[..., 0].sum((1, 2)).argmax()) == 2
    assert math.isclose(float(turned.sum()), float(base.sum()), rel_tol=1e-5)


def test_neutrality_is_zero_for_grey_and_grows_with_colour():
    assert not light.neutrality(torch.full((6, 4, 4, 3), 0.3)).any()
    coloured = torch.tensor([0.9, 0.3, 0.3]).expand(6, 4, 4, 3)
    torch.testing.assert_close(light.neutrality(coloured).mean(), torch.tensor((0.4 + 0.2 + 0.2) / 3))


def test_log_variation_is_zero_for_a_constant_and_mild_on_bright_lights():
    assert light.log_variation(torch.full((6, 8, 8, 3), 2.0)) == 0
    lamp, sun = torch.full((6, 8, 8, 3), 1.0), torch.full((6, 8, 8, 3), 1.0)
    lamp[0, 3, 3], sun[0, 3, 3] = 10.0, 1000.0
    ratio = light.log_variation(sun) / light.log_variation(lamp)
    assert 2.5 < ratio < 3.5  # 1000 against 10: three times the logarithm, not a hundred times the light
    base = random(6, 8, 8, 3).requires_grad_()
    light.log_variation(base).backward()
    assert torch.isfinite(base.grad).all()


def test_options_choose_between_learning_and_a_given_light(tmp_path):
    options = BuiltinOptions(probe_res=16)
    learnt = EnvironmentLight.from_options(options)
    assert learnt.base.requires_grad
    torch.testing.assert_close(learnt.base.detach(), torch.full((6, 16, 16, 3), 0.5))
    continued = EnvironmentLight.from_options(options, random(6, 32, 32, 3))
    torch.testing.assert_close(continued.base.detach(), random(6, 32, 32, 3).clamp(min=light.DARKEST))
    options = dataclasses.replace(options, lock_light=True)
    locked = EnvironmentLight.from_options(options, random(6, 32, 32, 3))
    assert not list(locked.parameters())
    assert torch.equal(locked.base, random(6, 32, 32, 3))
    options = BuiltinOptions(learn_light=False, envmap="sky.hdr")
    assert not list(EnvironmentLight.from_options(options, random(6, 32, 32, 3)).parameters())
    options = dataclasses.replace(options, base_mesh="mesh.obj")
    assert list(EnvironmentLight.from_options(options, random(6, 32, 32, 3)).parameters())
    path = tmp_path / "sky.hdr"
    write_radiance(path, torch.full((32, 64, 3), 0.25).numpy())
    options = BuiltinOptions(learn_light=False, envmap=str(path), env_scale=3.0, probe_res=16)
    given = EnvironmentLight.from_options(options)
    assert not given.base.requires_grad
    torch.testing.assert_close(given.base.detach(), torch.full((6, 16, 16, 3), 0.75), atol=1e-2, rtol=0)


@pytest.mark.parametrize(("height", "side"), [(8, 16), (64, 32), (512, 256), (600, 256), (4096, 256)])
def test_a_given_panorama_keeps_its_detail(height, side):
    assert cubemap.fitting_side(height) == side


def test_a_given_light_is_prefiltered_once_until_it_changes():
    given = EnvironmentLight(torch.full((6, 16, 16, 3), 2.0), trainable=False)
    first, second = given.prefilter().levels, given.prefilter().levels
    assert all(a is b for a, b in zip(first, second))
    given.load_state_dict({"given": torch.full((6, 16, 16, 3), 3.0)})
    for level in given.prefilter().levels:
        torch.testing.assert_close(level, torch.full_like(level, 3.0))


def test_the_probe_file_lights_as_the_light_it_was_made_from(tmp_path):
    """probe.hdr written, read back and used as a known light: the same picture, so orientation and scale are right."""
    base = smooth_light(64) * torch.tensor([1.0, 0.6, 0.3])
    base[0, 20:24, 40:44] = 60.0  # one lamp on each of three faces that no rotation maps to each other
    base[3, 50:53, 10:13] = 40.0
    base[4, 8:11, 30:33] = 90.0
    path = tmp_path / "probe.hdr"
    write_radiance(path, cubemap.to_latlong(base, *PROBE_SIZE).numpy())
    again = EnvironmentLight.from_options(BuiltinOptions(learn_light=False, envmap=str(path))).prefilter()
    before, directions, roughness = prefiltered(base), unit(500, 3), 0.2 + 0.8 * random(500)
    for found, expected in (
        (again.diffuse(directions), before.diffuse(directions)),
        (again.specular(directions, roughness), before.specular(directions, roughness)),
    ):
        error = (found - expected).abs() / (expected + 0.1 * expected.mean())
        assert error.mean() < 0.02
        assert error.max() < 0.2

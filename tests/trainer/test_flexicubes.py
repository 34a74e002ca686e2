"""FlexiCubes: tables against the cube, meshes against topology and analytic shapes, gradients against differences."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from topforge_train.geometry import EmptySurfaceError, FlexiCubes, flexicubes_kernels, flexicubes_points
from topforge_train.geometry import flexicubes_reference as reference
from topforge_train.geometry import flexicubes_tables as tables
from topforge_train.geometry.mesh import components, euler_characteristic, is_watertight, triangle_normals, volume

CUBE = torch.tensor([[-1.0] * 3, [1.0] * 3])


def sphere(points):
    return points.norm(dim=1) - 0.7


def torus(points):
    return torch.hypot(torch.hypot(points[:, 0], points[:, 2]) - 0.55, points[:, 1]) - 0.25


def box(points):
    outside = points.abs() - torch.tensor([0.7, 0.5, 0.3], dtype=points.dtype)
    return outside.clamp_min(0).norm(dim=1) + outside.amax(1).clamp_max(0)


def two_spheres(points):
    shift = torch.tensor([0.5, 0.0, 0.0], dtype=points.dtype)
    return torch.minimum((points - shift).norm(dim=1) - 0.3, (points + shift).norm(dim=1) - 0.35)


def smooth_noise(seed, resolution):
    """A distance of no particular shape with features of a few cells."""

    def distance(points):
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.randn(1, 1, 9, 9, 9, generator=generator)
        where = points.flip(1)[None, None, None]
        return torch.nn.functional.grid_sample(coarse, where, align_corners=True).reshape(-1) / resolution

    return distance


def sign_noise(seed):
    return lambda points: torch.rand(len(points), generator=torch.Generator().manual_seed(seed)) - 0.5


def perturb(surface, seed=0, strength=1.0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in (surface.deform, surface.weights):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * strength)


def patches_by_walking(configuration, flipped):
    """The naive oracle: walk over the surface of the cube, keeping the inside corner to one side of each face."""
    inside = [configuration >> corner & 1 == 1 for corner in range(8)]
    links = {}
    for axis, side in itertools.product(range(3), range(2)):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        loop = [side << axis | du << u | dv << v for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1))]
        cut = [k for k in range(4) if inside[loop[k]] != inside[loop[(k + 1) % 4]]]
        pairs = [cut] if len(cut) == 2 else []
        if len(cut) == 4:
            # Corner k lies between side k - 1 and side k of the loop.
            alone = [k for k in range(4) if inside[loop[k]] != flipped]
            pairs = [((k - 1) % 4, k) for k in alone]
        for one, other in pairs:
            names = [frozenset((loop[k], loop[(k + 1) % 4])) for k in (one, other)]
            links.setdefault(names[0], []).append(names[1])
            links.setdefault(names[1], []).append(names[0])
    found = []
    remaining = set(links)
    while remaining:
        start = remaining.pop()
        patch, last, current = {start}, None, start
        while True:
            following = [edge for edge in links[current] if edge != last]
            last, current = current, following[0]
            if current == start:
                break
            patch.add(current)
            remaining.discard(current)
        found.append(frozenset(patch))
    return set(found)


@pytest.mark.parametrize("flipped", [False, True])
def test_patches_equal_those_found_by_walking_around_the_cube(flipped):
    made = tables.cube_tables(torch.device("cpu"))
    for configuration in range(256):
        entry = configuration + (tables.FLIPPED if flipped else 0)
        numbers = made.patch_of_edge[entry * 12 : entry * 12 + 12].tolist()
        patches = {}
        for edge, number in enumerate(numbers):
            if number >= 0:
                patches.setdefault(number, set()).add(frozenset(tables.edge_corners(edge)))
        assert {frozenset(patch) for patch in patches.values()} == patches_by_walking(configuration, flipped)
        assert len(patches) == int(made.patch_count[entry])


def test_a_pinched_configuration_has_one_ambiguous_face_and_flipping_it_splits_the_patch():
    pinched = [c for c in range(256) if tables.find_pinched_face(c) is not None]
    assert pinched
    for configuration in pinched:
        ambiguous = [f for f in range(6) if len(tables.face_segments(configuration, f, False)) == 2]
        assert ambiguous == [tables.find_pinched_face(configuration)]
        segments = tables.face_segments(configuration, ambiguous[0], True)
        patches = tables.edge_patches(configuration, True)
        assert patches[segments[0][0]] != patches[segments[1][0]]


def random_flags(seed, shape, share):
    """Vertex flags with every configuration of a cube, pinched ones too; 0 on the box."""
    flags = torch.zeros(shape, dtype=torch.uint8)
    inner = tuple(size - 2 for size in shape)
    flags[1:-1, 1:-1, 1:-1] = torch.rand(inner, generator=torch.Generator().manual_seed(seed)) < share
    return flags


def assert_same_topology(found, wanted):
    for field in dataclasses.fields(wanted):
        one, other = getattr(found, field.name), getattr(wanted, field.name)
        assert torch.equal(one, other) if isinstance(other, torch.Tensor) else one == other, field.name


@pytest.mark.parametrize("shape", [(13, 11, 17), (3, 3, 3), (4, 30, 6)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_topology_is_that_of_the_twin(shape, share):
    flags = random_flags(1, shape, share)
    flags[1, 1, 1] = 1
    assert_same_topology(flexicubes_kernels.find_topology(flags), reference.find_topology(flags))


def test_without_anything_inside_there_are_no_rows():
    found = flexicubes_kernels.find_topology(torch.zeros(5, 6, 7, dtype=torch.uint8))
    assert len(found.ends) == len(found.cubes) == found.count == 0


def dual_inputs(share=0.4):
    """Random float64 inputs of `dual_vertices`: differentiable ones first."""
    flags = random_flags(2, (9, 8, 7), share)
    topology = reference.find_topology(flags)
    generator = torch.Generator().manual_seed(3)
    inside = flags.reshape(-1)[topology.ends].double()
    distances = (0.2 + torch.rand(inside.shape, generator=generator, dtype=torch.float64)) * (1 - 2 * inside)
    deform, x0 = torch.randn(2, flags.numel(), 3, generator=generator, dtype=torch.float64)
    weights = torch.randn(8 * 7 * 6, 21, generator=generator, dtype=torch.float64)
    corners = torch.tensor([tables.edge_corners(edge) for edge in range(12)])
    return [distances, deform, weights], (x0, 0.3, topology, corners)


def test_crossings_and_dual_vertices_and_their_gradients_are_those_of_the_twin():
    inputs, rest = dual_inputs()
    exact = [tensor.requires_grad_() for tensor in inputs]
    plain = [tensor.detach().float().requires_grad_() for tensor in inputs]
    wanted = reference.dual_vertices(*exact, *rest)
    found = flexicubes_points.dual_vertices(*plain, rest[0].float(), *rest[1:])
    generator = torch.Generator().manual_seed(4)
    directions = [torch.randn(tensor.shape, generator=generator, dtype=torch.float64) for tensor in wanted]
    for one, other in zip(found, wanted):
        assert (one - other).abs().max() < 1e-5
    slopes = torch.autograd.grad(found, plain, [direction.float() for direction in directions])
    targets = torch.autograd.grad(wanted, exact, directions)
    for slope, target in zip(slopes, targets):
        assert target.norm() > 1
        assert (slope - target).norm() < 1e-5 * target.norm()


def test_gradients_of_dual_vertices_are_finite_differences():
    inputs, rest = dual_inputs()
    plain = [tensor.float().requires_grad_() for tensor in inputs]
    weights = [
        torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in (4 * len(inputs[0]), rest[2].count)
    ]

    def value(*tensors):
        made = flexicubes_points.dual_vertices(*tensors, rest[0].float(), *rest[1:])
        return sum((one * weight).double().sum() for one, weight in zip(made, weights))

    slopes = torch.autograd.grad(value(*plain), plain)
    for index, slope in enumerate(slopes):
        direction = torch.randn(slope.shape, generator=torch.Generator().manual_seed(index))
        values = []
        for step in (2e-3, -2e-3):
            moved = [tensor.detach().clone() for tensor in plain]
            moved[index] += step * direction
            values.append(float(value(*moved)))
        difference = (values[0] - values[1]) / 4e-3
        assert abs(float((slope * direction).sum()) - difference) < 0.01 * abs(difference)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("shape", "characteristic", "parts"), [(sphere, 2, 1), (torus, 0, 1), (box, 2, 1), (two_spheres, 4, 2)]
)
def test_known_shapes_have_their_topology(shape, characteristic, parts, training):
    surface = FlexiCubes(CUBE, 24)
    surface.initialise(shape)
    perturb(surface)
    mesh = surface.extract(training).detach()
    assert is_watertight(mesh.triangles)
    assert euler_characteristic(mesh.triangles) == characteristic
    assert components(len(mesh.vertices), mesh.triangles).unique().numel() == parts
    assert float(volume(mesh)) > 0


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", [lambda seed: smooth_noise(seed, 20), sign_noise])
def test_any_signs_give_a_closed_manifold(noise, seed, training):
    surface = FlexiCubes(CUBE, 20)
    surface.initialise(noise(seed))
    mesh = surface.extract(training).detach()
    assert is_watertight(mesh.triangles)
    assert torch.isfinite(mesh.vertices).all()


def test_without_the_fix_up_sign_noise_is_not_manifold(monkeypatch):
    made = tables.cube_tables(torch.device("cpu"))
    never = dataclasses.replace(made, pinched_face=torch.full_like(made.pinched_face, -1))
    monkeypatch.setattr("topforge_train.geometry.flexicubes_kernels.cube_tables", lambda device: never)
    surface = FlexiCubes(CUBE, 20)
    surface.initialise(sign_noise(0))
    assert not is_watertight(surface.extract(False).triangles)


def test_vertices_lie_on_the_sphere_and_face_outward():
    surface = FlexiCubes(CUBE, 32)
    surface.initialise(sphere)
    mesh = surface.extract(False).detach()
    assert float((mesh.vertices.norm(dim=1) - 0.7).abs().max()) < 0.1 * surface.grid.cell
    centre = mesh.vertices[mesh.triangles.long()].mean(1)
    assert ((triangle_normals(mesh) * centre).sum(1) > 0).all()
    assert float(volume(mesh)) == pytest.approx(4 / 3 * torch.pi * 0.7**3, rel=0.01)


def test_dual_vertices_stay_in_their_cells_whatever_the_weights():
    surface = FlexiCubes(CUBE, 16, deform_limit=1e-6)
    surface.initialise(sphere)
    perturb(surface, strength=5.0)
    mesh = surface.extract(True)
    cell = (mesh.vertices[: mesh.dual_count] - CUBE[0]) / surface.grid.cell
    codes = cell.detach().floor().long()
    assert len(torch.unique(codes, dim=0)) == mesh.dual_count  # a sphere passes each cell once


def test_a_shape_that_leaves_the_box_is_closed_at_the_box():
    surface = FlexiCubes(CUBE, 16)
    surface.initialise(lambda points: points.norm(dim=1) - 1.2)
    mesh = surface.extract(False).detach()
    assert is_watertight(mesh.triangles)
    assert float(mesh.vertices.abs().max()) <= 1.0


def test_all_inside_gives_the_box_and_all_outside_is_an_error_that_says_so():
    surface = FlexiCubes(CUBE, 8)
    surface.initialise(lambda points: -torch.ones(len(points)))
    assert is_watertight(surface.extract(False).triangles)
    surface.initialise(lambda points: torch.ones(len(points)))
    with pytest.raises(EmptySurfaceError, match="no surface: 0 of 729"):
        surface.extract(False)


def test_boxes_need_not_be_cubes():
    surface = FlexiCubes(torch.tensor([[-1.0, -0.8, -0.5], [1.0, 0.8, 0.5]]), 20)
    assert surface.grid.cells == (20, 16, 10)
    surface.initialise(lambda points: points.norm(dim=1) - 0.4)
    mesh = surface.extract(False).detach()
    assert is_watertight(mesh.triangles)
    assert float((mesh.vertices.norm(dim=1) - 0.4).abs().max()) < 0.1 * surface.grid.cell


@pytest.mark.parametrize("name", ["sdf", "deform", "weights"])
def test_gradients_equal_finite_differences(name, monkeypatch):
    """Of the kernels in float32, against differences of the twin in float64."""
    torch.manual_seed(0)
    surface = FlexiCubes(CUBE, 6)
    surface.initialise(torus)
    perturb(surface, strength=0.5)
    target = torch.randn(4000, 3, dtype=torch.float64)

    def value():
        mesh = surface.extract(True)
        moved = (mesh.vertices * target[: len(mesh.vertices)].to(mesh.vertices)).sum()
        return moved + 100 * sum(surface.regulariser(mesh).values())

    (gradient,) = torch.autograd.grad(value(), getattr(surface, name))
    monkeypatch.setattr("topforge_train.geometry.flexicubes.dual_vertices", reference.dual_vertices)
    surface = surface.double()
    flat, slope = getattr(surface, name).data.reshape(-1), gradient.reshape(-1)
    largest = float(slope.abs().max())
    assert largest > 0
    step = 1e-6
    for index in slope.abs().topk(20).indices.tolist() + torch.nonzero(slope)[::97, 0].tolist():
        flat[index] += step
        above = float(value().detach())
        flat[index] -= 2 * step
        below = float(value().detach())
        flat[index] += step
        assert float(slope[index]) == pytest.approx((above - below) / (2 * step), rel=1e-3, abs=1e-5 * largest)


def test_regridding_keeps_the_shape():
    coarse = FlexiCubes(CUBE, 24)
    coarse.initialise(torus)
    with torch.no_grad():
        coarse.deform.fill_(0.5)  # the whole grid moves
    fine = FlexiCubes(CUBE, 40)
    fine.initialise(coarse.signed_distance)
    shift = coarse.limit * torch.tanh(torch.tensor(0.5))
    vertices = fine.extract(False).vertices.detach()
    assert float(torus(vertices - shift).abs().max()) < 0.2 * coarse.grid.cell


def test_optimising_distances_finds_the_size_of_a_sphere():
    surface = FlexiCubes(CUBE, 16)
    surface.initialise(lambda points: points.norm(dim=1) - 0.4)
    optimiser = torch.optim.Adam(surface.parameters(), lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        mesh = surface.extract(True)
        terms = surface.regulariser(mesh)
        loss = (mesh.vertices.norm(dim=1) - 0.6).square().mean() + 0.01 * terms["deviation"]
        loss.backward()
        optimiser.step()
    assert float((mesh.vertices.detach().norm(dim=1) - 0.6).abs().mean()) < 0.005

"""Marching tetrahedra: the lattice, a naive oracle, topology, analytic shapes, and gradients."""

from __future__ import annotations

import itertools

import pytest
import torch

from topforge_train.geometry import DMTet, EmptySurfaceError
from topforge_train.geometry.dmtet import make_lattice
from topforge_train.geometry.grid import Grid
from topforge_train.geometry.mesh import euler_characteristic, is_watertight, triangle_normals, volume

CUBE = torch.tensor([[-1.0] * 3, [1.0] * 3])


def sphere(points):
    return points.norm(dim=1) - 0.65


def torus(points):
    return torch.hypot(torch.hypot(points[:, 0], points[:, 2]) - 0.5, points[:, 1]) - 0.22


def sign_noise(seed):
    return lambda points: torch.rand(len(points), generator=torch.Generator().manual_seed(seed)) - 0.5


def triangles_of_tet(corners, distances):
    """The naive oracle: crossings of one tetrahedron as triangles that face from inside to outside, [n, 3, 3]."""
    inside = [k for k in range(4) if distances[k] < 0]
    outside = [k for k in range(4) if distances[k] >= 0]
    if not inside or not outside:
        return []

    def crossing(a, b):
        return corners[a] + (corners[b] - corners[a]) * distances[a] / (distances[a] - distances[b])

    loop = [crossing(a, b) for a in inside for b in outside]
    if len(loop) == 4:  # (i,k) (i,l) (j,k) (j,l) -> around
        loop = [loop[0], loop[1], loop[3], loop[2]]
    found = [torch.stack((loop[0], loop[k], loop[k + 1])) for k in range(1, len(loop) - 1)]
    away = corners[outside].mean(0) - corners[inside].mean(0)
    turned = []
    for triangle in found:
        normal = torch.linalg.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
        turned.append(triangle if float(normal @ away) > 0 else triangle.flip(0))
    return turned


def test_lattice_is_one_kind_of_tetrahedron_and_edges_are_unique():
    lattice = make_lattice(Grid.over(CUBE, 4), torch.device("cpu"))
    corner = lattice.vertices[lattice.tets]  # [4, T, 3]
    six_volumes = torch.linalg.det((corner[1:] - corner[0]).transpose(0, 1).double())
    assert torch.allclose(six_volumes, six_volumes[0])
    assert float(six_volumes[0]) > 0
    pairs = set(map(tuple, lattice.edges.t().tolist()))
    assert len(pairs) == lattice.edges.shape[1]
    for tet in range(0, lattice.tets.shape[1], 37):
        for k, (a, b) in enumerate(itertools.combinations(range(4), 2)):
            ends = sorted((int(lattice.tets[a, tet]), int(lattice.tets[b, tet])))
            assert lattice.edges[:, lattice.tet_edges[tet, k]].tolist() == ends


def test_triangles_equal_the_naive_ones():
    surface = DMTet(CUBE, 4).double()
    surface.initialise(sign_noise(3))
    mesh = surface.extract(True).detach()
    with torch.no_grad():
        distances = torch.where(surface.border, surface.sdf.clamp_min(0.1), surface.sdf)
    expected = []
    for tet in surface.tets.t():
        expected += triangles_of_tet(surface.x0[tet], distances[tet])
    made = mesh.vertices[mesh.triangles.long()]
    assert len(made) == len(expected)

    for ours, naive in zip(measures(made), measures(torch.stack(expected))):
        assert torch.allclose(ours, naive, rtol=1e-9, atol=1e-9)


def measures(corners):
    """What does not depend on the diagonal that cuts a flat quadrilateral: area, its moments, and signed volume."""
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = normal.norm(dim=1, keepdim=True)
    signed = (corners[:, 0] * torch.linalg.cross(corners[:, 1], corners[:, 2])).sum()
    return area.sum(), (area * corners.mean(1)).sum(0), signed


@pytest.mark.parametrize(("shape", "characteristic"), [(sphere, 2), (torus, 0)])
def test_known_shapes_have_their_topology(shape, characteristic):
    surface = DMTet(CUBE, 14)
    surface.initialise(shape)
    with torch.no_grad():
        surface.deform.copy_(torch.randn(surface.deform.shape, generator=torch.Generator().manual_seed(0)))
    mesh = surface.extract(True).detach()
    assert is_watertight(mesh.triangles)
    assert euler_characteristic(mesh.triangles) == characteristic


@pytest.mark.parametrize("seed", range(4))
def test_any_signs_give_a_closed_manifold(seed):
    surface = DMTet(CUBE, 10)
    surface.initialise(sign_noise(seed))
    assert is_watertight(surface.extract(True).triangles)


def test_vertices_lie_on_the_sphere_and_face_outward():
    surface = DMTet(CUBE, 20)
    surface.initialise(sphere)
    mesh = surface.extract(True).detach()
    assert float((mesh.vertices.norm(dim=1) - 0.65).abs().max()) < 0.1 * surface.grid.cell
    centre = mesh.vertices[mesh.triangles.long()].mean(1)
    assert ((triangle_normals(mesh) * centre).sum(1) >= 0).all()
    assert float(volume(mesh)) == pytest.approx(4 / 3 * torch.pi * 0.65**3, rel=0.02)


@pytest.mark.parametrize("name", ["sdf", "deform"])
def test_gradients_equal_finite_differences(name):
    torch.manual_seed(0)
    surface = DMTet(CUBE, 5).double()
    surface.initialise(torus)
    with torch.no_grad():
        surface.deform.normal_()
    target = torch.randn(4000, 3, dtype=torch.float64)

    def value():
        mesh = surface.extract(True)
        return (mesh.vertices * target[: len(mesh.vertices)]).sum() + 10 * surface.regulariser(mesh)["sign"]

    parameter = getattr(surface, name)
    (gradient,) = torch.autograd.grad(value(), parameter)
    flat, slope = parameter.data.reshape(-1), gradient.reshape(-1)
    step = 1e-6
    for index in torch.nonzero(slope)[::11, 0].tolist():
        flat[index] += step
        above = float(value().detach())
        flat[index] -= 2 * step
        below = float(value().detach())
        flat[index] += step
        assert float(slope[index]) == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-6)


def test_the_sign_term_removes_a_floater():
    surface = DMTet(CUBE, 10)
    surface.initialise(sphere)
    lonely = int((surface.x0 - torch.tensor([0.8, 0.8, 0.8])).norm(dim=1).argmin())
    with torch.no_grad():
        surface.sdf[lonely] = -0.3
    before = euler_characteristic(surface.extract(True).triangles)
    optimiser = torch.optim.Adam([surface.sdf], lr=0.05)
    for _ in range(20):
        optimiser.zero_grad()
        surface.regulariser(surface.extract(True))["sign"].backward()
        surface.sdf.grad[surface.x0.norm(dim=1) < 1.0] = 0
        optimiser.step()
    assert (before, euler_characteristic(surface.extract(True).triangles)) == (4, 2)


def test_regridding_keeps_the_shape():
    coarse = DMTet(CUBE, 16)
    coarse.initialise(torus)
    fine = DMTet(CUBE, 24)
    fine.initialise(coarse.signed_distance)
    assert float(torus(fine.extract(True).vertices.detach()).abs().max()) < 0.25 * coarse.grid.cell


def test_no_surface_is_an_error_that_says_so():
    surface = DMTet(CUBE, 4)
    with pytest.raises(EmptySurfaceError, match="0 of"):
        surface.extract(True)

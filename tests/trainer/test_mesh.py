"""Mesh quantities against naive loops, Laplacians against dense matrices, and tidying."""

from __future__ import annotations

import pytest
import torch

from topforge_train.geometry import DMTet, Mesh
from topforge_train.geometry.cleanup import compact, without_floaters
from topforge_train.geometry.laplacian import UniformLaplacian
from topforge_train.geometry.mesh import areas, components, edges, euler_characteristic, is_watertight, volume

TETRAHEDRON = Mesh(
    torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=torch.int32),
)


def lumpy(resolution=8, radius=0.6, dtype=torch.float64):
    surface = DMTet(torch.tensor([[-1.0] * 3, [1.0] * 3]), resolution)
    surface.initialise(lambda p: p.norm(dim=1) - radius + 0.05 * torch.sin(9 * p[:, 0]) * torch.cos(7 * p[:, 1]))
    mesh = surface.extract(True).detach()
    return Mesh(mesh.vertices.to(dtype), mesh.triangles)


def joined(*meshes):
    """Several meshes as one."""
    shift, triangles = 0, []
    for mesh in meshes:
        triangles.append(mesh.triangles + shift)
        shift += len(mesh.vertices)
    return Mesh(torch.cat([mesh.vertices for mesh in meshes]), torch.cat(triangles))


def test_a_tetrahedron_has_known_measures():
    assert float(volume(TETRAHEDRON)) == pytest.approx(1 / 6)
    assert float(areas(TETRAHEDRON).sum()) == pytest.approx(1.5 + 3**0.5 / 2)
    assert is_watertight(TETRAHEDRON.triangles)
    assert euler_characteristic(TETRAHEDRON.triangles) == 2
    assert edges(TETRAHEDRON.triangles).vertices.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize(
    "broken",
    [
        TETRAHEDRON.triangles[:3],  # a hole
        torch.cat((TETRAHEDRON.triangles[:3], TETRAHEDRON.triangles[3:].flip(1))),  # one turned over
        torch.cat((TETRAHEDRON.triangles, TETRAHEDRON.triangles)),  # everything twice
    ],
)
def test_what_is_not_watertight(broken):
    assert not is_watertight(broken)


def test_edges_name_the_sides_of_each_triangle():
    mesh = lumpy()
    found = edges(mesh.triangles)
    assert (found.triangle_count == 2).all()
    for triangle, sides in list(zip(mesh.triangles.tolist(), found.of_triangle.tolist()))[::29]:
        for k in range(3):
            assert found.vertices[sides[k]].tolist() == sorted((triangle[k], triangle[(k + 1) % 3]))


def test_components_equal_a_flood_fill():
    generator = torch.Generator().manual_seed(0)
    triangles = torch.randint(0, 300, (110, 3), generator=generator, dtype=torch.int32)
    label = components(300, triangles).tolist()
    neighbours = {v: set() for v in range(300)}
    for triangle in triangles.tolist():
        for corner in triangle:
            neighbours[corner].update(triangle)
    seen = {}
    for start in range(300):
        pending = [start] if start not in seen else []
        while pending:
            vertex = pending.pop()
            if vertex not in seen:
                seen[vertex] = start
                pending.extend(neighbours[vertex])
    assert label == [seen[v] for v in range(300)]


def test_components_of_a_long_strip_are_found_in_few_rounds():
    count = 20000
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0)).int()
    strip = torch.stack((torch.arange(count - 2), torch.arange(1, count - 1), torch.arange(2, count)), dim=1)
    assert (components(count, order[strip]) == 0).all()


def test_small_floaters_go_and_the_rest_stays():
    large, small = lumpy(10), lumpy(10, radius=0.3)
    speck = Mesh(0.05 * TETRAHEDRON.vertices.double() + 0.9, TETRAHEDRON.triangles)
    both = joined(speck, large, small)
    kept = without_floaters(both)
    assert len(kept.triangles) == len(large.triangles) + len(small.triangles)
    assert len(kept.vertices) == len(large.vertices) + len(small.vertices)
    assert float(volume(kept)) == pytest.approx(float(volume(large) + volume(small)))
    assert len(without_floaters(both, least_share=0.9).triangles) == len(large.triangles)
    assert len(without_floaters(speck).triangles) == 4


def test_compact_drops_unused_vertices():
    extra = Mesh(torch.cat((torch.full((2, 3), 9.0), TETRAHEDRON.vertices)), TETRAHEDRON.triangles + 2)
    assert torch.equal(compact(extra).vertices, TETRAHEDRON.vertices)
    assert torch.equal(compact(extra).triangles, TETRAHEDRON.triangles)


def dense_adjacency(mesh):
    matrix = torch.zeros(len(mesh.vertices), len(mesh.vertices), dtype=torch.float64)
    for triangle in mesh.triangles.tolist():
        for a, b in zip(triangle, triangle[1:] + triangle[:1]):
            matrix[a, b] = matrix[b, a] = 1
    return matrix


def test_uniform_laplacian_equals_the_dense_one_and_has_true_gradients():
    mesh = lumpy(4)
    matrix = dense_adjacency(mesh)
    expected = matrix @ mesh.vertices / matrix.sum(1, keepdim=True) - mesh.vertices
    laplacian = UniformLaplacian(len(mesh.vertices) + 1, mesh.triangles)  # one vertex without neighbours
    vertices = torch.cat((mesh.vertices, mesh.vertices[:1])).float().requires_grad_()
    found = laplacian(vertices)
    assert torch.allclose(found[:-1].double(), expected, atol=1e-6)
    assert torch.equal(found[-1], torch.zeros(3))
    weights = torch.rand(found.shape, generator=torch.Generator().manual_seed(1))
    (slope,) = torch.autograd.grad((found * weights).sum(), vertices)
    operator = matrix / matrix.sum(1, keepdim=True) - torch.eye(len(matrix))
    assert torch.allclose(slope[:-1].double(), operator.t() @ weights[:-1].double(), atol=1e-6)

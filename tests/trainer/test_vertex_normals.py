"""Vertex normals and their variation: the kernels against loops and twins; padding and vertices without area."""

import math

import pytest
import torch

from topforge_train.backend import parallel, reference_mesh
from topforge_train.backend.warp_normal_variation import normal_variation
from topforge_train.backend.warp_runtime import TensorMismatchError, TriangleIndexError
from topforge_train.backend.warp_vertex_normals import vertex_normals


def lumpy(rows=9, columns=14, seed=1):
    """A closed band with dents: vertices and triangles, every vertex with several."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angle = column * (2 * math.pi / columns)
    points = torch.stack([torch.cos(angle), row * 0.3, torch.sin(angle)], -1).reshape(-1, 3)
    points = points + 0.1 * torch.rand(points.shape, generator=torch.Generator().manual_seed(seed))
    first = (row[:-1] * columns + column[:-1]).reshape(-1)
    beside = (row[:-1] * columns + (column[:-1] + 1) % columns).reshape(-1)
    quads = torch.stack([first, first + columns, beside + columns, beside], -1)
    return points, torch.cat([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).int()


def slope(function, points, triangles, weights):
    points = points.clone().requires_grad_()
    (function(points, triangles) * weights).sum().backward()
    return points.grad.double()


def test_against_a_loop():
    points, triangles = lumpy()
    expected = torch.zeros_like(points)
    for a, b, c in triangles.tolist():
        normal = torch.linalg.cross(points[b] - points[a], points[c] - points[a])
        for corner in (a, b, c):
            expected[corner] += normal
    expected /= expected.norm(dim=1, keepdim=True)
    assert torch.allclose(vertex_normals(points, triangles), expected, atol=1e-6)


def test_the_twin_has_true_gradients():
    points, triangles = lumpy(4, 5)
    points = points.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: reference_mesh.vertex_normals(v, triangles), points)


@pytest.mark.parametrize("threads", [1, 3])
def test_value_and_slope_are_the_twins(threads):
    points, triangles = lumpy(40, 50)
    weights = torch.rand(points.shape, generator=torch.Generator().manual_seed(2)) - 0.5
    parallel.set_threads(threads)
    try:
        ours, ours_slope = vertex_normals(points, triangles), slope(vertex_normals, points, triangles, weights)
    finally:
        parallel.set_threads(0)
    twin = reference_mesh.vertex_normals(points.double(), triangles)
    twin_slope = slope(reference_mesh.vertex_normals, points.double(), triangles, weights.double())
    assert float((ours - twin).abs().max()) < 2e-6
    assert float((ours_slope - twin_slope).abs().max()) < 1e-5 * float(twin_slope.abs().max())


def test_padding_and_vertices_without_area_have_no_effect():
    points, triangles = lumpy()
    weights = torch.rand(points.shape, generator=torch.Generator().manual_seed(2)) - 0.5
    alone = torch.full((3, 3), 2.0)  # one belongs to no triangle, two to one without area
    more = torch.cat([points, alone])
    count = len(points)
    extra = torch.tensor([[0, 0, 0], [count, count, count], [count, count + 1, count]], dtype=torch.int32)
    padded = torch.cat([triangles, extra, extra])
    assert torch.equal(vertex_normals(more, padded)[:count], vertex_normals(points, triangles))
    assert (vertex_normals(more, padded)[count:] == 0).all()
    found = slope(vertex_normals, more, padded, torch.cat([weights, torch.ones(3, 3)]))
    assert torch.equal(found[:count], slope(vertex_normals, points, triangles, weights))
    assert (found[count:] == 0).all()


def differences(normals, triangles):
    """The mean squared difference along the edges of each triangle, in numbers."""
    rows = normals.tolist()
    found = []
    for a, b, c in triangles.tolist():
        ends = ((a, b), (b, c), (c, a))
        found.append(sum((x - y) ** 2 for one, two in ends for x, y in zip(rows[one], rows[two])) / 3)
    return torch.tensor(found)


@pytest.mark.parametrize("threads", [1, 3])
def test_variation_is_that_of_a_loop_and_its_slope_the_twins(threads):
    points, triangles = lumpy(30, 40)
    normals = vertex_normals(points, triangles)
    padded = torch.cat([triangles, torch.zeros(700, 3, dtype=torch.int32)])
    weights = torch.rand(len(padded), generator=torch.Generator().manual_seed(3))
    parallel.set_threads(threads)
    try:
        ours, ours_slope = normal_variation(normals, padded), slope(normal_variation, normals, padded, weights)
    finally:
        parallel.set_threads(0)
    assert torch.allclose(ours[: len(triangles)], differences(normals, triangles), atol=1e-6)
    assert (ours[len(triangles) :] == 0).all()
    twin = slope(reference_mesh.normal_variation, normals.double(), padded, weights.double())
    assert float((ours_slope - twin).abs().max()) < 1e-5 * float(twin.abs().max())


def test_wrong_arguments_are_refused():
    points, triangles = lumpy()
    with pytest.raises(TensorMismatchError, match="vertices"):
        vertex_normals(points.double(), triangles)
    with pytest.raises(TriangleIndexError):
        vertex_normals(points[:5], triangles)

"""MikkTSpace tangents against a corner-by-corner evaluation, and their orientation."""

import math

import numpy as np
import pytest
import torch

from topforge_train.backend import parallel, reference_mesh
from topforge_train.backend.warp_runtime import TensorMismatchError
from topforge_train.geometry.unwrap import split_fans
from topforge_train.rendering.tangents import orientation, tangents


def bumpy_sheet(generator):
    """A jittered 4 x 4 grid of vertices with texture coordinates that are not the grid's."""
    grid = torch.stack(torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="xy"), dim=-1).reshape(-1, 2)
    vertices = torch.cat([grid, torch.rand(16, 1, generator=generator)], dim=1)
    uv = grid / 4 + 0.05 * torch.rand(16, 2, generator=generator)
    uv[:, 1] = 1 - uv[:, 1]
    cells = [(r * 4 + c, r * 4 + c + 1, r * 4 + c + 5, r * 4 + c + 4) for r in range(3) for c in range(3)]
    triangles = torch.tensor([t for a, b, c, d in cells for t in ((a, b, c), (a, c, d))], dtype=torch.int32)
    normals = torch.nn.functional.normalize(
        torch.rand(16, 3, generator=generator) * 0.4 + torch.tensor([0, 0, 1.0]), dim=1
    )
    return vertices, normals, triangles, uv


def naive_tangents(vertices, normals, triangles, uv):
    """One corner at a time, numpy float64."""
    p, n, t = vertices.numpy().astype(float), normals.numpy().astype(float), uv.numpy().astype(float)
    total = np.zeros((len(uv), 3))

    def project(vector, normal):
        flat = vector - normal * vector.dot(normal)
        return flat / np.linalg.norm(flat)

    for triangle in triangles.numpy():
        a, b, c = triangle
        solve = np.linalg.inv(np.array([t[b] - t[a], t[c] - t[a]]))
        along_u = solve[0, 0] * (p[b] - p[a]) + solve[0, 1] * (p[c] - p[a])
        for corner, after, before in ((a, b, c), (b, c, a), (c, a, b)):
            one, two = project(p[after] - p[corner], n[corner]), project(p[before] - p[corner], n[corner])
            total[corner] += math.acos(one.dot(two)) * project(along_u, n[corner])
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def test_against_the_naive_evaluation():
    vertices, normals, triangles, uv = bumpy_sheet(torch.Generator().manual_seed(1))
    ours = tangents(vertices, normals, triangles, uv, triangles).numpy()
    np.testing.assert_allclose(ours, naive_tangents(vertices, normals, triangles, uv), atol=2e-5)


def test_the_twin_has_true_gradients():
    vertices, normals, triangles, uv = bumpy_sheet(torch.Generator().manual_seed(2))
    inputs = (vertices.double().requires_grad_(), normals.double().requires_grad_())
    assert torch.autograd.gradcheck(
        lambda v, n: reference_mesh.tangents(v, n, triangles, uv.double(), triangles), inputs, eps=1e-5, atol=1e-4
    )


def slopes(function, *arguments):
    """Gradients in positions and normals of the sum under weights that go on where the list does."""
    vertices, normals, triangles, uv, uv_triangles = arguments
    vertices, normals = vertices.clone().requires_grad_(), normals.clone().requires_grad_()
    found = function(vertices, normals, triangles, uv, uv_triangles)
    weights = torch.sin(1.7 * torch.arange(found.numel())).reshape(found.shape)
    return [slope.double() for slope in torch.autograd.grad(found, (vertices, normals), weights.to(found))]


@pytest.mark.parametrize("threads", [1, 2])
def test_value_and_slopes_are_the_twins(threads):
    """On a grid large enough to be shared by threads, its texture cut into two charts."""
    generator = torch.Generator().manual_seed(3)
    side = 26
    grid = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="xy"), dim=-1).reshape(-1, 2)
    vertices = torch.cat([grid, torch.rand(side * side, 1, generator=generator)], dim=1) / side
    normals = torch.nn.functional.normalize(
        torch.rand(len(grid), 3, generator=generator) * 0.6 + torch.tensor([-0.3, -0.3, 1.0]), dim=1
    )
    corner = torch.arange(side * side).reshape(side, side)[:-1, :-1].reshape(-1, 1)
    triangles = torch.cat([corner + torch.tensor([0, 1, side + 1]), corner + torch.tensor([0, side + 1, side])]).int()
    uv = torch.cat([grid / side, grid.flip(1) / side]) + 0.01 * torch.rand(2 * len(grid), 2, generator=generator)
    uv_triangles = triangles + (torch.arange(len(triangles)) % 2 * len(grid)).int()[:, None]
    arguments = (vertices, normals, triangles, uv, uv_triangles)
    parallel.set_threads(threads)
    try:
        ours, our_slopes = tangents(*arguments), slopes(tangents, *arguments)
    finally:
        parallel.set_threads(0)
    exact = [tensor.double() if tensor.is_floating_point() else tensor for tensor in arguments]
    assert float((ours - reference_mesh.tangents(*exact)).abs().max()) < 1e-5
    for found, expected in zip(our_slopes, slopes(reference_mesh.tangents, *exact)):
        assert float((found - expected).abs().max()) < 2e-5 * float(expected.abs().max())


def test_what_has_no_direction_is_zero_and_has_no_slope():
    """Padding, a texture triangle without area, a vertex that no triangle names, and one without a normal."""
    vertices, normals, triangles, uv = bumpy_sheet(torch.Generator().manual_seed(4))
    count = len(vertices)
    vertices = torch.cat([vertices, torch.rand(4, 3, generator=torch.Generator().manual_seed(5))])
    normals = torch.cat([normals, torch.tensor([[0.0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 0, 1]])])
    uv = torch.cat([uv, uv.new_full((4, 2), 0.5)])
    padding = torch.zeros(5, 3, dtype=torch.int32)
    flat = torch.tensor([[count, count + 1, count + 2]], dtype=torch.int32)
    padded = torch.cat([triangles, flat, padding])
    arguments = (vertices, normals, padded, uv, padded)
    plain = (vertices[:count], normals[:count], triangles, uv[:count], triangles)
    found = tangents(*arguments)
    assert torch.equal(found[:count], tangents(*plain))
    assert (found[count:] == 0).all()
    for slope, expected in zip(slopes(tangents, *arguments), slopes(tangents, *plain)):
        assert (slope[count:] == 0).all()
        assert torch.equal(slope[:count], expected)


def test_triangle_lists_of_two_lengths_are_refused():
    vertices, normals, triangles, uv = bumpy_sheet(torch.Generator().manual_seed(6))
    with pytest.raises(TensorMismatchError, match="uv_triangles"):
        tangents(vertices, normals, triangles, uv, triangles[1:])


def test_orientation_follows_the_image_and_not_the_mesh():
    """A sheet seen from +z with u to the right: w = +1 when the picture stands upright, -1 when mirrored."""
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32)  # counter-clockwise in x, y
    upright = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])  # v = 0 (top row) at the upper edge
    assert orientation(upright, triangles).tolist() == [1, 1, 1, 1]
    mirrored = upright * torch.tensor([-1.0, 1.0])
    assert orientation(mirrored, triangles).tolist() == [-1, -1, -1, -1]


def test_fans_that_touch_in_a_point_have_tangents_of_their_own():
    """Two triangles meet in one vertex; u runs along x in one, along y in the other. MikkTSpace does not mix them."""
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [-1, 0, 0], [-1, -1, 0]])
    normals = torch.tensor([[0.0, 0, 1]]).expand(5, 3)
    triangles = torch.tensor([[0, 1, 2], [0, 3, 4]], dtype=torch.int32)
    uv = torch.tensor([[0.5, 0.5], [0.9, 0.5], [0.9, 0.1], [0.5, 0.9], [0.1, 0.9]])  # u along x; u along y
    shared = tangents(vertices, normals, triangles, uv, triangles)
    assert abs(float(shared[0, 0]) - 1) > 0.1  # a mean of both
    split_uv, split_triangles = split_fans(uv, triangles)
    own = tangents(vertices, normals, triangles, split_uv, split_triangles)[split_triangles.long()]
    torch.testing.assert_close(own[0], torch.tensor([[1.0, 0, 0]]).expand(3, 3))
    torch.testing.assert_close(own[1], torch.tensor([[0.0, 1, 0]]).expand(3, 3))

"""MikkTSpace tangents against a corner-by-corner evaluation, and their orientation."""

import math

import numpy as np
import torch

from topforge_train.tangents import orientation, tangents
from topforge_train.unwrap import split_fans


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


def test_gradients_against_finite_differences():
    vertices, normals, triangles, uv = bumpy_sheet(torch.Generator().manual_seed(2))
    inputs = (vertices.double().requires_grad_(), normals.double().requires_grad_())
    assert torch.autograd.gradcheck(
        lambda v, n: tangents(v, n, triangles, uv.double(), triangles), inputs, eps=1e-5, atol=1e-4
    )


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

"""Which triangle is seen at a pixel, against trying all of them."""

import numpy as np

from topforge_capture.visibility import visible

SIDE = 24


def by_trying_all(corners):
    """The nearest triangle at each pixel's middle, one pixel after another."""
    found = np.full(SIDE * SIDE, -1)
    for pixel in range(SIDE * SIDE):
        middle = np.array([pixel % SIDE + 0.5, pixel // SIDE + 0.5])
        nearest = -np.inf
        for number, triangle in enumerate(corners):
            system = np.vstack([triangle[:, :2].T, np.ones(3)])
            weights = np.linalg.solve(system, [*middle, 1.0])
            if (weights >= 0).all() and weights @ triangle[:, 2] > nearest:
                nearest, found[pixel] = weights @ triangle[:, 2], number
    return found


def test_triangles_of_all_sizes_in_and_beyond_the_picture():
    random = np.random.default_rng(1)
    middle = random.uniform(-4, SIDE + 4, (60, 1, 3))
    corners = middle + random.normal(size=(60, 3, 3)) * 2.0 ** random.uniform(-2, 5, (60, 1, 1))
    nearest, weights = visible(corners, SIDE)
    assert (nearest == by_trying_all(corners)).all()
    seen = np.flatnonzero(nearest >= 0)
    assert len(seen) > SIDE
    met = np.einsum("nk,nkc->nc", weights[seen], corners[nearest[seen]])
    assert np.allclose(met[:, :2], np.stack([seen % SIDE + 0.5, seen // SIDE + 0.5], axis=1))


def test_what_lies_behind_a_wall_of_small_triangles_does_not_show():
    x, y = np.meshgrid(np.linspace(0, SIDE, 90), np.linspace(0, SIDE, 90))
    points = np.stack([x, y, np.ones_like(x)], axis=-1)
    one = np.stack([points[:-1, :-1], points[1:, :-1], points[:-1, 1:]], axis=2)
    two = np.stack([points[1:, 1:], points[1:, :-1], points[:-1, 1:]], axis=2)
    wall = np.concatenate([one.reshape(-1, 3, 3), two.reshape(-1, 3, 3)])
    behind = np.array([[[-SIDE, -SIDE, 0], [3 * SIDE, -SIDE, 0], [-SIDE, 3 * SIDE, 0]]], dtype=float)
    nearest, _ = visible(np.concatenate([behind, wall]), SIDE)
    assert (nearest > 0).all()


def test_a_triangle_seen_from_its_edge_covers_nothing():
    nearest, _ = visible(np.array([[[1.0, 1.0, 0.0], [9.0, 9.0, 0.0], [5.0, 5.0, 4.0]]]), SIDE)
    assert (nearest < 0).all()

"""Scores of shapes: distances against a naive search, sampling by area, F-scores that can be told in advance."""

import math

import numpy as np
import pytest
import torch

from topforge_train.evaluation.result import ShapeScores, nearest_distance, sample_surface, score_shape


def sphere(rows=24, radius=1.0, centre=(0.0, 0.0, 0.0), upper_only=False):
    """A latitude-longitude sphere, or the half of it with y > 0."""
    columns = 2 * rows
    polar = np.linspace(0, math.pi / (2 if upper_only else 1), rows + 1)
    around = np.arange(columns) * 2 * math.pi / columns
    ring = np.stack([np.cos(around), np.zeros(columns), np.sin(around)], -1)
    up = np.array([0.0, 1.0, 0.0])
    vertices = (np.sin(polar)[:, None, None] * ring + np.cos(polar)[:, None, None] * up).reshape(
        -1, 3
    ) * radius + centre
    triangles = []
    for row in range(rows):
        for column in range(columns):
            a, b = row * columns + column, row * columns + (column + 1) % columns
            triangles += [(a, b, a + columns), (b, b + columns, a + columns)]
    return torch.tensor(vertices, dtype=torch.float32), torch.tensor(triangles, dtype=torch.int32)


def naive_nearest(points, others):
    """One point at a time, float64."""
    return np.array([np.sqrt(((others.astype(float) - p) ** 2).sum(1).min()) for p in points.numpy().astype(float)])


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_nearest_distance_against_the_naive_search(offset):
    """Also far from the origin, where a distance from dot products would be all rounding."""
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(1500, 3, generator=generator) + offset
    others = torch.rand(700, 3, generator=generator) + offset
    expected = naive_nearest(points, others.numpy())
    np.testing.assert_allclose(nearest_distance(points, others), expected, atol=1e-5 if offset else 1e-6)
    assert nearest_distance(points, points).abs().max() == 0.0


def test_samples_lie_on_the_surface_and_follow_its_area():
    """Two triangles in the plane z = 2, one three times as large as the other."""
    vertices = torch.tensor([[0.0, 0, 2], [3, 0, 2], [0, 2, 2], [10, 0, 2], [11, 0, 2], [10, 2, 2]])
    triangles = torch.tensor([[0, 1, 2], [3, 4, 5]])
    points = sample_surface(vertices, triangles, 20000, torch.Generator().manual_seed(2))
    large = points[:, 0] < 5
    assert (points[:, 2] - 2.0).abs().max() < 1e-6
    assert large.float().mean().item() == pytest.approx(0.75, abs=0.01)
    assert points[large].mean(0)[:2].tolist() == pytest.approx([1.0, 2 / 3], abs=0.02)  # its centroid: uniform
    assert (points[large, 0] / 3 + points[large, 1] / 2 <= 1 + 1e-6).all()


def test_a_sphere_against_itself():
    """Two different samplings of one surface: hardly a point without a neighbour within the threshold."""
    scores = score_shape(*sphere(), *sphere(), share=0.02, count=10000)
    assert scores.f_score > 0.999
    assert 0 < scores.chamfer < 0.01


def test_a_sphere_against_a_larger_one():
    """Distances are the difference of the radii everywhere: nothing within 1 %, all within 5 % of the diagonal."""
    ours, truth = sphere(radius=1.1), sphere()
    diagonal = math.sqrt(12.0)
    strict, loose = (score_shape(*ours, *truth, share=share, count=6000) for share in (0.01, 0.05))
    assert (strict.precision, strict.recall, strict.f_score) == (0.0, 0.0, 0.0)
    assert (loose.precision, loose.recall) == (1.0, 1.0)
    assert strict.chamfer == pytest.approx(0.1 / diagonal, rel=0.05)  # and how far apart the points lie


def test_a_shifted_sphere():
    """Shifted by d, a point is |d cos(angle)| off, with cos(angle) uniform: the share within t is t / d."""
    shift, diagonal = 0.2, math.sqrt(12.0)
    scores = score_shape(*sphere(48, centre=(shift, 0, 0)), *sphere(48), share=0.02, count=10000)
    expected = 0.02 * diagonal / shift
    assert scores.precision == pytest.approx(expected, abs=0.03)
    assert scores.recall == pytest.approx(expected, abs=0.03)


def test_half_a_sphere_is_precise_and_incomplete():
    scores = score_shape(*sphere(48, upper_only=True), *sphere(48), share=0.03, count=10000)
    assert scores.precision > 0.999
    assert scores.recall == pytest.approx(0.5 * (1 + 0.03 * math.sqrt(12.0)), abs=0.02)  # and a rim of the threshold
    assert scores.f_score == pytest.approx(2 * scores.recall / (1 + scores.recall), abs=1e-3)


def test_the_harmonic_mean_of_nothing_is_nothing():
    assert ShapeScores(0.0, 0.0, 1.0).f_score == 0.0
    assert ShapeScores(1.0, 0.5, 0.0).f_score == pytest.approx(2 / 3)

"""The number that counts spikes: none on a smooth shape, as many as there are on a spiked one."""

import pytest
import torch

from topforge_train.evaluation.spikes import spike_share
from topforge_train.geometry import FlexiCubes


@pytest.fixture(scope="module")
def ball():
    surface = FlexiCubes(torch.tensor([[-1.0] * 3, [1.0] * 3]), 24)
    surface.initialise(lambda points: points.norm(dim=1) - 0.8)
    mesh = surface.extract(False)
    return mesh.vertices.detach(), mesh.triangles


def test_a_ball_has_none(ball):
    assert spike_share(*ball) == 0


def test_vertices_pulled_out_are_spikes(ball):
    vertices, triangles = ball
    pulled = vertices.clone()
    pulled[::40] *= 1.4
    few, many = vertices.clone(), vertices.clone()
    few[::400] *= 1.4
    many[::20] *= 1.4
    shares = [spike_share(each, triangles) for each in (few, pulled, many)]
    assert 0 < shares[0] < shares[1] < shares[2]
    assert shares[1] > 0.05


def test_size_and_place_do_not_matter(ball):
    vertices, triangles = ball
    pulled = vertices.clone()
    pulled[::40] *= 1.4
    assert spike_share(10 * pulled + 3, triangles) == pytest.approx(spike_share(pulled, triangles), rel=1e-3)

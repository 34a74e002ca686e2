"""A triangle budget keeps the shape, and is kept."""

import pytest
import torch
import trimesh

from topforge_train.geometry.decimate import BudgetError, decimated
from topforge_train.geometry.mesh import Mesh, euler_characteristic, is_watertight, volume


def as_mesh(shape):
    return Mesh(torch.tensor(shape.vertices, dtype=torch.float32), torch.tensor(shape.faces, dtype=torch.int32))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_torus_stays_a_torus_at_any_size(scale):
    torus = trimesh.creation.torus(1.0, 0.3, major_sections=120, minor_sections=40)
    torus.apply_scale(scale)
    torus.apply_translation([5 * scale, 0, 0])
    whole = as_mesh(torus)
    small = decimated(whole, 1000)
    assert 900 < len(small.triangles) <= 1000
    assert is_watertight(small.triangles)
    assert euler_characteristic(small.triangles) == 0
    assert float(volume(small) / volume(whole)) == pytest.approx(1.0, abs=0.02)
    assert torch.unique(small.triangles).numel() == len(small.vertices)


def test_a_mesh_within_the_budget_stays_as_it_is():
    whole = as_mesh(trimesh.creation.icosphere(subdivisions=2))
    assert decimated(whole, 320) is whole


def test_an_impossible_budget_is_refused():
    torus = as_mesh(trimesh.creation.torus(1.0, 0.3, major_sections=24, minor_sections=12))
    with pytest.raises(BudgetError, match='"triangle_budget" 3'):
        decimated(torus, 3)

"""Lists of fixed length: padding changes neither what is drawn nor any gradient, and too short ones are told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

from small_training import SMALL

from topforge_train.__main__ import open_session, parse
from topforge_train.backend import load
from topforge_train.backend.padding import mean
from topforge_train.backend.warp_listing import listed
from topforge_train.backend.warp_noise import choice, normal
from topforge_train.geometry import DMTet, FlexiCubes
from topforge_train.geometry.mesh import vertex_normals
from topforge_train.volume_pass import VolumePass


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_means_leave_padding_out():
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [float("nan"), 9.0]]).requires_grad_()
    found = mean(values, torch.tensor([2], dtype=torch.int32))
    found.backward()
    assert found.item() == 2.5
    assert torch.equal(values.grad, torch.tensor([[0.25, 0.25], [0.25, 0.25], [0.0, 0.0]]))
    assert mean(values, torch.tensor([0])).item() == 0
    assert mean(values[:2], None).item() == 2.5


@pytest.mark.parametrize("capacity", [300, 350, 40])
def test_lists_of_fixed_length(capacity):
    flags = random(1000) < 0.3
    wanted = torch.nonzero(flags)[:, 0]
    found, count = listed(flags.int() * 7, capacity)
    assert int(count) == len(wanted)
    kept = min(capacity, len(wanted))
    assert torch.equal(found[:kept], wanted[:kept])
    assert (found[kept:] == 1000).all()
    assert torch.equal(listed(flags)[0], wanted)


def test_noise_follows_from_its_seed_alone():
    seed = torch.tensor([5], dtype=torch.int32)
    long, short = normal(seed, 1, 4000, 3), normal(seed, 1, 10, 3)
    assert torch.equal(long[:10], short)
    assert abs(long.mean()) < 0.03
    assert abs(long.std() - 1) < 0.02
    assert not torch.equal(short, normal(seed, 2, 10, 3))
    assert not torch.equal(short, normal(seed + 1, 1, 10, 3))
    chosen = choice(seed, 0, 9000, 1000, torch.tensor([30], dtype=torch.int32))
    assert torch.bincount(chosen, minlength=30).min() > 200
    assert chosen.max() == 29
    assert (choice(seed, 0, 50, 1000, torch.tensor([0], dtype=torch.int32)) == 0).all()


def lumpy(kind):
    surface = kind(torch.tensor([[-1.0] * 3, [1.0] * 3]), 16)
    surface.initialise(lambda x: x.norm(dim=1) - 0.6 + 0.1 * torch.sin(7 * x[:, 0]) * torch.cos(5 * x[:, 1]))
    with torch.no_grad():
        for seed, (name, parameter) in enumerate(surface.named_parameters()):
            parameter += (0.02 if name == "sdf" else 0.5) * (random(*parameter.shape, seed=seed) - 0.5)
    return surface


def corners(mesh):
    """Positions and normals of the corners of triangles with extent, in order."""
    extended = (mesh.triangles[:, 0] != mesh.triangles[:, 1]) & (mesh.triangles[:, 0] != mesh.triangles[:, 2])
    flat = mesh.triangles[extended].reshape(-1).long()
    return torch.cat([mesh.vertices[flat], vertex_normals(mesh)[flat]], dim=1).reshape(-1, 18)


def quantities(surface, mesh):
    """All that training takes from a mesh, as one scalar that depends on each part and not on the triangles' order."""
    rows = corners(mesh)
    weights = torch.cos(torch.arange(18.0))
    areas = torch.linalg.cross(rows[:, 6:9] - rows[:, 0:3], rows[:, 12:15] - rows[:, 0:3])
    return (rows.square() @ weights).sum() + mesh.mean(areas) + sum(surface.regulariser(mesh).values())


@pytest.mark.parametrize("kind", [FlexiCubes, DMTet])
def test_a_padded_surface_is_the_same_surface(kind):
    surface = lumpy(kind)
    exact = surface.extract(training=True)
    padded = surface.extract(training=True, room={name: length + 37 for name, length in exact.lengths.items()})
    assert {name: int(length) for name, length in padded.lengths.items()} == exact.lengths
    assert len(padded.triangles) > len(exact.triangles) == int(padded.triangle_count)
    here, there = (corners(mesh).detach() for mesh in (exact, padded))
    here, there = (rows[torch.argsort(rows[:, 0] + 3 * rows[:, 6] + 7 * rows[:, 13])] for rows in (here, there))
    assert torch.allclose(here, there, atol=1e-5)
    slopes = []
    for mesh in (exact, padded):
        total = quantities(surface, mesh)
        slopes.append([total.detach()[None], *torch.autograd.grad(total, list(surface.parameters()))])
    for one, other in zip(*slopes):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5 * float(one.abs().max()))


@pytest.mark.parametrize("kind", [FlexiCubes, DMTet])
def test_a_surface_without_enough_room_says_so(kind):
    surface = lumpy(kind)
    exact = surface.extract(training=True)
    for name in exact.lengths:
        room = {other: length + (-20 if other == name else 10) for other, length in exact.lengths.items()}
        short = surface.extract(training=True, room=room)
        assert {name: int(length) for name, length in short.lengths.items()} == exact.lengths
        assert int(short.triangles.max()) < len(short.vertices)
        assert torch.isfinite(quantities(surface, short))


@pytest.mark.parametrize("kind", [FlexiCubes, DMTet])
def test_an_empty_surface_has_no_length(kind):
    surface = kind(torch.tensor([[-1.0] * 3, [1.0] * 3]), 8)
    room = {"edges": 8, "cubes": 8, "duals": 8, "tets": 8}
    mesh = surface.extract(training=True, room=room)
    assert not any(int(length) for length in mesh.lengths.values())
    total = mesh.vertices.sum() + sum(surface.regulariser(mesh).values())
    assert torch.isfinite(total)
    for slope in torch.autograd.grad(total, list(surface.parameters()), allow_unused=True):
        assert slope is None or torch.isfinite(slope).all()


def test_fragments_end_in_padding():
    backend = load()
    clip = torch.cat([random(2, 30, 3) * 2 - 1, torch.ones(2, 30, 1)], dim=-1).requires_grad_()
    triangles = torch.arange(30, dtype=torch.int32).reshape(10, 3)
    attributes = random(30, 4, seed=1).requires_grad_()

    def image(capacity):
        fragments = backend.rasterize(clip, triangles, (24, 32), capacity)
        values = backend.interpolate(attributes, triangles, fragments)
        drawn = fragments.scatter(values, torch.full((1, 1, 1, 4), 0.3))
        total = (backend.antialias(drawn, clip, triangles, fragments) ** 2).sum() + fragments.mean(values.square())
        return fragments, [drawn.detach(), total.detach(), *torch.autograd.grad(total, [clip, attributes])]

    exact, wanted = image(None)
    count = len(exact.pixel)
    for capacity in (count, count + 100):
        fragments, found = image(capacity)
        assert int(fragments.length) == count
        assert len(fragments.pixel) == capacity
        assert torch.equal(fragments.view[:count], exact.view)
        assert int(fragments.view.max()) == 1
        for one, other in zip(wanted, found):
            assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
    fragments, _ = image(count - 5)
    assert int(fragments.length) == count
    assert torch.equal(fragments.pixel, exact.pixel[:-5])


OPTIONS = {**SMALL, "iter": 6, "batch": 2}


@pytest.mark.parametrize("isosurface", ["flexicubes", "dmtet"])
def test_an_iteration_with_room_is_the_iteration(tmp_path, tiny_capture, isosurface):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**OPTIONS, "isosurface": isosurface}))
    names = {"config": config, "dataset": tiny_capture, "output": tmp_path, "checkpoints": tmp_path}
    words = [word for key, value in names.items() for word in ("--" + key, str(value))]
    volume = VolumePass(open_session(parse([*words, "--previews", str(tmp_path)])))
    drawn = volume.draw(0, 0.0)  # the terms of random points have no weight yet
    exact = volume.losses(drawn)
    padded = volume.losses(drawn, {name: int(length) + 50 for name, length in exact.lengths.items()})
    assert {name: int(length) for name, length in padded.lengths.items()} == exact.lengths
    for name, term in exact.terms().items():
        assert torch.allclose(term, padded.terms()[name], rtol=1e-5), name
    slopes = [torch.autograd.grad(losses.total(), volume.parameters()) for losses in (exact, padded)]
    for one, other in zip(*slopes):
        assert float((one - other).norm()) <= 1e-4 * float(one.norm())

"""Iterations as CUDA graphs: nothing waits, the numbers are those of kernels launched one by one, room grows."""

from __future__ import annotations

import json

import pytest
import torch

from topforge_train.__main__ import open_session, parse, run_volume_pass
from topforge_train.surface_pass import SurfacePass
from topforge_train.training import room
from topforge_train.training.cuda_graph import Captured, CaptureError
from topforge_train.training.step import Step
from topforge_train.volume_pass import VolumePass

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def training(borrowed):
    return borrowed("trainer/test_training.py")


@pytest.fixture
def make(training, tmp_path, tiny_capture):
    """Makes a pass: number 0 or 1 with options; pass 2 begins with the same shape every time."""

    def session(**options):
        config = tmp_path / "config.json"
        config.write_text(json.dumps({**training.OPTIONS, "device": "cuda", **options}))
        names = {"config": config, "dataset": tiny_capture, "output": tmp_path, "checkpoints": tmp_path}
        words = [word for key, value in names.items() for word in ("--" + key, str(value))]
        return open_session(parse([*words, "--previews", str(tmp_path)]))

    starts = []

    def made(number, **options):
        if number == 0:
            return VolumePass(session(**options))
        if not starts:
            starts.append(run_volume_pass(session(save_interval=0), None))
        return SurfacePass(session(**options), starts[0])

    return made


KINDS = [(0, "flexicubes"), (0, "dmtet"), (1, "flexicubes")]


@pytest.mark.parametrize(("number", "isosurface"), KINDS)
def test_nothing_waits(make, number, isosurface):
    each = make(number, isosurface=isosurface)
    drawn = each.draw(0, 0.0).to(each.session.device)
    exact = each.losses(drawn)
    exact.total().backward()
    room = {name: int(length) + 100 for name, length in exact.lengths.items()}
    rejected = torch.zeros((), device=each.session.device)
    each.apply(drawn, rejected)
    torch.cuda.set_sync_debug_mode("error")
    try:
        each.losses(drawn, room).total().backward()
        each.apply(drawn, rejected)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def train(each, count, captures, progress=0.0):
    """The image term of each iteration, the numbers of the iterations as they ran, and what ran them."""
    stepper, step, images, ran = Step(each, each.session.device, captures), 0, {}, []
    while step < count:
        ran.append(step)
        stepper.run(step, each.draw(step, progress))
        step = stepper.settle(step + 1, wait=True)
        if stepper.latest and not stepper.latest.rejected:
            images[stepper.latest.step] = stepper.latest.terms["image"]
    assert isinstance(stepper._halves, Captured) == captures
    return torch.tensor([images[step] for step in range(count)]), ran, stepper


@pytest.mark.parametrize(("number", "isosurface"), KINDS)
def test_graphs_learn_what_launches_learn(make, number, isosurface):
    """Their lists are longer, so that sums round otherwise, and pass 1 takes other random points for smoothness."""
    found = [train(make(number, isosurface=isosurface), 50, captures)[0] for captures in (False, True)]
    assert found[0][-10:].mean() < 0.9 * found[0][:10].mean() or number == 1
    torch.testing.assert_close(found[1][:10], found[0][:10], rtol=5e-2, atol=1e-3)
    torch.testing.assert_close(found[1][-10:].mean(), found[0][-10:].mean(), rtol=0.1, atol=1e-3)


@pytest.mark.parametrize(("number", "isosurface"), KINDS)
def test_gradients_of_a_graph_are_those_of_launches(make, number, isosurface):
    each = make(number, isosurface=isosurface)
    _, _, stepper = train(each, 6, True)
    drawn = each.draw(9, 0.0)
    stepper._halves.gradients(drawn)
    torch.cuda.synchronize()
    replayed = [parameter.grad.clone() for parameter in each.parameters()]
    report = stepper._gradients(drawn.to(each.session.device))
    assert torch.isfinite(report.numbers).all()
    for index, (one, other) in enumerate(zip(replayed, (parameter.grad for parameter in each.parameters()))):
        assert float(other.norm()) > 0, index
        assert float((one - other).norm() / other.norm()) < 1e-4, index  # sums on a GPU are in any order


def test_room_grows(make, monkeypatch):
    """Lists without slack: sooner or later one of them is too short."""
    plenty = train(make(0, batch=2), 40, True)[0]
    monkeypatch.setattr(room, "SLACK", 1.0)
    monkeypatch.setattr(room, "GRANULE", 1)
    found, ran, stepper = train(make(0, batch=2), 40, True)
    assert len(ran) > 40
    assert set(ran) == set(range(40))
    assert max(stepper.latest.lengths.values()) > 100
    torch.testing.assert_close(found[:10], plenty[:10], rtol=5e-2, atol=1e-3)


def test_what_cannot_be_captured_is_an_error_with_its_reason(make, monkeypatch):
    each = make(0)
    losses = each.losses

    def waiting(drawn, room):
        found = losses(drawn, room)
        found.image.item()
        return found

    monkeypatch.setattr(each, "losses", waiting)
    with pytest.raises(CaptureError, match="gradients of an iteration could not be captured"):
        train(each, 10, True)

"""Iterations: what goes wrong is named and not applied, and is found out when it was waited for."""

from __future__ import annotations

import typing

import pytest
import torch

from topforge_train.backend import load
from topforge_train.backend.padding import EXACT
from topforge_train.training.cuda_graph import Inputs, NoCaptureError, is_used
from topforge_train.training.draw import Drawn
from topforge_train.training.failures import DivergedError, NothingVisibleError
from topforge_train.training.optimiser import Adam
from topforge_train.training.step import Losses, Step

CPU = torch.device("cpu")


class Parabola:
    """A pass that looks for the lowest point of a parabola; its views say what goes wrong."""

    number, iterations = 1, 100

    def __init__(self):
        self.x = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
        self.optimiser = Adam([{"params": [self.x], "lr": 0.1}], CPU)
        self.pixels = 7

    def draw(self, step, progress):
        numbers = {"rate": torch.tensor(1.0), "scale": torch.tensor(1.0)}
        return Drawn(0, torch.tensor([step]), torch.zeros(1, 1, 1, 3), torch.zeros(1, dtype=torch.int32), numbers)

    def losses(self, drawn, room=EXACT):
        image = drawn.numbers["scale"] * self.x.square().sum()
        return Losses(image, {"normals": 0.0 * self.x.sum()}, {"pixels": self.pixels})

    def parameters(self):
        return self.optimiser.parameters()

    def apply(self, drawn, rejected):
        self.optimiser.step(drawn.numbers["rate"], rejected)


def spoilt(drawn, **numbers):
    return Drawn(drawn.level, drawn.views, drawn.background, drawn.seed, {**drawn.numbers, **numbers})


def test_iterations_improve():
    training = Parabola()
    iterations, step = Step(training, CPU), 0
    while step < 200:
        iterations.run(step, training.draw(step, 0.0))
        step = iterations.settle(step + 1, wait=True)
        assert iterations.latest.step == step - 1
    assert training.x.abs().max() < 0.05
    assert iterations.latest.lengths == {"pixels": 7}
    assert set(iterations.latest.terms) == {"image", "normals", "gradient"}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_named_and_not_applied(bad):
    training = Parabola()
    iterations, before = Step(training, CPU), training.x.detach().clone()
    iterations.run(7, spoilt(training.draw(7, 0.0), scale=torch.tensor(bad)))
    with pytest.raises(DivergedError, match=r"pass 2 at iteration 7 \(image=(nan|inf), normals=0, gradient=(nan|inf)"):
        iterations.settle(8, wait=False)
    assert torch.equal(training.x, before)
    assert not training.optimiser.state_dict()["state"][0]["exp_avg"].any()


def test_a_gradient_that_is_no_number_is_not_applied_either():
    training = Parabola()
    iterations = Step(training, CPU)
    training.losses = lambda drawn, room: Losses((training.x - training.x).norm().sqrt(), {})
    iterations.run(0, training.draw(0, 0.0))
    with pytest.raises(DivergedError, match="image=0, gradient=nan"):
        iterations.settle(1, wait=True)
    assert torch.equal(training.x.detach(), torch.tensor([3.0, -2.0]))


def test_a_shape_nobody_sees_is_an_error():
    training = Parabola()
    training.pixels = 0
    iterations = Step(training, CPU)
    iterations.run(3, training.draw(3, 0.0))
    with pytest.raises(NothingVisibleError, match="In pass 2 at iteration 3"):
        iterations.settle(4, wait=True)


def test_rates_rise_and_fall_with_the_factor():
    moved = []
    for factor in (1.0, 0.5):
        training = Parabola()
        training.x.grad = torch.ones(2)
        training.optimiser.step(torch.tensor(factor), torch.zeros(()))
        moved.append(3.0 - training.x[0].item())
    assert moved[0] == pytest.approx(0.1, rel=1e-4)
    assert moved[1] == pytest.approx(0.05, rel=1e-4)


def test_an_optimiser_goes_on_where_another_was():
    one, other = Parabola(), Parabola()
    for training in (one, other):
        for _ in range(3):
            training.x.grad = training.x.detach().clone()
            training.optimiser.step(torch.tensor(1.0), torch.zeros(()))
    fresh = Parabola()
    fresh.x.data.copy_(one.x.data)
    fresh.optimiser.load_state_dict(one.optimiser.state_dict())
    for training in (fresh, other):
        training.x.grad = training.x.detach().clone()
        training.optimiser.step(torch.tensor(0.3), torch.zeros(()))
    assert torch.equal(fresh.x, other.x)


class Replayed:
    """Stands for CUDA graphs: it remembers the room it was made for, as a graph would."""

    made: typing.ClassVar = []

    def __init__(self, gradients, apply, drawn, stream):
        self.both, self.drawn = (gradients, apply), drawn
        Replayed.made.append(drawn.shape)

    def gradients(self, drawn):
        self.drawn = drawn
        return self.both[0](drawn)

    def apply(self):
        self.both[1](self.drawn)


class Growing(Parabola):
    """Its list grows in leaps; what does not fit would spoil the parameter."""

    def __init__(self):
        super().__init__()
        self.rooms = []

    def losses(self, drawn, room=EXACT):
        length = 100 if int(drawn.views) < 6 else 1000
        self.rooms.append(room.get("pixels"))
        image = self.x.square().sum()
        if length > room.get("pixels", length):
            image = -image
        return Losses(image, {}, {"pixels": torch.tensor([length], dtype=torch.int32)})


def test_a_list_that_is_too_short_is_found_out_and_its_iteration_repeated(monkeypatch):
    monkeypatch.setattr("topforge_train.training.step.Captured", Replayed)
    Replayed.made = []
    results = []
    for captures in (False, True):
        training, numbers = Growing(), []
        iterations, step = Step(training, CPU, captures), 0
        while step < 12:
            numbers.append(step)
            iterations.run(step, training.draw(step, 0.0))
            step = iterations.settle(step + 1, wait=True)
        results.append(training.x.detach())
        assert numbers == ([*range(12)] if not captures else [*range(7), *range(6, 12)])
    assert torch.equal(*results)
    assert training.rooms[:4] == [None, 256, 256, 256]
    assert training.rooms[6:9] == [256, 1280, 1280]
    assert Replayed.made == [(0, 1)] * 2  # after the rehearsal, and with more room


class Hidden(Parabola):
    """One of its lists, a layer behind the first, stays empty for a while."""

    def losses(self, drawn, room=EXACT):
        self.room = room
        lengths = {"pixels": torch.tensor([100]), "pixels, layer 1": torch.tensor([0 if int(drawn.views) < 6 else 40])}
        return Losses(self.x.square().sum(), {}, lengths)


def test_an_empty_list_has_room_too(monkeypatch):
    monkeypatch.setattr("topforge_train.training.step.Captured", Replayed)
    training, step = Hidden(), 0
    iterations = Step(training, CPU, captures=True)
    while step < 9:
        iterations.run(step, training.draw(step, 0.0))
        following = iterations.settle(step + 1, wait=True)
        assert following == step + 1
        step = following
    assert training.room == {"pixels": 256, "pixels, layer 1": 256}


def test_what_went_wrong_holds_back_all_that_follows():
    training = Parabola()
    iterations, before = Step(training, CPU), training.x.detach().clone()
    iterations.run(0, spoilt(training.draw(0, 0.0), scale=torch.tensor(float("nan"))))
    iterations.run(1, training.draw(1, 0.0))
    assert torch.equal(training.x, before)
    with pytest.raises(DivergedError, match="iteration 0"):
        iterations.settle(2, wait=True)


def test_inputs_are_one_block_that_keeps_its_place():
    training = Parabola()
    inputs = Inputs(training.draw(3, 0.0), CPU)
    places = [tensor.data_ptr() for tensor in inputs.drawn.tensors()]
    for step in range(4, 9):
        drawn = spoilt(training.draw(step, 0.0), scale=torch.tensor(0.5 * step))
        inputs.fill(drawn)
        assert [tensor.data_ptr() for tensor in inputs.drawn.tensors()] == places
        for one, other in zip(inputs.drawn.tensors(), drawn.tensors()):
            assert torch.equal(one, other)
            assert one.dtype == other.dtype
    assert inputs.drawn.numbers.keys() == drawn.numbers.keys()


@pytest.mark.parametrize("capture", ["auto", "off"])
def test_nothing_is_captured_on_a_cpu(capture):
    assert not is_used(capture, load())


def test_graphs_are_refused_where_there_are_none():
    with pytest.raises(NoCaptureError, match='backend "warp" on the device "cpu"'):
        is_used("on", load())

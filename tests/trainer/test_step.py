"""Iterations: what goes wrong is named and not applied, and is found out when it was waited for."""

from __future__ import annotations

import pytest
import torch

from topforge_train.optimiser import Adam
from topforge_train.padding import EXACT
from topforge_train.step import DivergedError, Drawn, Losses, NothingVisibleError, Step

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

"""Schedules: every view once before any again, nothing remembered, rates as documented."""

import math
import types

import pytest
import torch

from topforge_train.training.draw import choose_views
from topforge_train.training.schedule import ramp, rate_factor
from topforge_train.training.session import Session


def session(views, seed=0):
    """As much of a session as a schedule looks at, with the real generator."""
    made = types.SimpleNamespace(training=range(views), options=types.SimpleNamespace(seed=seed))
    made.generator = types.MethodType(Session.generator, made)
    return made


def drawn(made, steps, count, training_pass=0):
    return [choose_views(made, training_pass, step, count).tolist() for step in range(steps)]


@pytest.mark.parametrize(("views", "count"), [(12, 1), (12, 4), (10, 3), (7, 2), (5, 8), (1, 2)])
def test_every_view_once_before_any_comes_again(views, count):
    """Also where a batch straddles two epochs, or is larger than one."""
    steps = views * 3
    order = [view for batch in drawn(session(views), steps, count) for view in batch]
    assert len(order) == steps * count
    for start in range(0, len(order) - views + 1, views):
        assert sorted(order[start : start + views]) == list(range(views))


def test_the_order_differs_between_epochs_passes_and_seeds():
    one, two = drawn(session(20), 20, 1), drawn(session(20), 40, 1)[20:]
    assert one != two
    assert one != drawn(session(20), 20, 1, training_pass=1)
    assert one != drawn(session(20, seed=1), 20, 1)


def test_a_resumed_run_draws_what_the_uninterrupted_one_would():
    """Nothing is remembered: any step alone gives the same views and the same random numbers."""
    whole = drawn(session(9), 12, 4)
    for step in (11, 3, 7):
        assert choose_views(session(9), 0, step, 4).tolist() == whole[step]
    a, b = (torch.rand(3, generator=session(9).generator(1, 40)) for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, torch.rand(3, generator=session(9).generator(1, 41)))
    assert not torch.equal(a, torch.rand(3, generator=session(9).generator(0, 40)))


def test_the_cosine_falls_to_one_per_cent_whatever_the_length():
    assert rate_factor("cosine", 0, 0.0, 0) == pytest.approx(1.0)
    assert rate_factor("cosine", 10, 0.5, 0) == pytest.approx(0.505)
    assert rate_factor("cosine", 99, 1.0, 0) == pytest.approx(0.01)
    assert rate_factor("cosine", 99, 1.7, 0) == pytest.approx(0.01)  # the last step of a time budget
    factors = [rate_factor("cosine", step, step / 50, 0) for step in range(50)]
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize("warmup", [0, 100])
def test_nvdiffrec_decays_by_iterations_alone(warmup):
    """10^(-0.0002 it): a tenth after 5000, whatever the pass's length; linear before the warm-up ends."""
    assert rate_factor("nvdiffrec", warmup, 0.1, warmup) == pytest.approx(1.0)
    assert rate_factor("nvdiffrec", warmup + 5000, 0.9, warmup) == pytest.approx(0.1)
    assert rate_factor("nvdiffrec", warmup + 1000, 0.2, warmup) == pytest.approx(math.exp(math.log(10) * -0.2))


@pytest.mark.parametrize("schedule", ["cosine", "nvdiffrec"])
def test_the_warm_up_rises_from_more_than_nothing(schedule):
    """A first step of zero would be a wasted iteration."""
    rises = [rate_factor(schedule, step, 0.0, 20) for step in range(20)]
    assert rises == pytest.approx([(step + 1) / 20 for step in range(20)])


def test_ramps():
    assert [ramp(0.03, 500, step) for step in (0, 250, 500, 9000)] == pytest.approx([0.0, 0.015, 0.03, 0.03])
    assert ramp(0.03, 0, 0) == 0.0  # no ramp asked for, and nothing divided by zero
    assert ramp(0.03, 0, 1) == 0.03

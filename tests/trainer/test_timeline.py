"""How far a pass is: iterations, time, and an extension without a jump."""

import pytest

from topforge_train.training.schedule import rate_factor
from topforge_train.training.timeline import Timeline, of_pass


def test_without_a_budget_iterations_alone_count():
    plan = of_pass(1, 2, 200, 0.0, 1000.0)
    assert plan.progress(50, 1e9) == 0.25
    assert not plan.is_over(199, 1e9)
    assert plan.is_over(200, 0.0)


def test_setting_up_is_paid_by_the_first_pass_and_unwrapping_by_the_second():
    """100 s: training is over after 90, the first pass after 45; it began at 15, the second at 55."""
    first, second = of_pass(0, 2, 10**6, 100.0, 15.0), of_pass(1, 2, 10**6, 100.0, 55.0)
    assert first.progress(0, 30.0) == pytest.approx(0.5)
    assert second.progress(0, 72.5) == pytest.approx(0.5)
    assert (first.is_over(1, 44.9), first.is_over(1, 45.0)) == (False, True)
    assert (second.is_over(1, 89.9), second.is_over(1, 90.0)) == (False, True)


def test_whichever_is_further_counts():
    plan = of_pass(0, 2, 100, 100.0, 0.0)
    assert plan.progress(80, 9.0) == pytest.approx(0.8)
    assert plan.progress(20, 27.0) == pytest.approx(0.6)


def test_a_pass_that_begins_too_late_is_over_at_once():
    assert of_pass(0, 2, 100, 10.0, 7.0).is_over(0, 7.0)


@pytest.mark.parametrize("done", [40, 90, 100])
def test_an_extension_begins_where_the_old_plan_was_and_joins_the_new_one(done):
    old, new = Timeline(100), Timeline(200)
    plan = new.extended(done, 0.0, old.progress(done, 0.0))
    assert plan.progress(done, 0.0) == pytest.approx(old.progress(done, 0.0))
    joined = done + (200 - done) // 10 + 1
    assert plan.progress(joined, 0.0) == pytest.approx(new.progress(joined, 0.0))
    assert plan.progress(200, 0.0) == 1.0


def test_the_rate_of_an_extension_does_not_jump():
    plan = Timeline(2000).extended(1000, 0.0, 1.0)
    rates = [rate_factor("cosine", step, plan.progress(step, 0.0), 0) for step in range(1000, 2001)]
    assert rates[0] == pytest.approx(0.01)
    assert max(abs(b - a) for a, b in zip(rates, rates[1:])) < 0.011
    assert rates[100] == pytest.approx(rate_factor("cosine", 1100, 0.55, 0))


def test_an_extension_survives_a_checkpoint():
    plan = Timeline(200, 3.0, 90.0).extended(50, 4.0, 0.5)
    assert Timeline(200, 77.0, 90.0).resumed(plan.saved()) == plan

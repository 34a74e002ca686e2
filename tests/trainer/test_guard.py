"""What is no number: left out, undone, given up; and batches that do not fit into memory."""

import dataclasses
import weakref
from types import SimpleNamespace

import pytest
import torch

from topforge_train.backend.padding import EXACT
from topforge_train.training import guard as guards
from topforge_train.training import loop
from topforge_train.training.checkpoint import Checkpoint
from topforge_train.training.draw import Drawn
from topforge_train.training.failures import DivergedError
from topforge_train.training.guard import CAUTIOUS, KEPT_EVERY, LEFT_OUT, RETURNS, Guard
from topforge_train.training.optimiser import Adam
from topforge_train.training.step import Losses, Step

CPU = torch.device("cpu")
NAN = float("nan")


class Parabola:
    """A pass that looks for the lowest point of a parabola around what its views name; `broken` ones meet NaN."""

    number, iterations = 0, 500

    def __init__(self, broken=()):
        self.x = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
        self.optimiser = Adam([{"params": [self.x], "lr": 0.01}], CPU)
        self.broken, self.drawn, self.most = set(broken), [], 100
        self.sizes = []

    def draw(self, step, progress):
        self.drawn.append(step)
        scale = NAN if step in self.broken else 1.0
        numbers = {"rate": torch.tensor(1.0), "scale": torch.tensor(scale)}
        views = torch.arange(6) + step
        return Drawn(0, views, torch.zeros(6, 1, 1, 3), torch.zeros(1, dtype=torch.int32), numbers)

    def losses(self, drawn, room=EXACT):
        self.sizes.append(len(drawn.views))
        if len(drawn.views) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.77 GiB.")
        goal = drawn.views.float().cos()
        image = drawn.numbers["scale"] * (self.x[None] - goal[:, None]).square().sum(1).mean()
        return Losses(image, {}, {"pixels": 7 + len(drawn.views)})

    def parameters(self):
        return self.optimiser.parameters()

    def apply(self, drawn, rejected):
        self.optimiser.step(drawn.numbers["rate"], rejected)

    def state(self):
        return {"x": self.x.detach(), "optimiser": self.optimiser.state_dict(), "start": {"big": torch.zeros(3)}}


class Session(SimpleNamespace):
    """As much of one as a guard and iterations need."""

    def __init__(self):
        told = []
        super().__init__(setbacks=[], told=told, reporter=SimpleNamespace(message=told.append), order=lambda n: n)


def train(training, session, last):
    """The part of `loop.train` that deals with iterations."""
    guard, iterations, step = Guard(session, training, 0), Step(training, CPU), 0
    while step < last:
        following = step + 1
        iterations.run(step, guard.tempered(training.draw(step, 0.0), step))
        step = loop.settled(iterations, guard, following, wait=True)
        if step == following and step % KEPT_EVERY == 0:
            guard.keep(step)
    return guard


def test_one_bad_iteration_is_left_out_and_nothing_else_changes():
    """Iteration 7 meets NaN: the state is that of a run which never drew it."""
    session, training, other = Session(), Parabola({7}), Parabola()
    train(training, session, 20)
    for step in (step for step in range(20) if step != 7):
        Step(other, CPU).run(step, other.draw(step, 0.0))
    assert torch.equal(training.x, other.x)
    assert training.optimiser.state_dict()["state"][0]["step"] == 19
    assert session.setbacks == ["Pass 1: iteration 7 was left out, it met values that are no numbers"]


def test_a_spoilt_state_is_undone_with_lower_rates(monkeypatch):
    """From 130 on nothing is a number until we went back; what was kept at 100 comes back to the bit."""
    session, training = Session(), Parabola(range(130, 200))
    kept = {}

    def keep(self, step, original=Guard.keep):
        original(self, step)
        if step == 100:
            kept["x"] = training.x.detach().clone()

    def returned(self, original=Guard._restore):
        original(self)
        training.broken.clear()
        kept["again"] = training.x.detach().clone()

    monkeypatch.setattr(Guard, "keep", keep)
    monkeypatch.setattr(Guard, "_restore", returned)
    train(training, session, 400)
    assert torch.equal(kept["x"], kept["again"])
    first = training.drawn.index(133)
    assert training.drawn[first : first + 2] == [133, 100]
    assert len(session.setbacks) == LEFT_OUT + 1
    assert "after iteration 133 back to the state of iteration 100, step sizes times 0.5 up to" in session.setbacks[-1]
    assert training.drawn[-1] == 399


def test_rates_are_lower_only_for_a_while():
    session, training = Session(), Parabola()
    guard = Guard(session, training, 0, {"returns": 2, "cautious_until": 250})
    assert guard.tempered(training.draw(249, 0.0), 249).numbers["rate"] == 0.25
    assert guard.tempered(training.draw(250, 0.0), 250).numbers["rate"] == 1.0
    assert guard.saved() == {"returns": 2, "cautious_until": 250}


def test_it_gives_up_with_the_terms_after_some_returns():
    session, training = Session(), Parabola(range(130, 10**6))
    with pytest.raises(DivergedError, match=r"Training diverged in pass 1 at iteration 130 \(image=nan, gradient=nan"):
        train(training, session, 400)
    assert len([sentence for sentence in session.setbacks if "back to" in sentence]) == RETURNS
    assert torch.isfinite(training.x).all()
    assert CAUTIOUS > KEPT_EVERY  # else a pass would return for ever at full rates


def test_a_pass_that_never_had_a_number_gives_up_at_once():
    """Going back to where it is already would change nothing."""
    session, training = Session(), Parabola(range(10**6))
    with pytest.raises(DivergedError, match="at iteration 0 "):
        train(training, session, 400)
    assert training.drawn == [0, 1, 2, 3]


def test_bad_iterations_apart_from_each_other_never_undo_anything():
    session, training = Session(), Parabola(range(5, 200, 2))
    train(training, session, 200)
    assert not [sentence for sentence in session.setbacks if "back to" in sentence]


def test_going_back_before_the_first_copy_means_the_beginning():
    """Adam's moments were zeros then, and are so again."""
    session, training = Session(), Parabola(range(10, 14))
    begun = training.x.detach().clone()
    guard, iterations = Guard(session, training, 0), Step(training, CPU)
    for step in range(14):
        iterations.run(step, training.draw(step, 0.0))
        loop.settled(iterations, guard, step + 1, wait=True)
    assert torch.equal(training.x.detach(), begun)
    moments = training.optimiser.state_dict()["state"][0]
    assert not any(tensor.any() for tensor in moments.values())


def gradient_of(training, parts_of, step=3):
    training.most = parts_of
    said = []
    iterations = Step(training, CPU, lowered=said.append)
    iterations.run(step, training.draw(step, 0.0))
    iterations.settle(step + 1, wait=True)
    return training.x.grad.clone(), iterations, said


@pytest.mark.parametrize(("most", "parts"), [(6, 1), (5, 2), (3, 2), (2, 3), (1, 6)])
def test_a_batch_that_does_not_fit_is_computed_in_parts_with_the_same_gradient(most, parts):
    whole, once, silence = gradient_of(Parabola(), 6)
    assert silence == []
    found, iterations, said = gradient_of(Parabola(), most)
    assert torch.allclose(found, whole, rtol=1e-6)
    assert iterations.parts == parts
    assert iterations.latest.terms["image"] == pytest.approx(once.latest.terms["image"], rel=1e-6)
    if parts > 1:
        assert said[-1] == "batch: computed in %d parts to fit into memory; the result is the same" % parts


def test_the_parts_are_kept_for_the_iterations_that_follow():
    training = Parabola()
    training.most = 2
    iterations = Step(training, CPU)
    for step in range(3):
        iterations.run(step, training.draw(step, 0.0))
    assert training.sizes == [6, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("entangled", [False, True])
def test_nothing_of_an_attempt_that_did_not_fit_is_held_while_it_is_repeated(entangled):
    """Else the repetition has even less memory. Errors that hold each other, and their frames, are no exception."""
    training, made, held = Parabola(), [], []
    training.most, usual = 2, training.losses

    def losses(drawn, room):
        held.append([tensor() is not None for tensor in made])
        large, errors = torch.zeros(1000), []
        made.append(weakref.ref(large))
        try:
            return usual(drawn, room)
        except torch.OutOfMemoryError as error:
            errors.extend([error] if entangled else [])  # this frame then holds the error, which holds this frame
            raise

    training.losses = losses
    Step(training, CPU).run(0, training.draw(0, 0.0))
    assert held[:3] == [[], [False], [False, False]]


def test_a_single_view_that_does_not_fit_is_an_error():
    training = Parabola()
    training.most = 0
    with pytest.raises(torch.OutOfMemoryError):
        Step(training, CPU).run(0, training.draw(0, 0.0))


def test_other_errors_pass():
    training = Parabola()
    training.losses = lambda drawn, room: (_ for _ in ()).throw(RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        Step(training, CPU).run(0, training.draw(0, 0.0))


def test_nan_in_one_part_rejects_the_whole():
    training = Parabola()
    training.most = 3
    usual = training.losses

    def losses(drawn, room):
        found = usual(drawn, room)
        return dataclasses.replace(found, image=found.image * NAN) if 8 in drawn.views else found

    training.losses = losses
    iterations, before = Step(training, CPU), training.x.detach().clone()
    iterations.run(3, training.draw(3, 0.0))  # views 3 to 8
    with pytest.raises(DivergedError):
        iterations.settle(4, wait=True)
    assert torch.equal(training.x.detach(), before)


def test_a_checkpoint_says_how_often_a_pass_went_back():
    saved = Checkpoint(0, 10, 1.0, {}, 0.1, {"guard": {"returns": 1, "cautious_until": 99}, "timeline": {}})
    assert Guard(Session(), Parabola(), 10, saved.plain["guard"]).saved() == saved.plain["guard"]
    assert guards.LOWERED < 1

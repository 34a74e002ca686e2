"""The training loop, the same for both passes."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Deque, Dict, Optional, Protocol, Tuple

from topforge.trainers.builtin_options import rates
from topforge_train.evaluation import preview
from topforge_train.rendering.scene import Scene
from topforge_train.training import cuda_graph, timeline
from topforge_train.training import step as iteration
from topforge_train.training.checkpoint import Checkpoint
from topforge_train.training.draw import Drawn
from topforge_train.training.failures import DivergedError, is_out_of_memory
from topforge_train.training.guard import KEPT_EVERY, Guard
from topforge_train.training.progress import TRAINING_SHARE
from topforge_train.training.report import GRADIENT, Found
from topforge_train.training.session import Session
from topforge_train.training.step import Step
from topforge_train.training.timeline import Timeline

AVERAGED = 20
"""Iterations over which the time of one is averaged."""


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked
    """Someone asked us to stop; the state is saved."""


class Pass(iteration.Pass, Protocol):
    """What the loop needs to know of a pass."""

    def state(self) -> Dict[str, Any]:
        """Tensors to save: everything the pass cannot compute again."""

    def scene(self) -> Scene:
        """Shape, material and light as they are now, to look at."""


def train(session: Session, training: Pass, saved: Optional[Checkpoint]) -> None:
    """Runs a pass to its end, from the beginning or from where it was saved; saves the end of the last pass.

    Raises:
        Stopped: After saving, when somebody asked to stop.
        DivergedError: Losses or gradients were infinite or NaN, and going back did not help.
        NothingVisibleError: The shape covers no pixel.
    """
    plan, step = begun(session, training, saved)
    guard = Guard(session, training, step, saved.plain["guard"] if saved else None)
    captures = cuda_graph.is_used(session.options.capture, session.backend)
    iterations = Step(training, session.device, captures, session.ranks, session.note_lowered)
    durations: Deque[float] = deque(maxlen=AVERAGED)
    is_saved = False
    while True:
        elapsed, stops = session.signals(step)
        if plan.is_over(step, elapsed):
            break
        began, done, progress = time.perf_counter(), step, plan.progress(step, elapsed)
        drawn = guard.tempered(training.draw(step, progress), step)
        iterations.run(step, drawn)
        last = step + 1 == training.iterations
        step = settled(iterations, guard, step + 1, stops or last or is_eventful(session, step))
        durations.append(time.perf_counter() - began)
        if iterations.latest and session.reporter.due():
            report(session, plan, training, drawn, iterations.latest, sum(durations) / len(durations))
        is_saved = step == done + 1 and attend(session, training, plan, guard, step)
        if stops and step == done + 1:
            if not is_saved:
                save(session, training, plan, guard, step)
            session.saver.wait()
            raise Stopped()
    step = settled(iterations, guard, step, wait=True)
    if step < training.iterations:
        message = "Pass %d ends after %d of %d iterations: its share of time_budget is used up."
        session.reporter.message(message % (session.order(training.number) + 1, step, training.iterations))
    if session.order(training.number) + 1 == session.passes and not is_saved:
        save(session, training, plan, guard, step)


def is_eventful(session: Session, step: int) -> bool:
    """Whether `attend` has something to do after iteration `step`, for which it must be known to be right."""
    options = session.options
    intervals = ((options.save_interval, step), (options.checkpoint_interval, step + 1), (KEPT_EVERY, step + 1))
    return any(due(interval, number) for interval, number in intervals)


def attend(session: Session, training: Pass, plan: Timeline, guard: Guard, following: int) -> bool:
    """What is due before iteration `following`: a preview, a copy of the state to go back to, a checkpoint.

    While the saver rests, a checkpoint is left to the next time that one is due, but for the one at the pass's end.

    Returns:
        Whether a checkpoint is being written.
    """
    options, done = session.options, following - 1
    if due(options.save_interval, done) and session.ranks.is_first:
        show(session, training, done)
    if due(KEPT_EVERY, following):
        guard.keep(following)
    if not due(options.checkpoint_interval, following) or guard.is_troubled:
        return False
    if session.saver.rests and following < training.iterations:
        return False
    save(session, training, plan, guard, following)
    return True


def show(session: Session, training: Pass, done: int) -> None:
    """The preview after iteration `done`; a picture that does not fit into memory is left out, and the run goes on."""
    try:
        preview.write(session, training.number, done // session.options.save_interval, training.scene())
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        session.reporter.message("Out of memory: the preview after iteration %d is left out." % done)


def begun(session: Session, training: Pass, saved: Optional[Checkpoint]) -> Tuple[Timeline, int]:
    """The plan of a pass, and its first iteration."""
    elapsed, _ = session.agreed_signals()
    order, budget = session.order(training.number), session.options.time_budget
    plan = timeline.of_pass(order, session.passes, training.iterations, budget, elapsed)
    if saved is None:
        return plan, 0
    plan = plan.resumed(saved.plain["timeline"])
    if saved.is_extended:
        plan = plan.extended(saved.step, elapsed, saved.progress)
        session.reporter.message(
            "Pass %d is extended from iteration %d to %d." % (order + 1, saved.step, training.iterations)
        )
    return plan, saved.step


def settled(iterations: Step, guard: Guard, following: int, wait: bool) -> int:
    """`Step.settle`, with what met infinity or NaN left out or undone: the number of the iteration that comes next."""
    seen = iterations.latest
    try:
        step = iterations.settle(following, wait)
    except DivergedError as error:
        step = guard.recovered(error)
        iterations.drop_rejected()
        return step
    if iterations.latest is not seen and not iterations.repeats:
        guard.passed()
    return step


def due(interval: int, step: int) -> bool:
    """Whether something that happens every so many iterations, or never if that is 0, happens at this one."""
    return interval > 0 and step % interval == 0


def save(session: Session, training: Pass, plan: Timeline, guard: Guard, step: int) -> None:
    """Begins to write a checkpoint that resumes at iteration `step` of this pass."""
    if not session.ranks.is_first:
        return
    elapsed = session.clock.elapsed
    plain: Dict[str, Dict[str, Any]] = {"timeline": plan.saved(), "guard": guard.saved()}
    state = Checkpoint(training.number, step, elapsed, training.state(), plan.progress(step, elapsed), plain)
    session.saver.save(state)


def report(session: Session, plan: Timeline, training: Pass, drawn: Drawn, found: Found, seconds: float) -> None:
    """Prints both progress lines: what the newest iteration that ended `found`; `seconds` is what one takes."""
    terms = {name: term for name, term in found.terms.items() if name != GRADIENT}
    image = terms.pop("image")
    regulariser = sum(terms.values())
    order, elapsed = session.order(training.number), session.clock.elapsed
    rate = rates(session.options.learning_rate, order)[1] * drawn.numbers["rate"].item()
    left = seconds * (training.iterations - found.step)
    if plan.ends is not None:
        left = min(left, max(plan.ends - elapsed, 0.0))
    values = {"image": image, "regulariser": regulariser}
    session.reporter.iteration(found.step, values, rate, seconds * 1000.0, left)
    session.reporter.stage(
        "train",
        TRAINING_SHARE * (order + plan.share(found.step, elapsed)) / session.passes,
        "pass %d of %d, iteration %d of %d" % (order + 1, session.passes, found.step, training.iterations),
        step=order * training.iterations + found.step,
        total=session.passes * training.iterations,
        loss=image,
        regulariser=regulariser,
        rate=rate,
    )

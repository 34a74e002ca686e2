"""The training loop, the same for both passes."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Deque, Dict, Protocol

from topforge.trainers.builtin_options import rates
from topforge_train import capture, checkpoint, preview
from topforge_train import step as iteration
from topforge_train.progress import TRAINING_SHARE
from topforge_train.session import Session
from topforge_train.step import GRADIENT, Drawn, Found, Step

AVERAGED = 20
"""Iterations over which the time of one is averaged."""


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked
    """Someone asked us to stop; the state is saved."""


class Pass(iteration.Pass, Protocol):
    """What the loop needs to know of a pass."""

    def state(self) -> Dict[str, Any]:
        """Tensors to save: everything the pass cannot compute again."""

    def scene(self) -> preview.Scene:
        """Shape, material and light as they are now, to look at."""


def pass_progress(session: Session, training: Pass, step: int, pass_started: float) -> float:
    """How far the pass is, by iterations or by its share of the time budget, whichever is further."""
    by_steps = step / training.iterations
    if not session.options.time_budget:
        return by_steps
    share = session.options.time_budget / session.passes
    return max(by_steps, (session.clock.elapsed - pass_started) / share)


def train(session: Session, training: Pass, step: int, pass_started: float) -> None:
    """Runs a pass from iteration `step` to its end.

    Raises:
        Stopped: After saving, when the session was asked to stop.
        DivergedError: A loss or a gradient became infinite or NaN.
        NothingVisibleError: The shape covers no pixel.
    """
    options = session.options
    durations: Deque[float] = deque(maxlen=AVERAGED)
    iterations = Step(training, session.device, capture.is_used(options.capture, session.backend))
    while step < training.iterations and (progress := pass_progress(session, training, step, pass_started)) < 1.0:
        began = time.perf_counter()
        drawn = training.draw(step, progress)
        iterations.run(step, drawn)
        looks, saves = due(options.save_interval, step), due(options.checkpoint_interval, step + 1)
        stops = session.stop_requested
        step = iterations.settle(step + 1, wait=looks or saves or stops or step + 1 == training.iterations)
        durations.append(time.perf_counter() - began)
        if iterations.latest and session.reporter.due():
            report(session, training, progress, drawn, iterations.latest, sum(durations) / len(durations))
        if iterations.repeats:
            continue
        if looks:
            preview.write(session, training.number, (step - 1) // options.save_interval, training.scene())
        if saves or stops:
            save(session, training, step)
        if stops:
            raise Stopped()
    iterations.settle(step, wait=True)


def due(interval: int, step: int) -> bool:
    """Whether something that happens every so many iterations, or never if that is 0, happens at this one."""
    return interval > 0 and step % interval == 0


def save(session: Session, training: Pass, step: int) -> None:
    """Writes a checkpoint that resumes at iteration `step` of this pass."""
    state = checkpoint.Checkpoint(training.number, step, session.clock.elapsed, training.state())
    checkpoint.save(session.checkpoints, session.identity, state)


def report(session: Session, training: Pass, progress: float, drawn: Drawn, found: Found, seconds: float) -> None:
    """Prints both progress lines: what the newest iteration that ended `found`; `seconds` is what one takes."""
    terms = {name: term for name, term in found.terms.items() if name != GRADIENT}
    image = terms.pop("image")
    regulariser = sum(terms.values())
    order = session.order(training.number)
    rate = rates(session.options.learning_rate, order)[1] * drawn.numbers["rate"].item()
    left = seconds * (training.iterations - found.step)
    if session.options.time_budget:
        left = min(left, (1.0 - progress) * session.options.time_budget / session.passes)
    values = {"image": image, "regulariser": regulariser}
    session.reporter.iteration(found.step, values, rate, seconds * 1000.0, left)
    session.reporter.stage(
        "train",
        TRAINING_SHARE * (order + progress) / session.passes,
        "pass %d of %d, iteration %d of %d" % (order + 1, session.passes, found.step, training.iterations),
        step=order * training.iterations + found.step,
        total=session.passes * training.iterations,
        loss=image,
        regulariser=regulariser,
        rate=rate,
    )

"""The training loop, the same for both passes."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Protocol, Tuple

import torch
from torch import Tensor

from topforge.errors import FailureClass, TopForgeError
from topforge_train import checkpoint, preview
from topforge_train.progress import TRAINING_SHARE
from topforge_train.session import PASSES, Session

AVERAGED = 20
"""Iterations over which the time of one is averaged."""


class DivergedError(TopForgeError):
    """A loss is no longer a number."""

    failure_class = FailureClass.TRAINER

    def __init__(self, training_pass: int, step: int, terms: Dict[str, float]) -> None:
        shown = ", ".join("%s=%g" % item for item in terms.items())
        super().__init__(
            "Training diverged in pass %d at iteration %d (%s)." % (training_pass + 1, step, shown),
            "Lower learning_rate (half is a good start), and check masks and mesh_scale with `topforge check`.",
        )


class NothingVisibleError(TopForgeError):
    """The shape covers no pixel of the photographs it is compared with: nothing could be learnt."""

    failure_class = FailureClass.TRAINER

    def __init__(self, training_pass: int, step: int) -> None:
        super().__init__(
            "In pass %d at iteration %d the shape covers no pixel of the photographs." % (training_pass + 1, step),
            "Set mesh_scale to the side of a cube around the origin that holds the object, and check the cameras: "
            "`topforge check` recommends a value and draws them.",
        )


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked
    """Someone asked us to stop; the state is saved."""


@dataclasses.dataclass(frozen=True)
class Losses:
    """Weighted scalar terms of one iteration."""

    image: Tensor
    """What compares with the photographs."""
    regularisers: Dict[str, Tensor]

    def total(self) -> Tensor:
        """The sum that is minimised."""
        return torch.stack([self.image, *self.regularisers.values()]).sum()


class Pass(Protocol):
    """What the loop needs to know of a pass."""

    number: int
    iterations: int

    def losses(self, step: int, progress: float) -> Losses:
        """Draws a batch and compares."""

    def update(self, step: int, progress: float) -> float:
        """Applies the gradients and the constraints; returns the material's step size for the log."""

    def state(self) -> Dict[str, Any]:
        """Tensors to save: everything the pass cannot compute again."""

    def scene(self) -> preview.Scene:
        """Shape, material and light as they are now, to look at."""


class Watch:
    """Looks for losses that are no numbers, one iteration late: a GPU would have to be waited for now, not then."""

    def __init__(self, training_pass: int) -> None:
        self._pass = training_pass
        self._noted: Optional[Tuple[int, List[str], Tensor, Optional[torch.cuda.Event]]] = None

    def note(self, step: int, losses: Losses) -> None:
        """Remembers the terms of an iteration; on a GPU their copy to the CPU is begun, not awaited."""
        terms = torch.stack([losses.image.detach(), *(term.detach() for term in losses.regularisers.values())])
        event = None
        if terms.is_cuda:
            terms = torch.empty(terms.shape, dtype=terms.dtype, pin_memory=True).copy_(terms, non_blocking=True)
            event = torch.cuda.Event()
            event.record()
        self._noted = (step, ["image", *losses.regularisers], terms, event)

    def check(self) -> None:
        """Looks at the terms noted last.

        Raises:
            DivergedError: One of them is infinite or NaN.
        """
        if self._noted is None:
            return
        step, names, terms, event = self._noted
        if event is not None:
            event.synchronize()
        if not bool(torch.isfinite(terms).all()):
            raise DivergedError(self._pass, step, dict(zip(names, terms.tolist())))


def pass_progress(session: Session, training: Pass, step: int, pass_started: float) -> float:
    """How far the pass is, by iterations or by its half of the time budget, whichever is further."""
    by_steps = step / training.iterations
    if not session.options.time_budget:
        return by_steps
    share = session.options.time_budget / PASSES
    return max(by_steps, (session.clock.elapsed - pass_started) / share)


def train(session: Session, training: Pass, step: int, pass_started: float) -> None:
    """Runs a pass from iteration `step` to its end.

    Raises:
        Stopped: After saving, when the session was asked to stop.
        DivergedError: A loss became infinite or NaN.
    """
    options = session.options
    durations: Deque[float] = deque(maxlen=AVERAGED)
    watch = Watch(training.number)
    while step < training.iterations and (progress := pass_progress(session, training, step, pass_started)) < 1.0:
        began = time.perf_counter()
        watch.check()
        losses = training.losses(step, progress)
        watch.note(step, losses)
        losses.total().backward()
        rate = training.update(step, progress)
        durations.append(time.perf_counter() - began)
        if session.reporter.due():
            report(session, training, step, progress, losses, rate, sum(durations) / len(durations))
        if options.save_interval and step % options.save_interval == 0:
            preview.write(session, training.number, step // options.save_interval, training.scene())
        step += 1
        if session.stop_requested or (options.checkpoint_interval and step % options.checkpoint_interval == 0):
            watch.check()
            save(session, training, step)
        if session.stop_requested:
            raise Stopped()
    watch.check()


def save(session: Session, training: Pass, step: int) -> None:
    """Writes a checkpoint that resumes at iteration `step` of this pass."""
    state = checkpoint.Checkpoint(training.number, step, session.clock.elapsed, training.state())
    checkpoint.save(session.checkpoints, session.identity, state)


def report(
    session: Session, training: Pass, step: int, progress: float, losses: Losses, rate: float, seconds: float
) -> None:
    """Prints both progress lines; `seconds` is what an iteration takes."""
    values = {"image": losses.image.item(), "regulariser": sum(v.item() for v in losses.regularisers.values())}
    left = seconds * (training.iterations - step)
    if session.options.time_budget:
        left = min(left, (1.0 - progress) * session.options.time_budget / PASSES)
    session.reporter.iteration(step, values, rate, seconds * 1000.0, left)
    session.reporter.stage(
        "train",
        TRAINING_SHARE * (training.number + progress) / PASSES,
        "pass %d of %d, iteration %d of %d" % (training.number + 1, PASSES, step, training.iterations),
        step=training.number * training.iterations + step,
        total=PASSES * training.iterations,
        loss=values["image"],
        regulariser=values["regulariser"],
        rate=rate,
    )

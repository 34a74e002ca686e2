"""What happens to a pass whose losses or gradients are no numbers: leave out, go back, give up (decision 0012).

An iteration that meets infinity or NaN is never applied, so the state stays as it was before. A single one is left out.
Several in a row mean that the state itself is spoilt: then the last good one is taken up again, which is kept on the
device, and step sizes are halved for a while. When that was not enough a few times, the run ends.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Iterator, Optional, Protocol, Tuple

import torch
from torch import Tensor

from topforge_train.training.distributed import tensors_by_path
from topforge_train.training.draw import Drawn
from topforge_train.training.failures import DivergedError
from topforge_train.training.session import Session

KEPT_EVERY = 100
"""Iterations between two states that are kept to go back to."""
LEFT_OUT = 3
"""So many iterations in a row may be left out; at the next one the state is taken to be spoilt."""
RETURNS = 3
"""So often a pass goes back before it is given up."""
CAUTIOUS = 200
"""Iterations for which step sizes stay lower, from the one that could not be computed."""
LOWERED = 0.5
"""What each return multiplies step sizes with, as long as it lasts."""


class Guarded(Protocol):
    """What the guard needs to know of a pass."""

    number: int

    def state(self) -> Dict[str, Any]:
        """Its tensors, the very ones that are trained."""


class Guard:
    """The last good state of a pass, and how often it was needed."""

    def __init__(self, session: Session, training: Guarded, step: int, saved: Optional[Dict[str, int]] = None) -> None:
        """Keeps the state that the pass begins with.

        Args:
            session: Is told what happens.
            training: The pass.
            step: The iteration that comes next.
            saved: From a checkpoint of the pass.
        """
        self._session, self._training = session, training
        self._kept: Dict[str, Tensor] = {}
        self._step = step
        self._in_a_row = 0
        self._first: Optional[DivergedError] = None
        self._moved = False
        self._returns = saved["returns"] if saved else 0
        self._cautious_until = saved["cautious_until"] if saved else 0
        self.keep(step)

    @property
    def is_troubled(self) -> bool:
        """Whether the newest iteration was left out: then the state may be spoilt, and is not to be saved."""
        return self._in_a_row > 0

    def tempered(self, drawn: Drawn, step: int) -> Drawn:
        """What was drawn for an iteration, with lower step sizes if a return asks for them."""
        if step >= self._cautious_until:
            return drawn
        rate = drawn.numbers["rate"] * LOWERED**self._returns
        return dataclasses.replace(drawn, numbers={**drawn.numbers, "rate": rate})

    def keep(self, step: int) -> None:
        """Copies a good state, after which iteration `step` comes; a troubled one is not kept."""
        if self.is_troubled:
            return
        self._step, self._moved = step, False
        for path, tensor in self._changing():
            kept = self._kept.get(path)
            if kept is None:
                self._kept[path] = tensor.detach().clone()
            else:
                kept.copy_(tensor.detach())

    def passed(self) -> None:
        """An iteration was applied."""
        self._in_a_row, self._first, self._moved = 0, None, True

    def recovered(self, error: DivergedError) -> int:
        """Deals with an iteration that was not applied.

        Args:
            error: Which one, and what it met.

        Returns:
            The number of the iteration that comes next.

        Raises:
            DivergedError: The first one in a row, when going back did not help often enough, or when nothing was
                applied since the state that we could go back to.
        """
        self._in_a_row += 1
        self._first = self._first or error
        if self._in_a_row <= LEFT_OUT:
            self._tell("Pass %d: iteration %d was left out, it met values that are no numbers" % self._place(error))
            return error.step + 1
        if self._returns >= RETURNS or not self._moved:
            raise self._first
        self._returns += 1
        self._in_a_row, self._first, self._moved = 0, None, False
        self._cautious_until = error.step + CAUTIOUS
        self._restore()
        self._tell(
            "Pass %d: after iteration %d back to the state of iteration %d, step sizes times %g up to iteration %d"
            % (*self._place(error), self._step, LOWERED**self._returns, self._cautious_until)
        )
        return self._step

    def saved(self) -> Dict[str, int]:
        """For a checkpoint."""
        return {"returns": self._returns, "cautious_until": self._cautious_until}

    def _place(self, error: DivergedError) -> Tuple[int, int]:
        return self._session.order(self._training.number) + 1, error.step

    def _restore(self) -> None:
        """Into the very same tensors, which captured work refers to."""
        with torch.no_grad():
            for path, tensor in self._changing():
                tensor.copy_(self._kept[path])

    def _changing(self) -> Iterator[Tuple[str, Tensor]]:
        """The tensors of the state, but for what an earlier pass handed on."""
        return tensors_by_path({name: part for name, part in self._training.state().items() if name != "start"})

    def _tell(self, sentence: str) -> None:
        self._session.setbacks.append(sentence)
        self._session.reporter.message(sentence + ".")

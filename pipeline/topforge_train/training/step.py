"""One iteration of a pass: what is drawn for it, what it compares, its gradients, and whether it is applied.

The host draws (`Pass.draw`); everything after that happens on the device, in lists of fixed length, and never waits
for it. What an iteration found out is read once the device is done with it, on a GPU while the next one runs. Until
then an iteration that went wrong holds back all that follow it (`Step.rejected`), so that nothing is ever undone: one
whose lists were too short is repeated with longer ones (`room`), one that met infinity or NaN is an error, of which
`guard` decides whether the pass goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
from collections import deque
from typing import Callable, Deque, Dict, Iterator, List, Optional, Protocol, Tuple

import torch
from torch import Tensor

from topforge_train.backend.padding import EXACT, Lengths, Room
from topforge_train.training.cuda_graph import Captured, CaptureError, Halves, Launched
from topforge_train.training.distributed import Ranks
from topforge_train.training.draw import Drawn
from topforge_train.training.failures import DivergedError, NothingVisibleError, is_out_of_memory
from topforge_train.training.report import GRADIENT, Found, Report
from topforge_train.training.room import limits_of, roomier, too_short


@dataclasses.dataclass(frozen=True)
class Losses:
    """Weighted scalar terms of one iteration, and how long its lists had to be."""

    image: Tensor
    """What compares with the photographs."""
    regularisers: Dict[str, Tensor]
    lengths: Lengths = dataclasses.field(default_factory=dict)

    def terms(self) -> Dict[str, Tensor]:
        """All of them by name."""
        return {"image": self.image, **self.regularisers}

    def total(self) -> Tensor:
        """The sum that is minimised."""
        return torch.stack([self.image, *self.regularisers.values()]).sum()


class Pass(Protocol):
    """What an iteration needs to know of a pass."""

    number: int
    iterations: int

    def draw(self, step: int, progress: float) -> Drawn:
        """On the CPU: what iteration `step` compares, and how."""

    def losses(self, drawn: Drawn, room: Room = EXACT) -> Losses:
        """On the device: compares. With a `room` for every list, without waiting and in tensors of fixed shape."""

    def parameters(self) -> List[torch.nn.Parameter]:
        """What is improved."""

    def apply(self, drawn: Drawn, rejected: Tensor) -> None:
        """On the device: improves by the gradients unless `rejected` [] is 1, then enforces the limits.

        Enforcing them twice must be the same as once.
        """


def ran_out_of_memory(error: Exception) -> bool:
    """Whether an iteration failed for want of memory, be it while it was captured."""
    cause = error.__cause__ if isinstance(error, CaptureError) else error
    return cause is not None and is_out_of_memory(cause)


class Step:
    """The iterations of a pass, one after another.

    The first two of a shape have lists as long as need be. Where iterations are captured, the next one rehearses with
    lists of fixed length, a little longer than what these found; from then on two CUDA graphs are replayed, until a
    list turns out too short or the shape changes.

    Attributes:
        rejected: [] float32 on the device: 1 after an iteration that must not be applied, until it is dealt with.
        latest: What the newest iteration that is known to have ended found out.
        repeats: Whether the last `settle` sent us back.
        room: Lengths of lists now.
        parts: Into how many the views of an iteration are split, because they do not fit into memory together.
    """

    def __init__(
        self,
        training: Pass,
        device: torch.device,
        captures: bool = False,
        ranks: Optional[Ranks] = None,
        lowered: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Begins a pass.

        Args:
            training: What the iterations are of.
            device: Where it trains.
            captures: Whether to use CUDA graphs; needs a GPU, and operators that never wait for it.
            ranks: The processes that train together; None = this one alone.
            lowered: Is told what was lowered to fit into memory.
        """
        self.training = training
        self.device = device
        self.rejected = torch.zeros((), device=device)
        self.latest: Optional[Found] = None
        self.repeats = False
        self.room: Room = EXACT
        self.parts = 1
        self.ranks = ranks or Ranks()
        self._lowered = lowered
        self._captures = captures
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._shape: Optional[Tuple[int, int]] = None
        self._halves: Optional[Halves] = None
        self._rehearsed = False
        self._limits: Optional[Tensor] = None
        self._launched: Deque[Tuple[int, Tuple[int, int], Report]] = deque()

    def run(self, step: int, drawn: Drawn) -> None:
        """Computes and applies an iteration; on a GPU only begins to.

        Raises:
            torch.OutOfMemoryError: Memory is not enough for a single view.
        """
        with self._on_stream():
            halves, report = self._in_parts(drawn)
            self._agree(report)
            halves.apply()
            assert self._shape is not None
            self._launched.append((step, self._shape, report.fetched(self.rejected)))

    def settle(self, following: int, wait: bool) -> int:
        """Reads what the iterations launched so far found out; on a GPU all but the newest, unless we `wait` for it.

        Args:
            following: The number of the iteration that would come next.
            wait: Whether everything must have ended and be known to be right: before a state is saved or looked at.

        Returns:
            The number of the iteration that does come next: `following`, or that of one which must be repeated.

        Raises:
            DivergedError: A loss or a gradient was infinite or NaN.
            NothingVisibleError: No pixel was covered.
        """
        in_flight = 1 if self.device.type == "cuda" and not wait else 0
        self.repeats = False
        while len(self._launched) > in_flight:
            step, shape, report = self._launched.popleft()
            found = self.latest = report.found(step)
            if not found.lengths.get("pixels", 1):
                raise NothingVisibleError(self.training.number, step)
            if found.rejected:
                return self._repeated(found)
            if self._captures and shape == self._shape and self.room is EXACT:
                self._make_room(found)
        return following

    def drop_rejected(self) -> None:
        """Forgets an iteration that was rejected, and those launched after it: the next one counts again."""
        self._launched.clear()
        with self._on_stream():
            self.rejected.zero_()

    def _in_parts(self, drawn: Drawn) -> Tuple[Halves, Report]:
        """The first half of an iteration, with its views in as many parts as memory asks for."""
        views = len(drawn.views)
        while True:
            count = next(n for n in range(min(self.parts, views), views + 1) if views % n == 0)
            if found := self._attempt(drawn.split(count)):
                return found
            # Not before the attempt has returned: whatever it made is gone with its frame.
            self.parts = next(n for n in range(count + 1, views + 1) if views % n == 0)
            self._forget_shape()
            self._lowered("batch: computed in %d parts to fit into memory; the result is the same" % self.parts)

    def _attempt(self, parts: List[Drawn]) -> Optional[Tuple[Halves, Report]]:
        """The first half with the views in these parts; None if they do not fit into memory and could be smaller."""
        try:
            halves = self._prepared(parts[0])
            return halves, self._averaged(halves, parts)
        except (RuntimeError, CaptureError) as error:
            if len(parts[0].views) == 1 or not ran_out_of_memory(error):
                raise
        return None

    def _averaged(self, halves: Halves, parts: List[Drawn]) -> Report:
        """The first half, one part of the views after the other; gradients and terms are the parts' means."""
        report: Report = halves.gradients(parts[0])
        if len(parts) == 1:
            return report
        parameters = self.training.parameters()
        report, sums = report.copied(), [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
        for part in parts[1:]:
            report = report.joined(halves.gradients(part))
            torch._foreach_add_(sums, [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters])
        for parameter, total in zip(parameters, sums):
            mean = total.div_(len(parts))
            parameter.grad = mean if parameter.grad is None else parameter.grad.copy_(mean)
        report.terms.div_(len(parts))
        return report

    def _agree(self, report: Report) -> None:
        """Makes gradients and report the same on all ranks, which then come to the same conclusions."""
        if self.ranks.size == 1:
            return
        self.ranks.average(self.training.parameters(), report.terms)
        self.ranks.maximise(report.lengths)
        torch.maximum(self.rejected, report.spoilt(self._limits), out=self.rejected)

    def _forget_shape(self) -> None:
        """Gives back the memory of what was captured, and of an attempt that did not fit."""
        self._shape, self._halves = None, None
        for parameter in self.training.parameters():
            parameter.grad = None
        gc.collect()  # an exception and the frames that it went through may hold each other, and with them tensors
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            torch.cuda.empty_cache()

    def _prepared(self, drawn: Drawn) -> Halves:
        """How this iteration is launched."""
        if drawn.shape != self._shape:
            self._shape, self.room, self._limits, self._halves = drawn.shape, EXACT, None, None
        if self.room is not EXACT and self._rehearsed and not isinstance(self._halves, Captured):
            self._halves = Captured(self._gradients, self._apply, drawn, self._stream)
        if self._halves is None:
            self._halves = Launched(self._gradients, self._apply, self.device)
        self._rehearsed = self.room is not EXACT
        return self._halves

    def _gradients(self, drawn: Drawn) -> Report:
        """The first half of an iteration: losses and the gradients of all parameters."""
        parameters = self.training.parameters()
        for parameter in parameters:
            parameter.grad = None
        losses = self.training.losses(drawn, self.room)
        losses.total().backward()
        slopes = [parameter.grad for parameter in parameters if parameter.grad is not None]
        terms = {**losses.terms(), GRADIENT: torch.nn.utils.get_total_norm(slopes)}
        report = Report.of(terms, losses.lengths, self.device)
        self.rejected.copy_(torch.maximum(self.rejected, report.spoilt(self._limits)))
        return report

    def _apply(self, drawn: Drawn) -> None:
        """The second half."""
        self.training.apply(drawn, self.rejected)

    def _make_room(self, found: Found) -> None:
        """Gives lists fixed lengths, long enough for what an iteration found; what was captured had others."""
        self.room, self._halves = roomier(self.room, found), None
        self._limits = limits_of(self.room, found, self.device)

    def _repeated(self, found: Found) -> int:
        """Goes back to an iteration that was rejected, as were all after it."""
        if too_short(self.room, found):
            self._make_room(found)
        elif not found.is_finite:
            raise DivergedError(self.training.number, found.step, found.terms)
        self.drop_rejected()
        self.repeats = True
        return found.step

    @contextlib.contextmanager
    def _on_stream(self) -> Iterator[None]:
        """Work on our own stream, between what was launched elsewhere before and what will be after."""
        if self._stream is None:
            yield
            return
        outside = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            yield
        outside.wait_stream(self._stream)

"""One iteration of a pass: what is drawn for it, what it compares, its gradients, and whether it is applied.

The host draws (`Pass.draw`); everything after that happens on the device, in lists of fixed length, and never waits
for it. What an iteration found out is read once the device is done with it, on a GPU while the next one runs. Until
then an iteration that went wrong holds back all that follow it (`Step.rejected`), so that nothing is ever undone: one
whose lists were too short is repeated with longer ones, one that met infinity or NaN is an error.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Protocol, Tuple

import torch
from torch import Tensor

from topforge.errors import FailureClass, TopForgeError
from topforge_train.padding import EXACT, Lengths, Room

GRADIENT = "gradient"
"""Name of the gradient's length among the terms of an iteration; not minimised, only looked at."""


class DivergedError(TopForgeError):
    """A loss or a gradient is no longer a number. The iteration was not applied."""

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


@dataclasses.dataclass(frozen=True)
class Drawn:
    """All that changes from one iteration to the next."""

    level: int
    """Which of the photographs' resolutions, 0 the finest."""
    views: Tensor  # [B] int64, photographs
    background: Tensor  # [B, 1, 1, 3] linear colour behind the object
    seed: Tensor  # [1] int32, for noise that is made on the device (`backend.warp_noise`)
    numbers: Dict[str, Tensor]  # [] float32: weights of terms by name, and "rate", the factor on all step sizes

    @property
    def shape(self) -> Tuple[int, int]:
        """What decides the shapes of an iteration's tensors, apart from its `Room`."""
        return self.level, len(self.views)

    def map(self, function: Callable[[Tensor], Tensor]) -> Drawn:
        """The same with a function applied to every tensor."""
        numbers = {name: function(number) for name, number in self.numbers.items()}
        views, background, seed = (function(tensor) for tensor in (self.views, self.background, self.seed))
        return Drawn(self.level, views, background, seed, numbers)

    def to(self, device: torch.device) -> Drawn:
        """The same on a device; a GPU is not waited for."""
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))


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


@dataclasses.dataclass(frozen=True)
class Found:
    """What an iteration found out."""

    step: int
    terms: Dict[str, float]
    lengths: Dict[str, int]
    rejected: bool


class Step:
    """The iterations of a pass, one after another.

    Attributes:
        rejected: [] float32 on the device: 1 after an iteration that must not be applied, until it is dealt with.
        latest: What the newest iteration that is known to have ended found out.
        repeats: Whether the last `settle` sent us back.
    """

    def __init__(self, training: Pass, device: torch.device) -> None:
        """Begins with lists of unknown length."""
        self.training = training
        self.device = device
        self.rejected = torch.zeros((), device=device)
        self.latest: Optional[Found] = None
        self.repeats = False
        self._launched: Deque[Tuple[int, _Report]] = deque()

    def run(self, step: int, drawn: Drawn) -> None:
        """Computes and applies an iteration; on a GPU only begins to."""
        drawn = drawn.to(self.device)
        report = self.gradients(drawn, EXACT)
        self.training.apply(drawn, self.rejected)
        self._launched.append((step, report.fetched()))

    def gradients(self, drawn: Drawn, room: Room) -> _Report:
        """The first half of an iteration: losses and the gradients of all parameters."""
        parameters = self.training.parameters()
        for parameter in parameters:
            parameter.grad = None
        losses = self.training.losses(drawn, room)
        losses.total().backward()
        slopes = [parameter.grad for parameter in parameters if parameter.grad is not None]
        terms = {**losses.terms(), GRADIENT: torch.nn.utils.get_total_norm(slopes)}
        report = _Report.of(terms, losses.lengths, self.device)
        self.rejected.copy_(torch.maximum(self.rejected, report.spoilt(room)))
        return report

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
            step, report = self._launched.popleft()
            found = self.latest = report.found(step)
            if not found.lengths.get("pixels", 1):
                raise NothingVisibleError(self.training.number, step)
            if found.rejected:
                raise DivergedError(self.training.number, step, found.terms)
        return following


@dataclasses.dataclass(frozen=True)
class _Report:
    """What an iteration found out as one row of numbers: terms, lengths."""

    names: Tuple[str, ...]
    lists: Tuple[str, ...]
    numbers: Tensor  # [terms + lists] float32
    event: Optional[Any] = None  # of the copy to the CPU

    @classmethod
    def of(cls, terms: Dict[str, Tensor], lengths: Lengths, device: torch.device) -> _Report:
        counts = [torch.as_tensor(length, device=device).reshape(()).float() for length in lengths.values()]
        numbers = torch.stack([*(term.detach() for term in terms.values()), *counts])
        return cls(tuple(terms), tuple(lengths), numbers)

    def spoilt(self, room: Room) -> Tensor:
        """1 if a term is no number or a list was too short, else 0: [] float32 on the device."""
        spoilt = ~torch.isfinite(self.numbers).all()
        for name, length in zip(self.lists, self.numbers[len(self.names) :]):
            if name in room:
                spoilt = spoilt | (length > room[name])
        return spoilt.float()

    def fetched(self) -> _Report:
        """On the CPU; from a GPU the copy is begun, not awaited."""
        if not self.numbers.is_cuda:
            return self
        here = torch.empty(self.numbers.shape, pin_memory=True).copy_(self.numbers, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        return dataclasses.replace(self, numbers=here, event=event)

    def found(self, step: int) -> Found:
        """As plain numbers; waits for the copy."""
        if self.event is not None:
            self.event.synchronize()
        values = self.numbers.tolist()
        terms = dict(zip(self.names, values))
        lengths = {name: int(value) for name, value in zip(self.lists, values[len(self.names) :])}
        return Found(step, terms, lengths, not bool(torch.isfinite(self.numbers).all()))

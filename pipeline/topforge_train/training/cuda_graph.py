"""How an iteration's two halves are launched: kernel by kernel, or as two CUDA graphs that replay what was captured.

Launched one by one from Python, an iteration's few hundred kernels take longer to launch than to run; a graph launches
them all at once. It replays the same kernels on the same memory, so everything that changes must lie in `Inputs`, and
all lists must have fixed lengths.
"""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Protocol, Tuple

import torch
from torch import Tensor

from topforge.errors import FailureClass, TopForgeError
from topforge_train.backend.interface import Backend
from topforge_train.training.draw import Drawn

HOST_COPIES = 3
"""Iterations that may be underway at once: each is drawn into pinned memory of its own."""


class CaptureError(TopForgeError):
    """An iteration cannot be captured as a CUDA graph."""

    failure_class = FailureClass.TRAINER

    def __init__(self, half: str, cause: BaseException) -> None:
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        super().__init__(
            "The %s of an iteration could not be captured as a CUDA graph: %s" % (half, lines[0]),
            'Set "capture" to "off" (slower, the same result), and report this with the log: it is a defect.',
        )


class NoCaptureError(TopForgeError):
    """CUDA graphs were asked for where there are none."""

    failure_class = FailureClass.CONFIG

    def __init__(self, backend: str, device: torch.device) -> None:
        super().__init__(
            'With the backend "%s" on the device "%s" iterations cannot be captured as CUDA graphs.'
            % (backend, device.type),
            'Set "capture" to "auto", or train on a GPU with the backend "warp".',
        )


def is_used(capture: str, backend: Backend) -> bool:
    """Whether iterations are captured, by the option: "auto" (where that is possible), "on" or "off".

    Raises:
        NoCaptureError: "on" where it is not.
    """
    possible = backend.device.type == "cuda" and backend.capturable
    if capture == "on" and not possible:
        raise NoCaptureError(backend.name, backend.device)
    return possible and capture != "off"


class Halves(Protocol):
    """Both halves of an iteration, ready to be launched."""

    def gradients(self, drawn: Drawn) -> Any:
        """Losses and gradients; returns what the gradients' function returns, on the device."""

    def apply(self) -> None:
        """Applies the gradients computed last."""


Gradients = Callable[[Drawn], Any]
Apply = Callable[[Drawn], None]


class Launched:
    """Kernel by kernel."""

    def __init__(self, gradients: Gradients, apply: Apply, device: torch.device) -> None:
        """Takes both halves as functions of what was drawn, on the device."""
        self._gradients, self._apply, self._device = gradients, apply, device
        self._drawn: Optional[Drawn] = None

    def gradients(self, drawn: Drawn) -> Any:
        """See `Halves`."""
        self._drawn = drawn.to(self._device)
        return self._gradients(self._drawn)

    def apply(self) -> None:
        """See `Halves`."""
        assert self._drawn is not None
        self._apply(self._drawn)


class Captured:
    """Two CUDA graphs. Both halves must have run before on the same stream: nothing is compiled while capturing.

    The gradients stay where they are from one replay to the next, so that several GPUs can average them in place
    between the halves.
    """

    def __init__(self, gradients: Gradients, apply: Apply, drawn: Drawn, stream: Optional[torch.cuda.Stream]) -> None:
        """Captures both halves; nothing is computed yet.

        Raises:
            CaptureError: Something waits for the GPU, or cannot be replayed.
        """
        assert stream is not None
        self._inputs = Inputs(drawn, stream.device)
        pool = torch.cuda.graph_pool_handle()
        self._first, self._result = _captured("gradients", lambda: gradients(self._inputs.drawn), pool, stream)
        self._second, _ = _captured("application", lambda: apply(self._inputs.drawn), pool, stream)

    def gradients(self, drawn: Drawn) -> Any:
        """See `Halves`; the result is overwritten by the next call."""
        self._inputs.fill(drawn)
        self._first.replay()
        return self._result

    def apply(self) -> None:
        """See `Halves`."""
        self._second.replay()


def _captured(half: str, work: Callable[[], Any], pool: Any, stream: torch.cuda.Stream) -> Tuple[Any, Any]:
    """A graph of what `work` launches, and what it returned."""
    graph = torch.cuda.CUDAGraph()
    try:
        # Other threads (NCCL's watchdog) may go on asking for events meanwhile.
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            result = work()
    except RuntimeError as error:
        # Ending a capture that was broken off fails as well: what broke it off is the reason.
        cause = error.__context__ if isinstance(error.__context__, RuntimeError) else error
        raise CaptureError(half, cause) from cause
    return graph, result


class Inputs:
    """Where graphs read what was drawn: one block of memory, which one copy fills."""

    ALIGNMENT = 16
    """Bytes between the beginnings of two tensors are a multiple of this."""

    def __init__(self, drawn: Drawn, device: torch.device) -> None:
        """Makes room for what `drawn` holds, and holds it."""
        starts, size = [], 0
        for tensor in drawn.tensors():
            starts.append(size)
            size += -(-tensor.numel() * tensor.element_size() // self.ALIGNMENT) * self.ALIGNMENT
        self._block = torch.zeros(size, dtype=torch.uint8, device=device)
        pinned = device.type == "cuda"
        self._hosts = [torch.zeros(size, dtype=torch.uint8, pin_memory=pinned) for _ in range(HOST_COPIES)]
        self._places = [_views(host, drawn.tensors(), starts) for host in self._hosts]
        self._copied: List[Optional[torch.cuda.Event]] = [None] * HOST_COPIES
        self._next = 0
        self.drawn = drawn.with_tensors(_views(self._block, drawn.tensors(), starts))
        self.fill(drawn)

    def fill(self, drawn: Drawn) -> None:
        """Begins to copy what was drawn for the next iteration."""
        slot = self._next
        self._next = (slot + 1) % HOST_COPIES
        if (copied := self._copied[slot]) is not None:
            copied.synchronize()  # long since: it was two iterations ago
        for place, tensor in zip(self._places[slot], drawn.tensors()):
            place.copy_(tensor)
        self._block.copy_(self._hosts[slot], non_blocking=True)
        if self._block.is_cuda:
            self._copied[slot] = torch.cuda.Event()
            self._copied[slot].record()


def _views(block: Tensor, tensors: List[Tensor], starts: List[int]) -> List[Tensor]:
    """Parts of a block of bytes with the types and shapes of some tensors."""
    views = []
    for tensor, start in zip(tensors, starts):
        part = block[start : start + tensor.numel() * tensor.element_size()]
        views.append(part.view(tensor.dtype).view(tensor.shape))
    return views

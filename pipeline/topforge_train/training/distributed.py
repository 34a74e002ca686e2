"""Several processes that train one asset together: one for each GPU of a host, started by torchrun.

Each of them, a *rank*, draws `batch` views of its own, so that an iteration compares `batch` times as many views as
there are ranks; their gradients are averaged before they are applied. All ranks hold the same state from the first
iteration to the last: they begin with rank 0's and apply the same averages. Rank 0 alone unwraps, writes and prints.

Without torchrun there is one rank, and nothing here costs anything.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import sys
from typing import Any, Dict, Iterable, Iterator, List, Mapping, MutableMapping, Optional, Sequence, Tuple

import torch
import torch.distributed
from torch import Tensor

SET_BY_TORCHRUN = ("TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Only all of them together mean that torchrun started this process; one of them alone is somebody's leftover."""

PATIENCE = datetime.timedelta(hours=6)
"""How long a rank waits for another. While rank 0 unwraps or writes, the others do nothing else; torchrun, not this
limit, is what ends them when one of them has failed."""


@dataclasses.dataclass(frozen=True)
class Ranks:
    """This process among those that train together. The default is a process on its own."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that unwraps, writes and prints."""
        return self.rank == 0

    def share(self, values: Tensor) -> Tensor:
        """This rank's part of what was drawn for all of them: of [count * size, ...] its own [count, ...]."""
        count = len(values) // self.size
        return values[self.rank * count : (self.rank + 1) * count]

    def average(self, parameters: Sequence[torch.nn.Parameter], values: Tensor) -> None:
        """Makes each gradient, and each of some values, the mean over the ranks, in one exchange.

        What is NaN on one rank becomes NaN on all.

        Args:
            parameters: The same on all ranks; a missing gradient counts as zeros.
            values: [N] float32, overwritten.
        """
        if self.size == 1:
            return
        slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        targets = [*slopes, values]
        exchanged = torch.cat([target.reshape(-1) for target in targets])
        torch.distributed.all_reduce(exchanged)
        means = (exchanged / self.size).split([target.numel() for target in targets])
        torch._foreach_copy_(targets, [mean.view_as(target) for mean, target in zip(means, targets)])
        for parameter, slope in zip(parameters, slopes):
            parameter.grad = slope

    def maximise(self, values: Tensor) -> None:
        """Makes each of some values on the device the greatest over the ranks."""
        if self.size > 1:
            torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX)

    def greatest(self, *values: float) -> List[float]:
        """The greatest of each value over the ranks. They wait for each other, not for their GPUs."""
        if self.size == 1:
            return list(values)
        exchanged = torch.tensor(values, dtype=torch.float64)
        torch.distributed.all_reduce(exchanged, torch.distributed.ReduceOp.MAX)
        return [float(value) for value in exchanged]

    def equalise(self, state: Any) -> None:
        """Overwrites the tensors in nested dictionaries and lists by rank 0's, whose shapes are the same."""
        if self.size == 1:
            return
        with torch.no_grad():
            for _, tensor in tensors_by_path(state):
                torch.distributed.broadcast(tensor, src=0)

    def from_first(self, made: Optional[Mapping[str, Tensor]], device: torch.device) -> Dict[str, Tensor]:
        """Tensors by name that rank 0 made; the others give None and receive copies on `device`."""
        if self.size == 1:
            assert made is not None
            return dict(made)
        described = [None if made is None else [(name, t.shape, t.dtype) for name, t in made.items()]]
        torch.distributed.broadcast_object_list(described, src=0)
        received = {}
        for name, shape, dtype in described[0] or ():
            tensor = torch.empty(shape, dtype=dtype, device=device) if made is None else made[name].to(device)
            received[name] = tensor.contiguous()
            torch.distributed.broadcast(received[name], src=0)
        return received

    def gathered(self, value: List[str]) -> List[str]:
        """The sentences of all ranks, each once, in the order of the ranks."""
        if self.size == 1:
            return value
        lists: List[Any] = [None] * self.size
        torch.distributed.all_gather_object(lists, value)
        return list(dict.fromkeys(sentence for each in lists for sentence in each))

    def leave(self) -> None:
        """Waits for all ranks and ends this process, if it is one of several. Not after a failure: others never come.

        At once, without the destructors of C++ libraries: while a process ends in good order, a thread of one of them
        was seen to abort it, now and then, which made torchrun take a finished run for a failed one.
        """
        if self.size > 1:
            self.greatest(0.0)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


def tensors_by_path(state: Any, path: str = "") -> Iterator[Tuple[str, Tensor]]:
    """All tensors in nested dictionaries, lists and tuples, in order, with where they are."""
    if isinstance(state, Tensor):
        yield path, state
        return
    parts: Iterable[Tuple[Any, Any]] = ()
    if isinstance(state, Mapping):
        parts = state.items()
    elif isinstance(state, (list, tuple)):
        parts = enumerate(state)
    for name, part in parts:
        yield from tensors_by_path(part, "%s/%s" % (path, name))


def is_started_by_torchrun(variables: Mapping[str, str]) -> bool:
    """Whether this process is one of several that torchrun started."""
    return all(variables.get(name) for name in SET_BY_TORCHRUN)


def claim_device(variables: MutableMapping[str, str]) -> None:
    """Leaves only the GPU of this rank visible, so that "the GPU" means the same one to torch, Warp and NCCL.

    To be called before anything has asked CUDA for its devices.
    """
    local = int(variables["LOCAL_RANK"])
    visible = [name for name in variables.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    variables["CUDA_VISIBLE_DEVICES"] = visible[local] if local < len(visible) else str(local)


def join(device: str) -> Ranks:
    """The ranks that torchrun started, connected; else one rank on its own. Before anything has asked for a GPU.

    Args:
        device: The option: "cpu" connects through gloo, "auto" and "cuda" through NCCL where there is a GPU.
    """
    if not is_started_by_torchrun(os.environ):
        return Ranks()
    if device != "cpu":
        claim_device(os.environ)
    on_gpu = device != "cpu" and torch.cuda.is_available()
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())

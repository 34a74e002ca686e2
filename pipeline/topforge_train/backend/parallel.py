"""Two cores for CPU kernels: Warp runs one thread per launch, so several Python threads launch parts of the work.

A launch spends its time inside a foreign call, which releases Python's global lock, so plain threads scale. Warp's
atomics on the CPU are ordinary read-modify-write, hence the rule for a kernel launched from here: **two threads never
write the same address**. There are two ways to keep it:

* `launch_ranges`: the kernel gathers; each thread takes a range of its outputs (kernel's first argument: `first`).
* `launch_owners`: the kernel scatters; every thread sees all inputs but writes only the addresses it owns, for
  instance the texel rows with `row % owners == owner` (kernel's first arguments: `owner`, `owners`).

Both give the same bits for any number of threads, because each address is still written in the order of the inputs.
On a GPU there is a single launch with `first` = 0, or `owner` = 0 of `owners` = 1, and the atomics are real.
"""

from __future__ import annotations

import contextlib
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator, List, Optional, Sequence, Set, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.warp_runtime import start

MINIMUM_PER_THREAD = 512
"""Below this many items a second launch (about 20 microseconds) costs more than it saves."""

_threads = 0


def threads() -> int:
    """How many threads share a CPU launch: what `set_threads` said, else torch's own number of threads."""
    return _threads or torch.get_num_threads()


def set_threads(count: int) -> None:
    """Fixes the number of threads that share a CPU launch; 0 follows torch again."""
    global _threads
    _threads = count


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """Torch's own operations on one thread, for set-up work made of many short ones.

    Each operation on several threads ends when the last thread had its turn: on a busy machine that was measured to
    turn one second into twenty.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@functools.lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="topforge-kernel")


def run(tasks: Sequence[Callable[[], Any]]) -> None:
    """Runs all tasks at the same time, the first in the calling thread; raises the first failure once all ended."""
    pending = [_pool().submit(task) for task in tasks[1:]]
    try:
        for task in tasks[:1]:
            task()
    finally:
        errors = [future.exception() for future in pending]
    for error in errors:
        if error is not None:
            raise error


def ranges(count: int) -> List[Tuple[int, int]]:
    """Splits 0..count into (first, length) pieces, one for each thread that is worth starting."""
    parts = max(1, min(threads(), count // MINIMUM_PER_THREAD))
    bounds = [count * part // parts for part in range(parts + 1)]
    return [(first, last - first) for first, last in zip(bounds, bounds[1:])]


def balanced_ranges(work: Tensor) -> List[Tuple[int, int]]:
    """Splits items into (first, length) pieces of equal work; `work` [items + 1] is the running sum before each."""
    parts = len(ranges(int(work[-1])))
    targets = torch.arange(parts + 1, dtype=torch.float64) * (float(work[-1]) / parts)
    bounds = torch.searchsorted(work.double(), targets).tolist()
    bounds[0], bounds[-1] = 0, len(work) - 1
    return [(first, last - first) for first, last in zip(bounds, bounds[1:])]


def launch_ranges(
    kernel: wp.Kernel,
    count: int,
    arguments: Sequence[Any],
    device: torch.device,
    pieces: Optional[List[Tuple[int, int]]] = None,
) -> None:
    """Launches a gathering kernel over `count` items; the kernel adds its argument `first` to `wp.tid()`.

    `pieces` are the ranges to share out where equal lengths would not be equal work.
    """
    where = _prepare(kernel, device)
    parts = (pieces or ranges(count)) if where.is_cpu else [(0, count)]
    inputs = [_as_warp(argument) for argument in arguments]
    run([functools.partial(_launch, kernel, length, [first, *inputs], where) for first, length in parts])


def launch_owners(kernel: wp.Kernel, count: int, arguments: Sequence[Any], device: torch.device) -> None:
    """Launches a scattering kernel over all `count` items once for each owner of a share of the output."""
    where = _prepare(kernel, device)
    owners = len(ranges(count)) if where.is_cpu else 1
    inputs = [_as_warp(argument) for argument in arguments]
    run([functools.partial(_launch, kernel, count, [owner, owners, *inputs], where) for owner in range(owners)])


def launch_each(kernel: wp.Kernel, count: int, calls: Sequence[Sequence[Any]], device: torch.device) -> None:
    """Launches a kernel once for each list of arguments; the calls write disjoint arrays and share the threads."""
    where = _prepare(kernel, device)
    parts = len(ranges(count)) if where.is_cpu else 1
    inputs = [[_as_warp(argument) for argument in arguments] for arguments in calls]

    def share(part: int) -> None:
        for arguments in inputs[part::parts]:
            _launch(kernel, count, arguments, where)

    run([functools.partial(share, part) for part in range(parts)])


def _prepare(kernel: wp.Kernel, device: torch.device) -> Any:
    """Compiles the kernel's module here, so that two threads never start the same compilation."""
    where = _warp_device(device.type, device.index)
    if (kernel, where.alias) not in _loaded:
        # A launch on the CPU asks for blocks of one thread; any other block size would be a second compilation.
        kernel.module.load(where, block_dim=1 if where.is_cpu else None)
        _loaded.add((kernel, where.alias))
    return where


_loaded: Set[Tuple[wp.Kernel, str]] = set()


@functools.lru_cache(maxsize=None)
def _warp_device(kind: str, index: Optional[int]) -> Any:
    start()
    return wp.device_from_torch(torch.device(kind) if index is None else torch.device(kind, index))


@functools.lru_cache(maxsize=16)
def _warp_stream(handle: int, ordinal: int) -> Any:
    """Warp's name of a CUDA stream; making one anew for every launch costs more than most kernels."""
    return wp.Stream(wp.get_cuda_device(ordinal), cuda_stream=handle)


def _as_warp(argument: Any) -> Any:
    """Tensors as Warp sees them, without a copy: trailing dimensions of a vector type are folded by `vectors`."""
    return vectors(argument, None) if isinstance(argument, Tensor) else argument


def vectors(tensor: Tensor, dtype: Any) -> Any:
    """A tensor [N, k] as a Warp array of N vectors (or with None of its own numbers), without a copy.

    For a GPU that is a bare description, which takes a fifth of the time, but which no launch checks: that every
    kernel gets what it expects is checked on the CPU, where the same calls are made.
    """
    start()
    return wp.from_torch(tensor.detach(), dtype=dtype, requires_grad=False, return_ctype=tensor.is_cuda)


def _launch(kernel: wp.Kernel, count: int, inputs: List[Any], where: Any) -> None:
    if where.is_cpu:
        wp.launch(kernel, dim=count, inputs=inputs, device=where)
        return
    stream = _warp_stream(torch.cuda.current_stream(where.ordinal).cuda_stream, where.ordinal)
    wp.launch(kernel, dim=count, inputs=inputs, device=where, stream=stream)

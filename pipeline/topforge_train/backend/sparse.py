"""A constant sparse matrix times a list of colours, forwards and backwards, both as gathers."""

from __future__ import annotations

import dataclasses
from typing import Any, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend import parallel

wp.set_module_options({"enable_backward": False})


@wp.kernel
def multiply_rows(
    first: wp.int32,
    starts: wp.array(dtype=wp.int32),
    columns: wp.array(dtype=wp.int32),
    values: wp.array(dtype=wp.float32),
    vectors: wp.array(dtype=wp.vec3),
    out: wp.array(dtype=wp.vec3),
):
    """One thread per row: out[row] = sum of values * vectors[columns]."""
    row = first + wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    for k in range(starts[row], starts[row + 1]):
        total += values[k] * vectors[columns[k]]
    out[row] = total


LANES = 32
"""Threads that share a row on a GPU in `add_rows`: the columns of coarse texels have thousands of entries."""


@wp.kernel
def add_rows(
    starts: wp.array(dtype=wp.int32),
    columns: wp.array(dtype=wp.int32),
    values: wp.array(dtype=wp.float32),
    vectors: wp.array(dtype=wp.vec3),
    out: wp.array(dtype=wp.vec3),
):
    """The same with LANES threads per row, which add their parts: for rows of very different lengths."""
    row = wp.tid() // LANES
    total = wp.vec3(0.0, 0.0, 0.0)
    for k in range(starts[row] + wp.tid() % LANES, starts[row + 1], LANES):
        total += values[k] * vectors[columns[k]]
    if starts[row] + wp.tid() % LANES < starts[row + 1]:
        wp.atomic_add(out, row, total)


@dataclasses.dataclass(frozen=True)
class CompressedRows:
    """Entries sorted by row. starts [rows + 1] int32, columns and values [entries] int32 and float32."""

    starts: Tensor
    columns: Tensor
    values: Tensor

    def times(self, vectors: Tensor, uneven: bool = False) -> Tensor:
        """This matrix times vectors [columns, 3] float32: [rows, 3].

        With `uneven` a GPU shares each row among threads, which add in any order.
        """
        vectors = vectors.contiguous()
        if uneven and vectors.is_cuda:
            return self._shared(vectors)
        out = vectors.new_empty((len(self.starts) - 1, 3))
        arguments = [self.starts, self.columns, self.values]
        arguments += [parallel.vectors(vectors, wp.vec3), parallel.vectors(out, wp.vec3)]
        pieces = parallel.balanced_ranges(self.starts) if out.device.type == "cpu" else None
        parallel.launch_ranges(multiply_rows, len(out), arguments, out.device, pieces)
        return out

    def _shared(self, vectors: Tensor) -> Tensor:
        out = vectors.new_zeros((len(self.starts) - 1, 3))
        arguments = [self.starts, self.columns, self.values]
        arguments += [parallel.vectors(vectors, wp.vec3), parallel.vectors(out, wp.vec3)]
        parallel.launch_each(add_rows, LANES * len(out), [arguments], out.device)
        return out

    def to(self, device: torch.device) -> CompressedRows:
        """The same on a device."""
        return CompressedRows(self.starts.to(device), self.columns.to(device), self.values.to(device))


@dataclasses.dataclass(frozen=True)
class SparseMatrix:
    """A constant matrix and its transpose, so that both directions gather: fast, parallel and deterministic."""

    forward: CompressedRows
    transposed: CompressedRows

    @classmethod
    def from_entries(cls, rows: Tensor, columns: Tensor, values: Tensor, shape: Tuple[int, int]) -> SparseMatrix:
        """From entries (row, column, value); those at the same place are added."""
        with torch.sparse.check_sparse_tensor_invariants(enable=False):  # said aloud, or some versions of torch warn
            matrix = torch.sparse_coo_tensor(torch.stack([rows, columns]), values, shape).coalesce()
            return cls(_compressed(matrix), _compressed(matrix.t().coalesce()))

    def to(self, device: torch.device) -> SparseMatrix:
        """The same on a device."""
        return SparseMatrix(self.forward.to(device), self.transposed.to(device))

    @property
    def entries(self) -> int:
        """How many entries are stored."""
        return len(self.forward.values)

    def __matmul__(self, vectors: Tensor) -> Tensor:
        """Times vectors [columns, 3] float32; differentiable in them."""
        return _Product.apply(vectors, self)


def _compressed(matrix: Tensor) -> CompressedRows:
    rows, columns = matrix.indices()
    counts = torch.bincount(rows, minlength=matrix.shape[0])
    starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return CompressedRows(starts.int(), columns.int().contiguous(), matrix.values().float())


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, matrix: SparseMatrix) -> Tensor:
        ctx.matrix = matrix
        return matrix.forward.times(vectors)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tuple[Tensor, None]:
        return ctx.matrix.transposed.times(grad, uneven=True), None

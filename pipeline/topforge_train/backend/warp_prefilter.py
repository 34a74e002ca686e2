"""Kernels of the light's prefilter: an averaged pyramid, and a sparse matrix times six columns of colours at once.

The matrix holds the rows of one face. For the other five the light is turned instead, which gives six columns for the
same entries: a sixth of the memory, read once. Everything gathers, forwards and backwards, so that results repeat to
the bit on any device, and nothing waits for the GPU.
"""

from __future__ import annotations

import dataclasses
from typing import Any, List, Tuple

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.parallel import launch_ranges, vectors

wp.set_module_options({"enable_backward": False})

FACES = 6
WIDTH = 3 * FACES
Colours = wp.types.vector(length=WIDTH, dtype=wp.float32)
"""One colour for each of the six rotations of the light."""

SEGMENT = 16
"""Entries that one thread adds. Rows of very different lengths so keep every thread equally busy."""


@wp.kernel
def halve(
    first: wp.int32,
    side: wp.int32,
    share: wp.array(dtype=wp.float32),
    fine: wp.array(dtype=wp.vec3),
    coarse: wp.array(dtype=wp.vec3),
):
    """One thread per coarse texel: its four fine ones, by their share [2 side, 2 side] of its solid angle."""
    i = first + wp.tid()
    face = i / (side * side)
    row = i / side % side
    column = i % side
    total = wp.vec3(0.0, 0.0, 0.0)
    for k in range(4):
        place = (2 * row + k / 2) * 2 * side + 2 * column + k % 2
        total += share[place] * fine[face * 4 * side * side + place]
    coarse[i] = total


@wp.kernel
def halve_adjoint(
    first: wp.int32,
    side: wp.int32,
    share: wp.array(dtype=wp.float32),
    coarse: wp.array(dtype=wp.vec3),
    fine: wp.array(dtype=wp.vec3),
):
    """One thread per fine texel: adds its share of the coarse texel's gradient."""
    i = first + wp.tid()
    face = i / (4 * side * side)
    place = i % (4 * side * side)
    row = place / (4 * side)
    column = place % (2 * side) / 2
    fine[i] = fine[i] + share[place] * coarse[(face * side + row) * side + column]


@wp.kernel
def add_segments(
    first: wp.int32,
    starts: wp.array(dtype=wp.int32),
    columns: wp.array(dtype=wp.int32),
    values: wp.array(dtype=wp.float32),
    colours: wp.array(dtype=Colours),
    out: wp.array(dtype=Colours),
):
    """One thread per segment of a row: the sum of values * colours[columns]."""
    i = first + wp.tid()
    total = Colours()
    for k in range(starts[i], starts[i + 1]):
        total += values[k] * colours[columns[k]]
    out[i] = total


@wp.kernel
def add_segments_by_column(
    first: wp.int32,
    starts: wp.array(dtype=wp.int32),
    columns: wp.array(dtype=wp.int32),
    values: wp.array(dtype=wp.float32),
    colours: wp.array(dtype=wp.float32),
    out: wp.array(dtype=wp.float32),
):
    """The same with one thread per segment and number: neighbours on a GPU read neighbours in memory."""
    i = first + wp.tid()
    segment = i / WIDTH
    at = i % WIDTH
    total = wp.float32(0.0)
    for k in range(starts[segment], starts[segment + 1]):
        total += values[k] * colours[columns[k] * WIDTH + at]
    out[i] = total


@wp.kernel
def add_rows(
    first: wp.int32, starts: wp.array(dtype=wp.int32), parts: wp.array(dtype=wp.vec3), out: wp.array(dtype=wp.vec3)
):
    """One thread per row and rotation: the sum of the row's segments."""
    i = first + wp.tid()
    row = i / FACES
    total = wp.vec3(0.0, 0.0, 0.0)
    for k in range(starts[row], starts[row + 1]):
        total += parts[k * FACES + i % FACES]
    out[i] = total


@dataclasses.dataclass(frozen=True)
class Rows:
    """A sparse matrix, its rows cut into segments."""

    rows: Tensor  # [R + 1] int32: first segment of each row, and the number of segments
    segments: Tensor  # [S + 1] int32: first entry of each segment, and the number of entries
    columns: Tensor  # [E] int32
    values: Tensor  # [E] float32

    @classmethod
    def from_entries(cls, row: Tensor, column: Tensor, value: Tensor, rows: int) -> Rows:
        """From entries (row, column, value) in any order; those at the same place simply count twice."""
        order = torch.argsort(row, stable=True)
        counts = torch.bincount(row, minlength=rows)
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        pieces = (counts + SEGMENT - 1).div(SEGMENT, rounding_mode="floor")
        firsts = torch.cat([pieces.new_zeros(1), pieces.cumsum(0)])
        owner = torch.repeat_interleave(torch.arange(rows, device=row.device), pieces)
        segment = starts[owner] + (torch.arange(len(owner), device=row.device) - firsts[owner]) * SEGMENT
        segment = torch.cat([segment, starts[-1:]])
        return cls(firsts.int(), segment.int(), column[order].int(), value[order].float())

    def times(self, colours: Tensor, by_column: bool) -> Tensor:
        """This matrix times colours [columns * 6, 3]: [R * 6, 3], float32, rotations fastest.

        With `by_column` there is a thread for each number, which suits a GPU; else one for all 18 of a segment.
        """
        parts = colours.new_empty((FACES * (len(self.segments) - 1), 3))
        out = colours.new_empty((FACES * (len(self.rows) - 1), 3))
        arguments = [self.segments, self.columns, self.values]
        if by_column:
            launch_ranges(
                add_segments_by_column, parts.numel(), [*arguments, colours.view(-1), parts.view(-1)], out.device
            )
        else:
            arguments += [vectors(tensor.view(-1, WIDTH), Colours) for tensor in (colours, parts)]
            launch_ranges(add_segments, len(self.segments) - 1, arguments, out.device)
        arguments = [self.rows, vectors(parts, wp.vec3), vectors(out, wp.vec3)]
        launch_ranges(add_rows, len(out), arguments, out.device)
        return out


@dataclasses.dataclass(frozen=True)
class Tables:
    """What a prefilter does, for one size of light on one device; N texels of the light, U of its pyramid in use."""

    shares: Tuple[Tensor, ...]  # [2 n, 2 n] float32 each: shares of the texels of the light, then of ever coarser maps
    turned: Tensor  # [U * 6] int64: for each cell in use and rotation, the pyramid's cell that the rotation puts there
    used: Tensor  # [cells * 6] int64: the inverse; U * 6 where a cell is not in use
    forward: Rows
    transposed: Rows
    place: Tensor  # [texels] int64: for each texel of the levels, its row * 6 + rotation
    texel: Tensor  # [texels] int64: the inverse


def _pyramid(base: Tensor, shares: Tuple[Tensor, ...]) -> Tensor:
    """The light [N, 3] and its averages, one below another."""
    sides = [len(share) // 2 for share in shares]
    maps = list(base.new_empty((len(base) + sum(FACES * n * n for n in sides), 3)).split([len(base), *_texels(sides)]))
    whole = maps[0]._base
    assert whole is not None
    maps[0].copy_(base)
    for side, share, fine, coarse in zip(sides, shares, maps, maps[1:]):
        arguments = [side, share.view(-1), vectors(fine, wp.vec3), vectors(coarse, wp.vec3)]
        launch_ranges(halve, len(coarse), arguments, base.device)
    return whole


def _texels(sides: List[int]) -> List[int]:
    return [FACES * side * side for side in sides]


def _pyramid_adjoint(gradient: Tensor, shares: Tuple[Tensor, ...]) -> Tensor:
    """Gradient [N, 3] of the light from that of its pyramid, which is overwritten."""
    sides = [len(share) // 2 for share in shares]
    maps = gradient.split([FACES * 4 * sides[0] ** 2, *_texels(sides)])
    for side, share, fine, coarse in reversed(list(zip(sides, shares, maps, maps[1:]))):
        arguments = [side, share.view(-1), vectors(coarse, wp.vec3), vectors(fine, wp.vec3)]
        launch_ranges(halve_adjoint, len(fine), arguments, gradient.device)
    return maps[0]


class _Filter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, base: Tensor, tables: Tables) -> Tensor:
        ctx.tables = tables
        colours = _pyramid(base, tables.shares).index_select(0, tables.turned)
        return tables.forward.times(colours, base.is_cuda).index_select(0, tables.place)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None]:
        tables = ctx.tables
        by_cell = tables.transposed.times(gradient.index_select(0, tables.texel), gradient.is_cuda)
        by_cell = torch.cat([by_cell, by_cell.new_zeros(1, 3)]).index_select(0, tables.used)
        return _pyramid_adjoint(by_cell.view(-1, FACES, 3).sum(1), tables.shares), None


def filtered(base: Tensor, tables: Tables) -> Tensor:
    """All levels, one below another [texels, 3], of a light's texels [N, 3] float32; differentiable."""
    return _Filter.apply(base, tables)

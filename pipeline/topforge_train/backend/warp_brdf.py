"""Lookups in the table of `rendering.brdf` inside other kernels, with their slopes."""

from __future__ import annotations

import warp as wp

from topforge_train.rendering import brdf

wp.set_module_options({"enable_backward": False})

NODES = wp.constant(brdf.TABLE_SIZE)
PLANE = wp.constant(brdf.TABLE_SIZE**2)
"""From a cell of the scale to the same of the bias."""
STRETCH = wp.constant(brdf.STRETCH)
LOW = wp.constant(brdf.STRETCH**0.5)
SPAN = wp.constant((1.0 + brdf.STRETCH) ** 0.5 - brdf.STRETCH**0.5)


@wp.func
def brdf_place(cosine: float, roughness: float):
    """The cell of the table that holds a place: column, row, and the fractions within."""
    last = float(NODES - 1)
    x = wp.clamp((wp.sqrt(cosine + STRETCH) - LOW) / SPAN * last, 0.0, last)
    y = wp.clamp(roughness * last, 0.0, last)
    column = wp.clamp(int(x), 0, NODES - 2)
    row = wp.clamp(int(y), 0, NODES - 2)
    return row * NODES + column, x - float(column), y - float(row)


@wp.func
def brdf_value(table: wp.array(dtype=float), cell: int, x: float, y: float) -> float:
    """Bilinear within a cell that begins at `cell`."""
    upper = table[cell] + x * (table[cell + 1] - table[cell])
    lower = table[cell + NODES] + x * (table[cell + NODES + 1] - table[cell + NODES])
    return upper + y * (lower - upper)


@wp.func
def brdf_slopes(
    table: wp.array(dtype=float), cell: int, x: float, y: float, cosine: float, roughness: float
) -> wp.vec2:
    """Derivatives of `brdf_value` by N.V and roughness, at the place they were made from."""
    upper = table[cell + 1] - table[cell]
    lower = table[cell + NODES + 1] - table[cell + NODES]
    left = table[cell + NODES] - table[cell]
    right = table[cell + NODES + 1] - table[cell + 1]
    by_cosine = (upper + y * (lower - upper)) * float(NODES - 1) * 0.5 / (wp.sqrt(cosine + STRETCH) * SPAN)
    by_roughness = wp.float32(0.0)
    if roughness >= 0.0 and roughness <= 1.0:
        by_roughness = (left + x * (right - left)) * float(NODES - 1)
    return wp.vec2(by_cosine, by_roughness)

"""Unit vectors and their adjoints inside kernels. A vector without a direction gives zero, forward and backward.

Torch's `normalize` divides by a floor instead, which sends a gradient of 1e12 or more through a vector of length zero;
the floor exists for the same cases, and what no direction depends on has no slope.
"""

from __future__ import annotations

import warp as wp

wp.set_module_options({"enable_backward": False})


@wp.func
def unit(v: wp.vec3, shortest: float) -> wp.vec3:
    """The vector over its length; zero where that is not above `shortest`."""
    length = wp.length(v)
    if length <= shortest:
        return wp.vec3(0.0, 0.0, 0.0)
    return v / length


@wp.func
def unit_slope(v: wp.vec3, gradient: wp.vec3, shortest: float) -> wp.vec3:
    """Adjoint of `unit`: the gradient's part across the vector, over its length."""
    length = wp.length(v)
    if length <= shortest:
        return wp.vec3(0.0, 0.0, 0.0)
    direction = v / length
    return (gradient - direction * wp.dot(direction, gradient)) / length


@wp.kernel
def unit_kernel(first: int, shortest: float, given: wp.array(dtype=wp.vec3), found: wp.array(dtype=wp.vec3)):
    """The direction of each vector of a list."""
    i = first + wp.tid()
    found[i] = unit(given[i], shortest)

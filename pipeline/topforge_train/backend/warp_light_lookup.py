"""Lookups of a prefiltered light inside other kernels: value, adjoint in direction and level, adjoint in the texels.

The same arithmetic as `warp_cube`, whose operator takes any chain of cube maps; here the maps have three channels.
"""

from __future__ import annotations

import warp as wp

from topforge_train.backend.mip_levels import Chain, image_of, level_and_fraction
from topforge_train.backend.warp_cube import bilinear_weights, face_vector, project, taps, weight_slopes
from topforge_train.rendering.prefilter import MINIMUM_ROUGHNESS

wp.set_module_options({"enable_backward": False})

SHARPEST = wp.constant(MINIMUM_ROUGHNESS)
"""Roughness of level 0."""
MIDDLE = wp.constant(0.5)
"""Roughness of the last level but one."""


@wp.func
def level_of(roughness: float, count: int) -> float:
    """Fractional level of a perceptual roughness (`light.fractional_level`)."""
    fine = (wp.clamp(roughness, SHARPEST, MIDDLE) - SHARPEST) * float(count - 2) / (MIDDLE - SHARPEST)
    return fine + (wp.clamp(roughness, MIDDLE, 1.0) - MIDDLE) / (1.0 - MIDDLE)


@wp.func
def level_slope(roughness: float, count: int) -> float:
    """Derivative of `level_of`; zero where it is clamped."""
    if roughness < SHARPEST or roughness > 1.0:
        return 0.0
    if roughness < MIDDLE:
        return float(count - 2) / (MIDDLE - SHARPEST)
    return 1.0 / (1.0 - MIDDLE)


@wp.func
def look(chain: Chain, level: float, direction: wp.vec3) -> wp.vec3:
    """Radiance from a direction of any length."""
    lower, fraction = level_and_fraction(level, chain.count)
    face, uv, _ = project(direction)
    value = wp.vec3(0.0, 0.0, 0.0)
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if weight > 0.0:
            pointer, n, _width = image_of(chain, lower + step)
            texels = wp.array(ptr=pointer, shape=(6 * n * n,), dtype=wp.vec3)
            index, f = taps(face, uv, n)
            w = weight * bilinear_weights(index, f)
            for corner in range(4):
                value += w[corner] * texels[wp.max(index[corner], 0)]
    return value


@wp.func
def look_slopes(chain: Chain, level: float, direction: wp.vec3, gradient: wp.vec3):
    """The radiance, and the adjoint of `look` in the direction and in the level."""
    count = chain.count
    lower, fraction = level_and_fraction(level, count)
    face, uv, major = project(direction)
    value = wp.vec3(0.0, 0.0, 0.0)
    slope = wp.vec2(0.0, 0.0)
    by_level = wp.float32(0.0)
    for step in range(wp.min(count, 2)):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        pointer, n, _width = image_of(chain, lower + step)
        texels = wp.array(ptr=pointer, shape=(6 * n * n,), dtype=wp.vec3)
        index, f = taps(face, uv, n)
        w = bilinear_weights(index, f)
        here = wp.vec3(0.0, 0.0, 0.0)
        dots = wp.vec4(0.0, 0.0, 0.0, 0.0)
        for corner in range(4):
            texel = texels[wp.max(index[corner], 0)]
            here += w[corner] * texel
            dots[corner] = wp.dot(gradient, texel)
        by_x, by_y = weight_slopes(index, f)
        slope += weight * 0.5 * float(n) * wp.vec2(wp.dot(by_x, dots), wp.dot(by_y, dots))
        value += weight * here
        by_level += wp.where(step == 0, -1.0, 1.0) * wp.dot(here, gradient)
    if count == 1 or level < 0.0 or level > float(count - 1):
        by_level = wp.float32(0.0)
    # d(s / major) = ds / major - s dmajor / major
    return value, face_vector(face, -wp.dot(slope, uv), slope[0], slope[1]) / major, by_level


@wp.func
def add_to_texels(
    owner: int, owners: int, chain: Chain, offset: int, level: float, direction: wp.vec3, gradient: wp.vec3
):
    """Adjoint of `look` in the texels: adds to those rows of `chain` that are this owner's (see `parallel`).

    `offset` is counted in texels from where the chain's images lie.
    """
    lower, fraction = level_and_fraction(level, chain.count)
    face, uv, _ = project(direction)
    for step in range(2):
        weight = wp.where(step == 0, 1.0 - fraction, fraction)
        if weight > 0.0:
            pointer, n, _width = image_of(chain, lower + step)
            texels = wp.array(ptr=pointer, shape=(6 * n * n,), dtype=wp.vec3)
            index, f = taps(face, uv, n)
            w = weight * bilinear_weights(index, f)
            for corner in range(4):
                at = index[corner]
                if at >= 0 and (at // n) % owners == owner:
                    wp.atomic_add(texels, offset + at, w[corner] * gradient)

"""Split-sum shading of one point inside other kernels, and its adjoint; formulas: `rendering.shading.shade`.

Occlusion is not part of it: the kernels multiply with it.
"""

from __future__ import annotations

import warp as wp

from topforge_train.backend.mip_levels import Chain
from topforge_train.backend.warp_brdf import PLANE, brdf_place, brdf_slopes, brdf_value
from topforge_train.backend.warp_light_lookup import level_of, level_slope, look, look_slopes
from topforge_train.rendering.shading import DIELECTRIC_REFLECTANCE, LEAST_COSINE

wp.set_module_options({"enable_backward": False})

GRAZING = wp.constant(LEAST_COSINE)
DIELECTRIC = wp.constant(DIELECTRIC_REFLECTANCE)


@wp.func
def reflectance_of(base: wp.vec3, metallic: float) -> wp.vec3:
    """Reflectance along the normal: four hundredths of white for plastic, the base colour for metal."""
    grey = DIELECTRIC * (1.0 - metallic)
    return wp.vec3(grey, grey, grey) + metallic * base


@wp.func
def split_sum(
    light: Chain,
    table: wp.array(dtype=float),
    base: wp.vec3,
    roughness: float,
    metallic: float,
    normal: wp.vec3,
    view: wp.vec3,
) -> wp.vec3:
    """Radiance towards `view`."""
    cosine = wp.clamp(wp.dot(normal, view), GRAZING, 1.0)
    cell, x, y = brdf_place(cosine, roughness)
    bias = brdf_value(table, cell + PLANE, x, y)
    specular = brdf_value(table, cell, x, y) * reflectance_of(base, metallic) + wp.vec3(bias, bias, bias)
    diffuse = (1.0 - metallic) * wp.cw_mul(base, wp.vec3(1.0, 1.0, 1.0) - specular)
    irradiance = look(light, float(light.count - 1), normal)
    mirrored = look(light, level_of(roughness, light.count), 2.0 * cosine * normal - view)
    return wp.cw_mul(diffuse, irradiance) + wp.cw_mul(specular, mirrored)


@wp.struct
class SplitSumSlopes:
    """What `split_sum_slopes` finds."""

    radiance: wp.vec3
    reflection: wp.vec3  # where the specular lookup looks
    by_irradiance: wp.vec3  # gradients to both lookups
    by_mirrored: wp.vec3
    by_base: wp.vec3
    by_roughness: float
    by_metallic: float
    by_normal: wp.vec3
    by_view: wp.vec3


@wp.func
def split_sum_slopes(
    light: Chain,
    table: wp.array(dtype=float),
    base: wp.vec3,
    roughness: float,
    metallic: float,
    normal: wp.vec3,
    view: wp.vec3,
    gradient: wp.vec3,
) -> SplitSumSlopes:
    """The radiance, and its adjoint in all but the light; for that, where the lookups look and their gradients."""
    facing = wp.dot(normal, view)
    cosine = wp.clamp(facing, GRAZING, 1.0)
    cell, x, y = brdf_place(cosine, roughness)
    scale = brdf_value(table, cell, x, y)
    bias = brdf_value(table, cell + PLANE, x, y)
    reflectance = reflectance_of(base, metallic)
    specular = scale * reflectance + wp.vec3(bias, bias, bias)
    through = wp.vec3(1.0, 1.0, 1.0) - specular
    diffuse = (1.0 - metallic) * base

    s = SplitSumSlopes()
    s.reflection = 2.0 * cosine * normal - view
    s.by_irradiance = wp.cw_mul(gradient, wp.cw_mul(diffuse, through))
    s.by_mirrored = wp.cw_mul(gradient, specular)
    irradiance, by_normal, _ = look_slopes(light, float(light.count - 1), normal, s.by_irradiance)
    level = level_of(roughness, light.count)
    mirrored, by_reflection, by_level = look_slopes(light, level, s.reflection, s.by_mirrored)
    s.radiance = wp.cw_mul(wp.cw_mul(diffuse, through), irradiance) + wp.cw_mul(specular, mirrored)

    by_diffuse = wp.cw_mul(gradient, wp.cw_mul(through, irradiance))
    by_specular = wp.cw_mul(gradient, mirrored - wp.cw_mul(diffuse, irradiance))
    by_bias = by_specular[0] + by_specular[1] + by_specular[2]
    by_scale = wp.dot(by_specular, reflectance)
    by_place = by_scale * brdf_slopes(table, cell, x, y, cosine, roughness)
    by_place += by_bias * brdf_slopes(table, cell + PLANE, x, y, cosine, roughness)
    s.by_base = (1.0 - metallic) * by_diffuse + (scale * metallic) * by_specular
    s.by_roughness = by_place[1] + by_level * level_slope(roughness, light.count)
    s.by_metallic = scale * (wp.dot(by_specular, base) - DIELECTRIC * by_bias) - wp.dot(by_diffuse, base)
    s.by_normal = by_normal + 2.0 * cosine * by_reflection
    s.by_view = -by_reflection
    if facing >= GRAZING and facing <= 1.0:
        by_cosine = by_place[0] + 2.0 * wp.dot(normal, by_reflection)
        s.by_normal += by_cosine * view
        s.by_view += by_cosine * normal
    return s

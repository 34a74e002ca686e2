"""From an interpolated normal to the shading normal, inside other kernels: normal map, then bending; with adjoints.

`rendering.shading` has the formulas (`mapped_normal`, `facing`) and says why normals are bent.
"""

from __future__ import annotations

import warp as wp

from topforge_train.backend.warp_vectors import unit, unit_slope
from topforge_train.rendering.shading import LEAST_FACING

wp.set_module_options({"enable_backward": False})

SHORTEST = wp.constant(1.0e-12)
"""Vectors below this length have no direction."""
BENT_TO = wp.constant(LEAST_FACING)


@wp.struct
class Bend:
    """The way from an interpolated normal to the shading normal."""

    view: wp.vec3  # unit vector to the eye
    smooth: wp.vec3  # unit interpolated normal
    detail: wp.vec3  # with the normal map, not of unit length
    mapped: wp.vec3  # of unit length, of the side that is seen
    lift: float  # how much of the view is added to it
    bent: wp.vec3  # the sum
    normal: wp.vec3  # of unit length


@wp.func
def bend(to_eye: wp.vec3, normal: wp.vec3, mapping: bool, frame: wp.vec4, texel: wp.vec3, side: float) -> Bend:
    """Unit view and shading normal from the vector to the eye and an interpolated normal, both of any length.

    Where there is `mapping`, `frame` is the interpolated tangent and orientation, and `texel` the normal map's. `side`
    is -1 where the inner side of the surface is seen, else 1.
    """
    b = Bend()
    b.view = unit(to_eye, SHORTEST)
    b.smooth = unit(normal, SHORTEST)
    b.detail = b.smooth
    b.mapped = b.smooth
    if mapping:
        tangent = wp.vec3(frame[0], frame[1], frame[2])
        b.detail = texel[0] * tangent + (texel[1] * frame[3]) * wp.cross(b.smooth, tangent) + texel[2] * b.smooth
        b.mapped = unit(b.detail, SHORTEST)
    b.mapped = side * b.mapped
    b.lift = wp.max(BENT_TO - wp.dot(b.mapped, b.view), 0.0)
    b.bent = b.mapped + b.lift * b.view
    b.normal = unit(b.bent, SHORTEST)
    return b


@wp.func
def unbent(b: Bend, side: float, by_normal: wp.vec3, by_view: wp.vec3):
    """Adjoint of the bending: gradients to the mapped normal, of the outer side, and to the unit view."""
    by_mapped = unit_slope(b.bent, by_normal, SHORTEST)
    to_view = by_view + b.lift * by_mapped
    if b.lift > 0.0:
        by_lift = wp.dot(b.view, by_mapped)
        to_view -= by_lift * b.mapped
        by_mapped = by_mapped - by_lift * b.view
    return side * by_mapped, to_view


@wp.func
def unmapped(b: Bend, frame: wp.vec4, texel: wp.vec3, by_mapped: wp.vec3):
    """Adjoint of the normal map: gradients to the smooth normal, the frame and the texel."""
    by_detail = unit_slope(b.detail, by_mapped, SHORTEST)
    tangent = wp.vec3(frame[0], frame[1], frame[2])
    across = wp.cross(b.smooth, tangent)
    along = wp.dot(across, by_detail)
    by_texel = wp.vec3(wp.dot(tangent, by_detail), frame[3] * along, wp.dot(b.smooth, by_detail))
    by_across = (texel[1] * frame[3]) * by_detail
    by_tangent = texel[0] * by_detail + wp.cross(by_across, b.smooth)
    by_smooth = texel[2] * by_detail + wp.cross(tangent, by_across)
    return by_smooth, wp.vec4(by_tangent[0], by_tangent[1], by_tangent[2], texel[1] * along), by_texel

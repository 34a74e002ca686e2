"""The mip level of each fragment as a Warp kernel: one source for CPU and GPU. Not differentiated."""

from __future__ import annotations

import torch
import warp as wp
from torch import Tensor

from topforge_train.backend.interface import Fragments
from topforge_train.backend.parallel import launch_ranges, vectors
from topforge_train.backend.warp_runtime import check, check_triangles

wp.set_module_options({"enable_backward": False})


@wp.func
def doubled_area(a: wp.vec2, b: wp.vec2, c: wp.vec2) -> float:
    """Twice the area of a triangle in the plane."""
    return wp.abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


@wp.func
def on_screen(p: wp.vec4, size: wp.vec2) -> wp.vec2:
    """Clip position in pixels, but for the origin."""
    w = wp.max(p[3], 1.0e-6)
    return wp.vec2(p[0] / w * size[0], p[1] / w * size[1])


@wp.kernel
def level_kernel(
    first: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    triangles: wp.array(dtype=wp.vec3i),
    uv: wp.array(dtype=wp.vec2),
    uv_triangles: wp.array(dtype=wp.vec3i),
    size: wp.vec2i,
    texels: float,
    pixels: wp.array(dtype=wp.int64),
    hits: wp.array(dtype=int),
    level: wp.array(dtype=float),
):
    """Half the base-2 logarithm of the texels per pixel of one fragment's triangle; 0 where there are fewer."""
    i = first + wp.tid()
    base = int(pixels[i]) // (size[0] * size[1]) * vertices
    if base >= clip.shape[0]:  # padding
        level[i] = 0.0
        return
    corners = triangles[hits[i]]
    half = wp.vec2(0.5 * float(size[0]), 0.5 * float(size[1]))
    a = on_screen(clip[base + corners[0]], half)
    b = on_screen(clip[base + corners[1]], half)
    c = on_screen(clip[base + corners[2]], half)
    places = uv_triangles[hits[i]]
    ratio = texels * doubled_area(uv[places[0]], uv[places[1]], uv[places[2]]) / wp.max(doubled_area(a, b, c), 2.0e-6)
    level[i] = 0.5 * wp.log2(wp.max(ratio, 1.0))


def texture_level(
    clip: Tensor, triangles: Tensor, uv: Tensor, uv_triangles: Tensor, fragments: Fragments, texels: int
) -> Tensor:
    """Mip level [P] at which one texel is about one pixel, from the ratio of areas of each triangle.

    Half the base-2 logarithm of texels per pixel (Heckbert, "Survey of Texture Mapping", 1986, isotropic form). Not
    differentiated: a level is a choice of filter, not a property of the surface.

    Args:
        clip: [B, V, 4] what was rasterised.
        triangles: [F, 3] int32.
        uv: [Vt, 2] texture coordinates.
        uv_triangles: [F, 3] int32 into them.
        fragments: The result of rasterising.
        texels: Height times width of the finest level, which need not be a square.
    """
    device = clip.device
    triangles = check_triangles(triangles, clip.shape[1], device)
    uv_triangles = check_triangles(uv_triangles, len(uv), device)
    positions = check("clip", clip, (fragments.views, "V", 4), torch.float32, device)
    places = check("uv", uv, ("Vt", 2), torch.float32, device)
    level = torch.empty(len(fragments.pixel), device=device)
    if len(level):
        mesh = (vectors(positions.view(-1, 4), wp.vec4), clip.shape[1], vectors(triangles, wp.vec3i))
        texture = (vectors(places, wp.vec2), vectors(uv_triangles, wp.vec3i))
        size = wp.vec2i(fragments.width, fragments.height)
        arrays = (*mesh, *texture, size, float(texels), fragments.pixel, fragments.triangle, level)
        launch_ranges(level_kernel, len(level), arrays, device)
    return level

"""Cube maps: directions, solid angles, neighbours, and the way to and from latitude-longitude images.

A cube map is [6, n, n, C], faces +x -x +y -y +z -z in OpenGL's orientation (OpenGL 4.6, table 8.19). A
latitude-longitude image is [H, W, C]: its centre looks to -z, +x is to the right, +y is up, as in nvdiffrec's
probe.hdr: direction = (sin t sin p, cos t, -sin t cos p) with t = pi (row + 0.5) / H, p = 2 pi (column + 0.5) / W - pi.
Those are the pixels' true centres, as renderers read them; nvdiffrec's rows are up to half a row off at the poles.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from topforge_train.backend.warp_sampling import texture, texture_cube

FACE_AXES = torch.tensor(
    [
        [[1, 0, 0], [0, 0, -1], [0, -1, 0]],
        [[-1, 0, 0], [0, 0, 1], [0, -1, 0]],
        [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
        [[0, -1, 0], [1, 0, 0], [0, 0, -1]],
        [[0, 0, 1], [1, 0, 0], [0, -1, 0]],
        [[0, 0, -1], [-1, 0, 0], [0, -1, 0]],
    ],
    dtype=torch.float64,
)
"""[6, 3, 3]: for each face its outward axis, the direction of its columns and the direction of its rows."""


def texel_directions(n: int) -> Tensor:
    """Unit vectors through the centres of the texels: [6, n, n, 3] float64."""
    position = (torch.arange(n, dtype=torch.float64) + 0.5) * (2.0 / n) - 1.0
    t, s = torch.meshgrid(position, position, indexing="ij")
    on_face = torch.stack([torch.ones_like(s), s, t], dim=-1)
    return torch.nn.functional.normalize(torch.einsum("hwk,fkc->fhwc", on_face, FACE_AXES), dim=-1)


def solid_angles(n: int) -> Tensor:
    """Exact solid angles of the texels, in steradians, the same on every face: [n, n] float64; 6 faces sum to 4 pi.

    The rectangle from the face's centre to (s, t) covers atan2(s t, sqrt(s^2 + t^2 + 1)).
    """
    edge = torch.arange(n + 1, dtype=torch.float64) * (2.0 / n) - 1.0
    t, s = torch.meshgrid(edge, edge, indexing="ij")
    corner = torch.atan2(s * t, torch.sqrt(s * s + t * t + 1.0))
    return corner[1:, 1:] - corner[1:, :-1] - corner[:-1, 1:] + corner[:-1, :-1]


def texel_of(directions: Tensor, n: int) -> Tensor:
    """Flat index (face * n + row) * n + column of the texel that each direction [..., 3] hits: [...] int64."""
    along = directions.to(torch.float64) @ FACE_AXES.reshape(18, 3).T.to(directions.device)
    along = along.reshape(*directions.shape[:-1], 6, 3)
    face = along[..., 0].argmax(-1)
    major, s, t = along.gather(-2, face[..., None, None].expand(*face.shape, 1, 3)).squeeze(-2).unbind(-1)
    column = ((s / major + 1.0) * (0.5 * n)).long().clamp(0, n - 1)
    row = ((t / major + 1.0) * (0.5 * n)).long().clamp(0, n - 1)
    return (face * n + row) * n + column


@functools.lru_cache(maxsize=8)
def neighbours(n: int, device: torch.device = torch.device("cpu")) -> Tensor:  # noqa: B008  # a constant
    """Every pair of texels that share an edge, across faces too: [12 n^2, 2] int64 flat indices on a device."""
    position = (torch.arange(-1, n + 1, dtype=torch.float64) + 0.5) * (2.0 / n) - 1.0
    t, s = torch.meshgrid(position, position, indexing="ij")
    on_face = torch.stack([torch.ones_like(s), s, t], dim=-1)
    index = texel_of(torch.einsum("hwk,fkc->fhwc", on_face, FACE_AXES), n)  # a border of one texel around each face
    centre = index[:, 1:-1, 1:-1]
    around = [index[:, 1:-1, 2:], index[:, 1:-1, :-2], index[:, 2:, 1:-1], index[:, :-2, 1:-1]]
    pairs = torch.cat([torch.stack([centre, other], dim=-1).reshape(-1, 2) for other in around])
    return torch.unique(pairs.sort(dim=-1).values, dim=0).to(device)


def latlong_directions(height: int, width: int) -> Tensor:
    """Unit vectors through the pixel centres of a latitude-longitude image: [height, width, 3] float64."""
    theta = (torch.arange(height, dtype=torch.float64) + 0.5) * (math.pi / height)
    phi = (torch.arange(width, dtype=torch.float64) + 0.5) * (2.0 * math.pi / width) - math.pi
    theta, phi = torch.meshgrid(theta, phi, indexing="ij")
    sine = torch.sin(theta)
    return torch.stack([sine * torch.sin(phi), torch.cos(theta), -sine * torch.cos(phi)], dim=-1)


def latlong_coordinates(directions: Tensor) -> Tensor:
    """Image coordinates (u along the width, v down, both in [0, 1]) of unit vectors [..., 3]: [..., 2]."""
    x, y, z = directions.unbind(-1)
    u = torch.atan2(x, -z) / (2.0 * math.pi) + 0.5
    return torch.stack([u, torch.acos(y.clamp(-1.0, 1.0)) / math.pi], dim=-1)


def to_latlong(base: Tensor, height: int, width: int) -> Tensor:
    """Cube map [6, n, n, C] float32 as a latitude-longitude image [height, width, C].

    Bilinear, and averaged over each pixel where the pixels are larger than the texels.
    """
    finer = max(1, math.ceil(2 * base.shape[1] / min(height, width // 2)))
    directions = latlong_directions(height * finer, width * finer).to(base).reshape(-1, 3)
    fine = texture_cube([base], directions, directions.new_zeros(len(directions)))
    return fine.reshape(height, finer, width, finer, -1).mean(dim=(1, 3))


def from_latlong(image: Tensor, n: int) -> Tensor:
    """Latitude-longitude image [H, W, C] float32 as a cube map [6, n, n, C].

    Each texel is the mean over its solid angle, sampled more finely than the pixels, so that a light smaller than a
    texel keeps its energy: 1 % off in the mean, 15 % at worst in the last rows at the poles.
    """
    image = _reduced(image, max(1, image.shape[0] // (4 * n)))
    height, width, channels = image.shape
    finer = max(1, math.ceil(2 * max(height, width / 2) / n))
    directions = texel_directions(n * finer).to(image)
    weight = solid_angles(n * finer).to(image)[..., None]
    even = _widened_near_poles(image)
    wrapped = torch.cat([even[:, -1:], even, even[:, :1]], dim=1).contiguous()
    faces = []
    for face in directions:  # one at a time: there may be 16 million samples in all
        place = latlong_coordinates(face.reshape(-1, 3))
        across = (place[:, :1] * width + 1.0) / (width + 2)
        place = torch.cat([across, place[:, 1:]], dim=-1)
        radiance = texture([wrapped], place, place.new_zeros(len(place))).reshape(n * finer, n * finer, channels)
        blocks = (radiance * weight).reshape(n, finer, n, finer, channels).sum(dim=(1, 3))
        faces.append(blocks / weight.reshape(n, finer, n, finer, 1).sum(dim=(1, 3)))
    return torch.stack(faces)


def fitting_side(height: int) -> int:
    """Side of the faces that keep what a latitude-longitude image of `height` rows shows: a power of two, 16 to 256.

    Texels are then as large as pixels. Beyond 256 no surface of a roughness that we know (0.08) shows a difference.
    """
    return min(max(1 << round(math.log2(height / 2)), 16), 256)


def _reduced(image: Tensor, factor: int) -> Tensor:
    """Means of blocks of factor x factor pixels, by solid angle; rows and columns left over at the end are dropped."""
    if factor == 1:
        return image
    height, width, channels = image.shape
    area = torch.sin((torch.arange(height) + 0.5) * (math.pi / height)).to(image)[:, None, None].expand(-1, width, 1)
    blocks = torch.cat([image * area, area], dim=-1).permute(2, 0, 1)[None]
    means = torch.nn.functional.avg_pool2d(blocks, factor)[0].permute(1, 2, 0)
    return means[..., :channels] / means[..., channels:]


def _widened_near_poles(image: Tensor) -> Tensor:
    """Rows averaged (around the circle) over about a pixel's height: near the poles pixels are too thin to sample."""
    height, width, channels = image.shape
    row = torch.arange(height, device=image.device, dtype=torch.float64)
    reach = (0.5 * width / (2 * height) / torch.sin(math.pi * (row + 0.5) / height)).long()[:, None]
    most = int(reach.max())
    around = torch.cat([image[:, width - most :], image, image[:, :most]], dim=1).double().cumsum(1)
    sums = torch.nn.functional.pad(around, (0, 0, 1, 0))
    column = most + torch.arange(width, device=image.device)
    first, last = (
        sums.gather(1, place[..., None].expand(-1, -1, channels)) for place in (column - reach, column + reach + 1)
    )
    return ((last - first) / (2 * reach + 1)[..., None]).to(image)


def rotate(base: Tensor, rotation: Tensor) -> Tensor:
    """The cube map [6, n, n, C] of an environment turned by `rotation` [3, 3]: out(R d) = in(d). Bilinear."""
    directions = texel_directions(base.shape[1]).to(base).reshape(-1, 3) @ rotation.to(base)  # R^T d for each row
    return texture_cube([base], directions, directions.new_zeros(len(directions))).reshape(base.shape)

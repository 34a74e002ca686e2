"""The ewer as a solid: a lathed body, a loop handle and a spout, joined smoothly, and its triangle mesh.

World is right-handed and z-up; the handle points to -x, the spout to +x; one unit is about the object's radius.
The solid is the set where `signed_distance` is negative. Its boundary is one closed surface with exactly one handle.
"""

from __future__ import annotations

import dataclasses

import numpy as np

CELL = 0.0275  # edge of the sampling grid: about 12,000 vertices, and an OBJ file below 1.5 MB
HALF_EXTENT = (0.98, 0.66, 0.98)  # of the sampling grid; the solid lies well inside
BLEND = 0.07  # radius over which handle and spout flow into the body
CHUNK = 4096  # points handled at once in the brute-force distances: bounds memory

# Knots (radius, z) of the lathe profile, from the centre of the foot to the top of the knob.
PROFILE_KNOTS = np.array(
    [
        (0.000, -0.800), (0.150, -0.800), (0.290, -0.800), (0.335, -0.785), (0.342, -0.740), (0.335, -0.690),
        (0.385, -0.610), (0.520, -0.420), (0.570, -0.180), (0.535, 0.050), (0.430, 0.235), (0.325, 0.360),
        (0.282, 0.460), (0.300, 0.545), (0.340, 0.590), (0.335, 0.630), (0.280, 0.648), (0.215, 0.680),
        (0.130, 0.725), (0.075, 0.750), (0.066, 0.775), (0.096, 0.812), (0.094, 0.850), (0.055, 0.882),
        (0.000, 0.890),
    ]
)  # fmt: skip
# Knots (x, z, radius) of the two tubes, both in the plane y = 0.
HANDLE_KNOTS = np.array(
    [
        (-0.240, 0.430, 0.078), (-0.470, 0.530, 0.074), (-0.710, 0.460, 0.068), (-0.825, 0.210, 0.066),
        (-0.770, -0.090, 0.066), (-0.640, -0.280, 0.070), (-0.460, -0.380, 0.080),
    ]
)  # fmt: skip
SPOUT_KNOTS = np.array(
    [
        (0.400, -0.190, 0.165), (0.560, -0.090, 0.130), (0.655, 0.060, 0.096), (0.705, 0.220, 0.076),
        (0.760, 0.360, 0.066), (0.838, 0.450, 0.058),
    ]
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Mesh:
    """A closed triangle mesh with texture coordinates.

    Attributes:
        positions: [V, 3] float64, world units.
        triangles: [F, 3] int32 into `positions`, counter-clockwise seen from outside.
        texcoords: [T, 2] float64 in [0, 1], v up as in OBJ.
        texcoord_triangles: [F, 3] int32 into `texcoords`.
    """

    positions: np.ndarray
    triangles: np.ndarray
    texcoords: np.ndarray
    texcoord_triangles: np.ndarray


def catmull_rom(knots: np.ndarray, steps: int) -> np.ndarray:
    """Centripetal Catmull-Rom spline through knots [K, C]: [(K - 1) * steps + 1, C] (Barry and Goldman 1988)."""
    padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    points = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:]):
        t0 = 0.0
        t1 = t0 + np.linalg.norm(p1 - p0) ** 0.5
        t2 = t1 + np.linalg.norm(p2 - p1) ** 0.5
        t3 = t2 + np.linalg.norm(p3 - p2) ** 0.5
        t = np.linspace(t1, t2, steps, endpoint=False)[:, None]
        a1 = (t1 - t) / (t1 - t0) * p0 + (t - t0) / (t1 - t0) * p1
        a2 = (t2 - t) / (t2 - t1) * p1 + (t - t1) / (t2 - t1) * p2
        a3 = (t3 - t) / (t3 - t2) * p2 + (t - t2) / (t3 - t2) * p3
        b1 = (t2 - t) / (t2 - t0) * a1 + (t - t0) / (t2 - t0) * a2
        b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
        points.append((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2)
    return np.vstack([*points, knots[-1:]])


PROFILE = catmull_rom(PROFILE_KNOTS, 14)
PROFILE[:, 0] = np.maximum(PROFILE[:, 0], 0.0)
HANDLE = catmull_rom(HANDLE_KNOTS, 16)
SPOUT = catmull_rom(SPOUT_KNOTS, 16)


def nearest_on_polyline(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest place on a polyline.

    Args:
        points: [N, D].
        line: [K, D].

    Returns:
        Distances [N] and places [N] in segments (1.5 is the middle of the second segment).
    """
    start, step = line[:-1], np.diff(line, axis=0)
    length2 = np.maximum((step**2).sum(1), 1e-20)
    distance, place = np.empty(len(points)), np.empty(len(points))
    for first in range(0, len(points), CHUNK):
        offset = points[first : first + CHUNK, None] - start
        along = np.clip((offset * step).sum(2) / length2, 0.0, 1.0)
        squared = ((offset - along[..., None] * step) ** 2).sum(2)
        best = squared.argmin(1)
        rows = np.arange(len(best))
        distance[first : first + CHUNK] = np.sqrt(squared[rows, best])
        place[first : first + CHUNK] = best + along[rows, best]
    return distance, place


def body_distance(points: np.ndarray) -> np.ndarray:
    """Signed distance [N] to the lathed body, negative inside."""
    flat = np.stack([np.hypot(points[:, 0], points[:, 1]), points[:, 2]], axis=1)
    distance, _ = nearest_on_polyline(flat, PROFILE)
    (r0, z0), (r1, z1) = PROFILE[:-1].T, PROFILE[1:].T
    rise = np.where(z1 == z0, 1.0, z1 - z0)
    inside = np.zeros(len(points), dtype=bool)
    for first in range(0, len(points), CHUNK):
        r, z = flat[first : first + CHUNK, :1], flat[first : first + CHUNK, 1:]
        crosses = ((z0 <= z) != (z1 <= z)) & (r0 + (z - z0) / rise * (r1 - r0) > r)
        inside[first : first + CHUNK] = crosses.sum(1) % 2 == 1
    return np.where(inside, -distance, distance)


def tube_distance(points: np.ndarray, tube: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Approximate signed distance [N] to a tube with knots (x, z, radius), and the place [N] along it in [0, 1]."""
    axis = np.stack([tube[:, 0], np.zeros(len(tube)), tube[:, 1]], axis=1)
    distance, place = nearest_on_polyline(points, axis)
    radius = np.interp(place, np.arange(len(tube)), tube[:, 2])
    return distance - radius, place / (len(tube) - 1)


def smooth_union(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
    """Quadratic polynomial smooth minimum of two distances."""
    blend = np.maximum(width - np.abs(first - second), 0.0) / width
    return np.minimum(first, second) - blend**2 * width / 4


def signed_distance(points: np.ndarray) -> np.ndarray:
    """Implicit function [N] of the solid at points [N, 3]: negative inside, nearly a distance near its boundary."""
    with_handle = smooth_union(body_distance(points), tube_distance(points, HANDLE)[0], BLEND)
    return smooth_union(with_handle, tube_distance(points, SPOUT)[0], BLEND)


def project(points: np.ndarray, iterations: int = 3) -> np.ndarray:
    """Moves points [N, 3] onto the boundary by Newton steps along the gradient."""
    h = 1e-4
    for _ in range(iterations):
        gradient = np.stack(
            [(signed_distance(points + h * e) - signed_distance(points - h * e)) / (2 * h) for e in np.eye(3)], axis=1
        )
        squared = np.maximum((gradient**2).sum(1, keepdims=True), 0.25)
        points = points - np.clip(signed_distance(points)[:, None] / squared, -CELL, CELL) * gradient
    return points


def surface_nets(cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Polygonises the solid with naive surface nets (Gibson 1998).

    Returns:
        Vertices [V, 3], one for each grid cell the boundary crosses, and quads [Q, 4], outward.
    """
    axes = [np.arange(-limit, limit + cell, cell) for limit in HALF_EXTENT]
    shape = tuple(len(axis) for axis in axes)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = (signed_distance(grid) < 0).reshape(shape)
    count = np.zeros(tuple(n - 1 for n in shape), dtype=int)
    for corner in np.ndindex(2, 2, 2):
        count += inside[tuple(slice(c, n - 1 + c) for c, n in zip(corner, shape))]
    cells = np.argwhere((count > 0) & (count < 8))
    index = np.full(count.shape, -1)
    index[tuple(cells.T)] = np.arange(len(cells))
    vertices = np.array([axis[0] for axis in axes]) + (cells + 0.5) * cell
    quads = np.vstack([_quads_across(inside, index, axis) for axis in range(3)])
    return vertices, quads


def _quads_across(inside: np.ndarray, index: np.ndarray, axis: int) -> np.ndarray:
    """The quads [Q, 4] dual to the grid edges along one axis whose ends lie on different sides."""
    inside, index = np.moveaxis(inside, axis, 0), np.moveaxis(index, axis, 0)
    if axis == 1:  # (y, x, z) is a mirrored frame: swap to (y, z, x)
        inside, index = inside.swapaxes(1, 2), index.swapaxes(1, 2)
    a, b = inside[:-1, 1:-1, 1:-1], inside[1:, 1:-1, 1:-1]
    i, j, k = np.nonzero(a != b)
    ring = np.stack([index[i, j, k], index[i, j + 1, k], index[i, j + 1, k + 1], index[i, j, k + 1]], axis=1)
    return np.where(a[i, j, k][:, None], ring, ring[:, ::-1])


def relax(vertices: np.ndarray, quads: np.ndarray, rounds: int = 6) -> np.ndarray:
    """Evens out the mesh: moves vertices towards the mean of their neighbours, then back onto the boundary."""
    edges = np.unique(np.sort(np.vstack([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1), axis=0)
    valence = np.bincount(edges.ravel(), minlength=len(vertices))[:, None]
    for _ in range(rounds):
        total = np.zeros_like(vertices)
        np.add.at(total, edges[:, 0], vertices[edges[:, 1]])
        np.add.at(total, edges[:, 1], vertices[edges[:, 0]])
        vertices = project(0.5 * vertices + 0.5 * total / valence, 1)
    return project(vertices, 3)


def split_quads(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Triangles [2Q, 3]: each quad cut along its shorter diagonal."""
    a, b, c, d = quads.T
    ac = ((vertices[a] - vertices[c]) ** 2).sum(1) <= ((vertices[b] - vertices[d]) ** 2).sum(1)
    first = np.where(ac[:, None], np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(ac[:, None], np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return np.stack([first, second], axis=1).reshape(-1, 3)


def unwrap(positions: np.ndarray, triangles: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates [T, 2] in [0, 1] and their triangles [F, 3], by xatlas."""
    import xatlas

    atlas = xatlas.Atlas()
    atlas.add_mesh(positions.astype(np.float32), triangles.astype(np.uint32))
    pack = xatlas.PackOptions()
    pack.resolution, pack.padding, pack.bilinear = resolution, 4, True
    chart = xatlas.ChartOptions()
    chart.max_iterations = 4
    atlas.generate(chart_options=chart, pack_options=pack)
    _, texcoord_triangles, texcoords = atlas[0]
    return texcoords.astype(np.float64), texcoord_triangles.astype(np.int32)


def vertex_normals(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit vertex normals [V, 3]: the mean of the adjoining triangles' normals weighted by their angles."""
    corners = positions[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-20)
    normals = np.zeros_like(positions)
    for k in range(3):
        u = corners[:, (k + 1) % 3] - corners[:, k]
        v = corners[:, (k + 2) % 3] - corners[:, k]
        cosine = (u * v).sum(1) / np.maximum(np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1), 1e-20)
        np.add.at(normals, triangles[:, k], face * np.arccos(np.clip(cosine, -1, 1))[:, None])
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def euler_characteristic(triangles: np.ndarray) -> int:
    """V - E + F of a welded triangle mesh: 0 for one closed surface with exactly one handle."""
    edges = np.unique(np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0)
    return len(np.unique(triangles)) - len(edges) + len(triangles)


def build(texture_resolution: int) -> Mesh:
    """The ewer's mesh, positions and texture coordinates rounded to what the OBJ file holds."""
    vertices, quads = surface_nets(CELL)
    vertices = np.round(relax(project(vertices), quads), 5)
    triangles = split_quads(vertices, quads).astype(np.int32)
    texcoords, texcoord_triangles = unwrap(vertices, triangles, texture_resolution)
    return Mesh(vertices, triangles, np.round(texcoords, 5), texcoord_triangles)

"""Texture coordinates and what lies between charts: orientation, fans, padding down the mip levels."""

import itertools

import numpy as np
import pytest
import torch
import trimesh

from topforge_train.backend import select
from topforge_train.geometry import unwrap as unwrapping
from topforge_train.geometry.mesh import Mesh, components
from topforge_train.geometry.unwrap import pieces, signed_areas, split_fans, unwrap
from topforge_train.rendering.baking import pad_charts, texel_positions

SIZE = 256


@pytest.fixture(scope="module")
def backend():
    return select.load("warp")


@pytest.fixture(scope="module", params=[unwrapping.PIECE, 900])
def torus(request):
    """A knotted ring: many charts, cut at once or in pieces. Vertices [V, 3], triangles [F, 3], uv, uv_triangles."""
    mesh = trimesh.creation.torus(1.0, 0.4, major_sections=64, minor_sections=32)
    vertices = np.array(mesh.vertices)
    vertices[:, 2] += 0.2 * np.sin(3 * np.arctan2(vertices[:, 1], vertices[:, 0]))
    vertices = torch.from_numpy(vertices.astype(np.float32))
    triangles = torch.from_numpy(np.array(mesh.faces, np.int32))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unwrapping, "PIECE", request.param)
        return (vertices, triangles, *unwrap(vertices, triangles, SIZE))


def test_pieces_are_small_and_even_and_hold_every_triangle_once(torus):
    vertices, triangles, _, _ = torus
    found = pieces(Mesh(vertices, triangles), 900)
    sizes = [len(piece) for piece in found]
    assert len(found) == -(-len(triangles) // 900) == 5
    assert max(sizes) <= 900
    assert min(sizes) > 700
    assert torch.equal(torch.cat(found).sort().values, torch.arange(len(triangles)))
    assert all(torch.equal(piece, piece.sort().values) for piece in found)


def test_every_triangle_keeps_its_place_and_its_corners(torus):
    _, triangles, uv, uv_triangles = torus
    assert uv_triangles.shape == triangles.shape
    assert float(uv.min()) >= 0
    assert float(uv.max()) <= 1
    of_texture_vertex = torch.full((len(uv),), -1, dtype=torch.int32)
    of_texture_vertex[uv_triangles.long().reshape(-1)] = triangles.reshape(-1)
    assert torch.equal(of_texture_vertex[uv_triangles.long()], triangles)  # each belongs to one position


def test_no_chart_is_mirrored(torus):
    """With v growing upwards every triangle turns as it does on the mesh, seen from outside."""
    _, _, uv, uv_triangles = torus
    areas = -signed_areas(uv, uv_triangles)
    chart = components(len(uv), uv_triangles)[uv_triangles[:, 0].long()]
    total = torch.zeros(len(uv)).index_add(0, chart, areas)
    assert len(torch.unique(chart)) > 5
    assert (total[torch.unique(chart)] > 0).all()
    assert float((areas < 0).float().mean()) < 0.005  # folds within a chart, a few triangles


def naive_fans(uv, triangles):
    """Corners joined one pair at a time: same texture vertex, triangles that share an edge there and turn alike."""
    corners = [(f, k) for f in range(len(triangles)) for k in range(3)]
    group = {corner: corner for corner in corners}

    def root(corner):
        while group[corner] != corner:
            corner = group[corner]
        return corner

    turns = np.sign(signed_areas(torch.tensor(uv), torch.tensor(triangles)).numpy()) < 0
    for f, g in itertools.permutations(range(len(triangles)), 2):
        shared = set(triangles[f]) & set(triangles[g])
        if len(shared) == 2 and turns[f] == turns[g]:
            for vertex in shared:
                one, two = (f, list(triangles[f]).index(vertex)), (g, list(triangles[g]).index(vertex))
                group[root(one)] = root(two)
    return {corner: root(corner) for corner in corners}


def test_fans_against_the_naive_search():
    """A jittered sheet with holes: some triangles folded over, fans that touch in a point."""
    generator = np.random.default_rng(5)
    uv = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    uv = (uv + generator.uniform(-0.6, 0.6, uv.shape)).astype(np.float32)
    cells = [(r * 6 + c, r * 6 + c + 1, r * 6 + c + 7, r * 6 + c + 6) for r in range(5) for c in range(5)]
    triangles = np.array([t for a, b, c, d in cells for t in ((a, b, c), (a, c, d))], np.int32)
    triangles = triangles[generator.permutation(50)[:36]]
    new_uv, new_triangles = split_fans(torch.from_numpy(uv), torch.from_numpy(triangles))
    np.testing.assert_array_equal(new_uv[new_triangles.long()], uv[triangles])
    assert len(torch.unique(new_triangles)) == len(new_uv)
    expected = naive_fans(uv, triangles)
    groups = {}
    for (f, k), fan in expected.items():
        groups.setdefault(fan, set()).add(int(new_triangles[f, k]))
    assert len(new_uv) > len(np.unique(triangles))  # the case is there
    assert all(len(found) == 1 for found in groups.values())
    assert len({found.pop() for found in groups.values()}) == len(groups) == len(new_uv)


def test_a_sheet_without_folds_is_left_alone():
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32)
    uv = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    new_uv, new_triangles = split_fans(uv, triangles)
    assert torch.equal(new_uv[new_triangles.long()], uv[triangles.long()])
    assert len(new_uv) == 4


def painted(backend, torus, channels=8):
    """Texels inside charts hold their chart's random colour of -1 and 1, and which colour each triangle has."""
    vertices, triangles, uv, uv_triangles = torus
    colours = torch.randint(0, 2, (len(uv), channels), generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0
    colour = colours[components(len(uv), uv_triangles)[uv_triangles[:, 0].long()]]
    ndc = torch.cat([uv * 2 - 1, torch.zeros(len(uv), 1), torch.ones(len(uv), 1)], dim=-1)
    fragments = backend.rasterize(ndc[None], uv_triangles, (SIZE, SIZE))
    texel, _ = texel_positions(backend, vertices, triangles, uv, uv_triangles, SIZE)
    assert torch.equal(texel, fragments.pixel)
    texels = torch.zeros(SIZE**2, channels).index_copy(0, texel, colour[fragments.triangle.long()])
    inside = torch.zeros(SIZE**2, 1).index_fill(0, texel, 1.0)
    return texels.reshape(SIZE, SIZE, channels), inside.reshape(SIZE, SIZE, 1), colour


def mip_chain(texels, levels):
    chain = [texels]
    for _ in range(levels):
        half = torch.nn.functional.avg_pool2d(chain[-1].permute(2, 0, 1)[None], 2)
        chain.append(half[0].permute(1, 2, 0).contiguous())
    return chain


def test_charts_do_not_bleed_into_each_other(backend, torus):
    """Lookups anywhere on the surface, bilinear, down to the third mip level: share of a foreign chart in the mean.

    Random colours of -1 and 1 differ in half of the channels, so the mean error is that share.
    """
    _, _, uv, uv_triangles = torus
    texels, inside, colour = painted(backend, torus)
    chain = mip_chain(pad_charts(texels, inside), 3)
    random = np.random.default_rng(2)
    triangle = torch.from_numpy(random.integers(0, len(uv_triangles), 20000))
    weights = torch.from_numpy(random.dirichlet((1, 1, 1), 20000).astype(np.float32))
    place = (uv[uv_triangles[triangle].long()] * weights[..., None]).sum(1)
    for level, allowed in enumerate((1e-4, 1e-3, 0.01, 0.04)):
        seen = backend.texture(chain, place, torch.full((20000,), float(level)))
        assert float((seen - colour[triangle]).abs().mean()) < allowed, level


def test_padding_leaves_no_hole_and_no_dark_seam(backend, torus):
    """One colour in all charts is one colour in the whole texture and in all its mip levels; inside nothing changes."""
    texels, inside, _ = painted(backend, torus)
    padded = pad_charts(texels, inside)
    covered = inside[..., 0] > 0
    assert torch.equal(padded[covered], texels[covered])
    flat = pad_charts(torch.full((SIZE, SIZE, 3), 0.7) * inside, inside)
    assert all(torch.allclose(level, torch.tensor(0.7), atol=1e-5) for level in mip_chain(flat, 8))


def test_rings_are_means_of_covered_neighbours():
    """Against a search one texel at a time."""
    generator = torch.Generator().manual_seed(3)
    texels = torch.rand(9, 11, 2, generator=generator)
    inside = (torch.rand(9, 11, 1, generator=generator) < 0.2).float()
    padded = pad_charts(texels, inside, rings=1)
    for row in range(9):
        for column in range(11):
            window = slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2)
            near = texels[window][inside[window][..., 0] > 0]
            if inside[row, column] > 0:
                near = texels[row, column][None]
            if len(near):
                torch.testing.assert_close(padded[row, column], near.mean(0))
    assert torch.isfinite(padded).all()


def test_an_empty_texture_stays_as_it_is():
    texels = torch.zeros(8, 8, 3)
    assert torch.equal(pad_charts(texels, torch.zeros(8, 8, 1)), texels)


def test_texels_are_square_and_charts_keep_their_distance(torus):
    """Size and gap are what was asked for, within the few per cent that packing leaves open."""
    vertices, triangles, uv, uv_triangles = torus
    a, b, c = vertices[triangles.long()].unbind(1)
    place = uv[uv_triangles.long()] * SIZE
    stretch = []
    for edge, texels in (((b - a), place[:, 1] - place[:, 0]), ((c - a), place[:, 2] - place[:, 0])):
        stretch.append(texels.abs() / edge.norm(dim=-1, keepdim=True))
    across, down = torch.cat(stretch).max(0).values
    assert 0.8 < float(across / down) < 1.25
    assert float(uv.max()) > 0.9
    chart = components(len(uv), uv_triangles)
    points = uv * SIZE
    for label in torch.unique(chart)[:6]:
        other = chart != label
        assert float(torch.cdist(points[~other], points[other]).min()) > 2.0  # three asked for, between outlines


def test_a_triangle_without_area_does_no_harm():
    mesh = trimesh.creation.icosphere(subdivisions=2)
    vertices = torch.from_numpy(np.array(mesh.vertices, np.float32))
    triangles = torch.from_numpy(np.array([*mesh.faces, [0, 0, 1], [5, 5, 5]], np.int32))
    uv, uv_triangles = unwrap(vertices, triangles, 64)
    assert uv_triangles.shape == triangles.shape
    assert torch.isfinite(uv).all()
    assert float(uv.min()) >= 0
    assert float(uv.max()) <= 1

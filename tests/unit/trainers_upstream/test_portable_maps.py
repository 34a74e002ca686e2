"""Upstream's normal maps in a frame that everybody knows, and textures without edges: against a naive oracle."""

from __future__ import annotations

import dataclasses

import nvdiffrec as fake
import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
pytest.importorskip("warp")

from topforge_train.export.asset import Asset  # noqa: E402
from topforge_train.export.tree import read_obj  # noqa: E402
from topforge_train.normalising.frame import NoRoomError, mirrored, portable, unmirrored  # noqa: E402
from topforge_train.normalising.nvdiffrec import NVDIFFMODELING, NVDIFFREC, read_asset  # noqa: E402

SIZE = (96, 128)


@pytest.fixture
def asset(tmp_path):
    """An ellipsoid with six charts, three of them mirrored, and a bumpy normal map; textures are not square.

    Of a sphere the directions of u cancel out at the corners of its cube, so that upstream's frame there is chance.
    """
    fake.write_mesh(tmp_path / "mesh.obj", "mesh")
    vertices, normals, uv, triangles, uv_triangles = read_obj(tmp_path / "mesh.obj")
    axes = np.float32([1.0, 0.7, 0.4])
    vertices, normals = vertices * axes, normals / axes
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    row, column = np.meshgrid(*(np.linspace(0, 1, size, dtype=np.float32) for size in SIZE), indexing="ij")
    bumps = np.stack([0.5 * np.sin(9 * column), 0.4 * np.cos(7 * row) + 0.2, np.ones_like(row)], axis=-1)
    return Asset(
        vertices=vertices,
        normals=normals,
        triangles=triangles,
        uv=uv,
        uv_triangles=uv_triangles,
        tangents=np.zeros((len(uv), 4), np.float32),
        base_color=np.full((*SIZE, 3), 0.25, np.float32),
        ks=np.full((*SIZE, 3), 0.5, np.float32),
        normal_map=(bumps / np.linalg.norm(bumps, axis=-1, keepdims=True)).astype(np.float32),
        probe=np.zeros((6, 1, 1, 3), np.float32),
        cameras=(),
    )


def unit(vector):
    return vector / np.linalg.norm(vector)


def upstream_frames(asset):
    """T at each position by solving for the directions of u and v in each triangle, one after another."""
    total = np.zeros((len(asset.vertices), 3))
    for corners, places in zip(asset.triangles, asset.uv_triangles):
        points, texture = asset.vertices[corners].astype(float), asset.uv[places].astype(float)
        edges, steps = points[1:] - points[0], texture[1:] - texture[0]
        total[corners] += np.linalg.solve(steps, edges)[0]
    return [unit(t - n * (unit(t) @ n) * np.linalg.norm(t)) for t, n in zip(total, asset.normals.astype(float))]


def samples(asset):
    """For texels well inside a triangle: row, column, triangle and weights of its corners."""
    height, width = asset.base_color.shape[:2]
    for face, places in enumerate(asset.uv_triangles):
        texture = asset.uv[places].astype(float)
        middle = texture.mean(0) * np.array([width, height])
        row, column = int(middle[1]), int(middle[0])
        place = np.array([(column + 0.5) / width, (row + 0.5) / height])
        b, c = np.linalg.solve((texture[1:] - texture[0]).T, place - texture[0])
        if min(b, c, 1 - b - c) > 0.05:
            yield row, column, face, np.array([1 - b - c, b, c])


def in_space_upstream(asset, frames, row, column, face, weights):
    normal = unit(weights @ asset.normals[asset.triangles[face]].astype(float))
    tangent = unit(weights @ np.array([frames[k] for k in asset.triangles[face]]))
    x, y, z = asset.normal_map[row, column]
    return unit(x * tangent + y * unit(np.cross(normal, tangent)) + z * normal)


def in_space_everywhere(asset, row, column, face, weights):
    """As glTF says: bitangent = w cross(normal, tangent)."""
    normal = weights @ asset.normals[asset.triangles[face]].astype(float)
    frame = weights @ asset.tangents[asset.uv_triangles[face]].astype(float)
    x, y, z = asset.normal_map[row, column]
    return unit(x * frame[:3] + y * np.sign(frame[3]) * np.cross(normal, frame[:3]) + z * normal)


def largest_angle(asset, shown):
    """Between normals as upstream shades with them and as everyone else does; texels may have moved to the right."""
    frames = upstream_frames(asset)
    angles = []
    for row, column, face, weights in samples(shown):
        before = column if column < SIZE[1] else 2 * SIZE[1] - 1 - column
        one = in_space_upstream(asset, frames, row, before, face, weights)
        other = in_space_everywhere(shown, row, column, face, weights)
        angles.append(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))
    assert len(angles) > 60
    return max(angles)


@pytest.mark.parametrize("unmirror", [True, False])
def test_normals_in_space_are_those_that_upstream_shades_with(asset, unmirror):
    made = portable(asset, unmirror)
    assert largest_angle(asset, made) < 0.05


def test_without_baking_anew_half_the_charts_are_wrong(asset):
    unbaked = dataclasses.replace(portable(asset, unmirror=False), normal_map=asset.normal_map)
    assert largest_angle(asset, unbaked) > 20


def test_charts_turn_both_ways_until_they_are_turned_round(asset):
    as_it_is, turned = portable(asset, unmirror=False), portable(asset)
    assert set(np.unique(as_it_is.tangents[:, 3])) == {-1.0, 1.0}
    assert as_it_is.base_color.shape == (*SIZE, 3)
    assert set(np.unique(turned.tangents[:, 3])) == {1.0}
    assert turned.base_color.shape == (SIZE[0], 2 * SIZE[1], 3)
    assert not mirrored(turned).any()
    assert not mirrored(unmirrored(turned)).any()
    assert unmirrored(turned) is turned


def test_a_chart_that_is_turned_round_keeps_its_texels(asset):
    picture = np.random.default_rng(0).random((*SIZE, 3), dtype=np.float32)
    asset = dataclasses.replace(asset, base_color=picture)
    made = portable(asset)
    for row, column, face, weights in samples(made):
        place = weights @ asset.uv[asset.uv_triangles[face]] * np.array([SIZE[1], SIZE[0]])
        assert np.array_equal(made.base_color[row, column], picture[int(place[1]), int(place[0])])


def test_texels_outside_the_charts_are_filled_from_inside(asset):
    outside = asset.base_color.copy()
    outside[0, :] = 1.0  # the picture's border, which no chart reaches
    assert np.abs(portable(dataclasses.replace(asset, base_color=outside)).base_color - 0.25).max() < 1e-6


def test_opacity_is_padded_with_the_rest(asset):
    opacity = np.full((*SIZE, 1), 0.5, np.float32)
    opacity[0, :] = 0.0
    assert np.abs(portable(dataclasses.replace(asset, opacity=opacity)).opacity - 0.5).max() < 1e-6


def test_overlapping_and_tiled_texture_coordinates_are_left_alone_and_said(asset):
    for uv, problem in ((asset.uv * 0 + asset.uv % 0.33, "overlap"), (asset.uv * 2, "unit square")):
        other = dataclasses.replace(asset, uv=uv.astype(np.float32))
        with pytest.raises(NoRoomError, match=problem) as caught:
            portable(other)
        assert np.array_equal(caught.value.as_it_is.normal_map, asset.normal_map)
        assert np.isfinite(caught.value.as_it_is.tangents).all()


def test_occlusion_means_something_to_one_trainer_alone(tmp_path):
    fake.write_mesh(tmp_path / "mesh.obj", "mesh")
    fake.write_textures(tmp_path)
    assert abs(read_asset(tmp_path, NVDIFFREC).ks[..., 0] - 51 / 255).max() < 1e-6
    assert read_asset(tmp_path, NVDIFFMODELING).ks[..., 0].max() == 0

"""nvdiffrec's tree, read back by trimesh, Mitsuba and ourselves; its text line by line."""

import dataclasses

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
import trimesh

from topforge.errors import FailureClass
from topforge_capture import radiance
from topforge_train.export import read_tree, write_delivery, write_tree
from topforge_train.export.asset import NotFiniteError
from topforge_train.export.images import write_radiance
from topforge_train.export.tree import UnreadableTreeError
from topforge_train.rendering.cubemap import from_latlong, latlong_coordinates, texel_directions, to_latlong

mitsuba = pytest.importorskip("mitsuba")


def corners(values, triangles):
    return np.asarray(values)[np.asarray(triangles)].reshape(-1, np.asarray(values).shape[-1])


def test_the_text_is_nvdiffrecs(delivery, asset):
    """Reference trainers.md 1.10: header, order of blocks, five material lines with the trainer's own `bsdf` key."""
    lines = (delivery / "mesh" / "mesh.obj").read_text().splitlines()
    assert lines[:2] == ["mtllib mesh.mtl", "g default"]
    blocks = [line.split()[0] for line in lines[2:]]
    order = [kind for kind, before in zip(blocks, ["", *blocks]) if kind != before]
    assert order == ["v", "vt", "vn", "s", "g", "usemtl", "f"]
    middle = 2 + len(asset.vertices) * 2 + len(asset.uv)
    assert lines[middle : middle + 3] == ["s 1", "g pMesh1", "usemtl defaultMat"]
    assert all(part.count("/") == 2 for part in lines[-1].split()[1:])
    u, v = map(float, lines[2 + len(asset.vertices)].split()[1:])
    np.testing.assert_allclose([u, 1 - v], asset.uv[0], atol=1e-6)
    assert (delivery / "mesh" / "mesh.mtl").read_text() == (
        "newmtl defaultMat\nbsdf   pbr\nmap_Kd texture_kd.png\nmap_Ks texture_ks.png\nbump texture_n.png\n"
    )


def test_trimesh_reads_the_same_geometry(delivery, asset):
    """trimesh keeps faces and corners in order, splits vertices at seams, and its v grows upwards."""
    mesh = trimesh.load(delivery / "mesh" / "mesh.obj", process=False)
    assert len(mesh.faces) == len(asset.triangles)
    np.testing.assert_allclose(corners(mesh.vertices, mesh.faces), corners(asset.vertices, asset.triangles), atol=5e-7)
    np.testing.assert_allclose(
        corners(mesh.vertex_normals, mesh.faces), corners(asset.normals, asset.triangles), atol=2e-6
    )
    up = corners(mesh.visual.uv, mesh.faces)
    np.testing.assert_allclose(up * [1, -1] + [0, 1], corners(asset.uv, asset.uv_triangles), atol=1e-6)


def test_what_we_read_back_is_what_we_wrote(delivery, asset):
    back = read_tree(delivery / "mesh", probe_size=asset.probe.shape[1])
    for name in ("triangles", "uv_triangles"):
        np.testing.assert_array_equal(getattr(back, name), getattr(asset, name))
    for name, tolerance in (("vertices", 5e-7), ("normals", 2e-6), ("uv", 1e-6), ("tangents", 1e-4), ("ks", 0.5 / 254)):
        np.testing.assert_allclose(getattr(back, name), getattr(asset, name), atol=tolerance, err_msg=name)
    np.testing.assert_allclose(back.base_color, asset.base_color, atol=0.0045)  # half a step where sRGB is steepest
    np.testing.assert_allclose(back.normal_map, asset.normal_map, atol=0.009)
    # There and back through latitude and longitude smooths a texel over its neighbours.
    assert np.abs(back.probe / asset.probe - 1).max() < 0.05


def test_textures_have_the_right_curve(delivery, asset):
    """Base colour through the sRGB curve, the others as they are; row 0 is v = 0."""
    colour = imageio.imread(delivery / "mesh" / "texture_kd.png") / 255.0
    expected = np.where(
        asset.base_color <= 0.0031308, 12.92 * asset.base_color, 1.055 * np.abs(asset.base_color) ** (1 / 2.4) - 0.055
    )
    np.testing.assert_allclose(colour, expected, atol=0.51 / 255)
    np.testing.assert_allclose(imageio.imread(delivery / "mesh" / "texture_ks.png") / 255.0, asset.ks, atol=0.51 / 255)
    stored = imageio.imread(delivery / "mesh" / "texture_n.png") / 255.0 * 2 - 1
    np.testing.assert_allclose(stored, asset.normal_map, atol=1.01 / 255)


def test_an_independent_reader_sees_the_same_light(delivery, asset):
    """Mitsuba decodes probe.hdr; the error is RGBE's own: 1/256 of a pixel's largest channel."""
    read = np.array(
        mitsuba.Bitmap(str(delivery / "mesh" / "probe.hdr")).convert(component_format=mitsuba.Struct.Type.Float32)
    )
    expected = to_latlong(torch.from_numpy(asset.probe), 512, 1024).numpy()
    assert read.shape == (512, 1024, 3)
    assert (np.abs(read - expected) <= expected.max(-1, keepdims=True) / 255.9).all()
    assert abs(read.mean() / expected.mean() - 1) < 2e-4  # rounded, not cut off: the light as a whole keeps its power


def test_radiance_spans_its_range(tmp_path):
    """Black, tiny, huge and mantissas that round up, read by Mitsuba and by our own reader."""
    pixels = np.array(
        [[[0, 0, 0], [1e-20, 0, 0], [1.9999, 1.0, 0.5], [3e4, 0.1, 7e4], [255.7, 255.2, 1.0]]], np.float32
    )
    pixels = np.repeat(pixels, 2, axis=1)  # at least eight pixels: shorter rows are never run-length encoded
    write_radiance(tmp_path / "x.hdr", pixels)
    for read in (np.array(mitsuba.Bitmap(str(tmp_path / "x.hdr"))), radiance.read(tmp_path / "x.hdr")):
        assert (np.abs(read - pixels) <= pixels.max(-1, keepdims=True) / 255.9).all()


@pytest.mark.parametrize(
    ("direction", "column", "row"),
    [
        ((0.0, 0.0, -1.0), 0.5, 0.5),  # centre
        ((1.0, 0.0, 0.0), 0.75, 0.5),  # +x right of it
        ((-1.0, 0.0, 0.0), 0.25, 0.5),
        ((0.6, 0.7, 0.4), None, None),
    ],
)
def test_one_bright_texel_lands_where_the_convention_says(direction, column, row, tmp_path, asset):
    """nvdiffrec's convention: direction = (sin t sin p, cos t, -sin t cos p), t down the rows, p = 0 at the centre."""
    direction = np.array(direction) / np.linalg.norm(direction)
    probe = np.zeros((6, 32, 32, 3), np.float32)
    hit = (texel_directions(32).numpy() @ direction).reshape(-1).argmax()
    probe.reshape(-1, 3)[hit] = 100.0
    write_tree(tmp_path, dataclasses.replace(asset, probe=probe))
    image = np.array(mitsuba.Bitmap(str(tmp_path / "probe.hdr")))[..., 0].astype(np.float64)
    rows, columns = np.nonzero(image > 0.9 * image.max())
    t, p = np.pi * (rows.mean() + 0.5) / 512, 2 * np.pi * (columns.mean() + 0.5) / 1024 - np.pi
    seen = np.array([np.sin(t) * np.sin(p), np.cos(t), -np.sin(t) * np.cos(p)])
    assert seen @ direction > np.cos(np.radians(3.0))  # a texel is 2.8 degrees wide
    if column is not None:
        np.testing.assert_allclose([(columns.mean() + 0.5) / 1024, (rows.mean() + 0.5) / 512], [column, row], atol=0.01)
    place = latlong_coordinates(torch.tensor(direction)[None])[0].numpy()
    np.testing.assert_allclose([(columns.mean() + 0.5) / 1024, (rows.mean() + 0.5) / 512], place, atol=0.01)
    back = from_latlong(torch.from_numpy(image[..., None].astype(np.float32)), 32).numpy()
    assert back.reshape(-1).argmax() == hit


def test_a_folder_without_the_files_is_refused(tmp_path):
    with pytest.raises(UnreadableTreeError, match=r"mesh\.obj: the file is missing"):
        read_tree(tmp_path)


def test_a_mesh_of_another_form_is_refused(tmp_path, asset):
    write_tree(tmp_path, asset)
    (tmp_path / "mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(UnreadableTreeError, match="v/vt/vn"):
        read_tree(tmp_path)


def test_numbers_that_are_none_are_refused(tmp_path, asset):
    vertices = asset.vertices.copy()
    vertices[3, 1] = np.nan
    with pytest.raises(NotFiniteError, match=r"1 of \d+ numbers in its vertices") as caught:
        write_delivery(tmp_path, dataclasses.replace(asset, vertices=vertices))
    assert caught.value.failure_class is FailureClass.TRAINER
    assert not list(tmp_path.iterdir())

"""Pictures of a reference mesh: materials, orientation, views, and a run that starts from an nvdiffrec config."""

from __future__ import annotations

import dataclasses
import math

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from topforge.trainers.builtin_options import BuiltinOptions
from topforge.wavefront import MeshFileError
from topforge_train.backend import load as load_backend
from topforge_train.export.images import write_radiance
from topforge_train.mesh_reference import painted_mesh, views
from topforge_train.mesh_reference.pool import draw_views, reference_images, reference_light
from topforge_train.rendering.light import EnvironmentLight
from topforge_train.views.camera import make_cameras

BACKEND = load_backend("warp", "cpu")
GREY_LIGHT = EnvironmentLight(torch.ones(6, 16, 16, 3), trainable=False).prefilter()
QUAD = """mtllib quad.mtl
v -1 -1 0
v 1 -1 0
v 1 1 0
v -1 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl one
f 1/1 2/2 3/3 4/4
"""


def quad(folder, material="newmtl one\nbsdf pbr\nKs 0 1 0\nmap_Kd kd.png\n", mesh=QUAD):
    """A square that fills the view of `front`, with four corners of their own colours."""
    (folder / "quad.obj").write_text(mesh)
    (folder / "quad.mtl").write_text(material)
    corners = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)  # row 0 is the top
    imageio.imwrite(folder / "kd.png", corners.repeat(16, 0).repeat(16, 1))
    return folder / "quad.obj"


def front(side=16):
    """A camera on +z that sees the square edge to edge."""
    pose = torch.eye(4, dtype=torch.float64)[None].clone()
    pose[:, 2, 3] = 2.0
    angle = torch.tensor([2 * math.atan(0.5)], dtype=torch.float64)
    return make_cameras(pose, angle, torch.ones(1, dtype=torch.float64), torch.zeros(1, 2), 0.1, 100.0)


def drawn(path, side=16, light=GREY_LIGHT, override=None):
    mesh, _ = painted_mesh.load(path, override)
    return painted_mesh.draw(BACKEND, mesh, front(), light, (side, side), 2)[0]


def hue(pixel):
    return (pixel[:3] / pixel[:3].max() > 0.5).tolist()


def test_pictures_are_the_right_way_up(tmp_path):
    image = drawn(quad(tmp_path))
    assert hue(image[3, 3]) == [True, False, False]
    assert hue(image[3, 12]) == [False, True, False]
    assert hue(image[12, 3]) == [False, False, True]
    assert hue(image[12, 12]) == [True, True, True]
    torch.testing.assert_close(image[4:12, 4:12, 3], torch.ones(8, 8))


def test_texture_coordinates_beyond_the_picture_repeat_it(tmp_path):
    shifted = QUAD.replace("vt 0 0", "vt 1 -2").replace("vt 1 0", "vt 2 -2").replace("vt 1 1", "vt 2 -1")
    plain, moved = (drawn(quad(tmp_path, mesh=text)) for text in (QUAD, shifted.replace("vt 0 1", "vt 1 -1")))
    torch.testing.assert_close(moved[2:-2, 2:-2], plain[2:-2, 2:-2])


def test_a_picture_twice_as_wide_at_half_the_coordinates_looks_the_same(tmp_path):
    pixels, images = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8), []
    halved = QUAD.replace("vt 1 0", "vt 0.5 0").replace("vt 1 1", "vt 0.5 1")
    for mesh, picture in ((QUAD, pixels), (halved, np.concatenate([pixels, pixels], axis=1))):
        path = quad(tmp_path, mesh=mesh)
        imageio.imwrite(tmp_path / "kd.png", picture)
        images.append(drawn(path))
    assert images[0][:, :12].std() > 0.01
    torch.testing.assert_close(images[0][:, :12], images[1][:, :12], atol=1e-5, rtol=0)


def test_a_constant_colour_is_srgb_and_lit_by_a_white_furnace(tmp_path):
    image = drawn(quad(tmp_path, "newmtl one\nbsdf pbr\nKd 0.5 0.5 0.5\nKs 0 1 0\n"))
    linear = ((0.5 + 0.055) / 1.055) ** 2.4
    assert linear < float(image[8, 8, 0]) < linear + 0.05  # its colour, and the little that a rough surface mirrors


def test_each_set_of_triangles_has_its_own_material(tmp_path):
    two = QUAD.replace("f 1/1 2/2 3/3 4/4", "f 1 2 3\nusemtl two\nf 1 3 4")
    material = "newmtl one\nbsdf pbr\nKd 1 0 0\nKs 0 1 0\nnewmtl two\nbsdf pbr\nKd 0 0 1\nKs 0 1 0\n"
    image = drawn(quad(tmp_path, material, two))
    assert hue(image[12, 12]) == [True, False, False]
    assert hue(image[3, 3]) == [False, False, True]


def test_a_material_file_that_replaces_the_own_one_holds_for_all(tmp_path):
    path = quad(tmp_path)
    other = tmp_path / "other.mtl"
    other.write_text("newmtl any\nKd 0 1 0\nKs 0 1 0\n")
    image = drawn(path, override=other)
    assert hue(image[3, 3]) == hue(image[12, 12]) == [False, True, False]


def test_ks_pictures_are_linear_roughness_and_metalness_without_occlusion(tmp_path):
    path = quad(tmp_path, "newmtl one\nbsdf pbr\nKd 1 1 1\nmap_Ks ks.png\n")
    imageio.imwrite(tmp_path / "ks.png", np.full((8, 8, 3), (200, 51, 102), np.uint8))
    mesh, remarks = painted_mesh.load(path)
    found = mesh.channels(BACKEND, torch.zeros(1, dtype=torch.int32), torch.full((1, 2), 0.5), torch.zeros(1), 64)
    torch.testing.assert_close(found[0], torch.tensor([1, 1, 1, 0, 0.2, 0.4, 0, 0, 1]))
    assert remarks == ()


def test_common_materials_have_pr_and_pm(tmp_path):
    path = quad(tmp_path, "newmtl one\nKd 1 1 1\nKs 0.5 0.5 0.5\nPr 0.3\nmap_Pm pm.png\nNs 10\nKe 1 1 1\n")
    imageio.imwrite(tmp_path / "pm.png", np.full((8, 8), 255, np.uint8))
    mesh, remarks = painted_mesh.load(path)
    found = mesh.channels(BACKEND, torch.zeros(1, dtype=torch.int32), torch.full((1, 2), 0.5), torch.zeros(1), 64)
    torch.testing.assert_close(found[0, 3:6], torch.tensor([0, 0.3, 1.0]))
    assert remarks == ('Material "one": "Ke 1 1 1" has no effect.',)


@pytest.mark.parametrize(("pixel", "shift"), [((255, 128, 128), 1.0), ((128, 255, 128), 0.0)])
def test_normal_maps_bend_towards_u_and_up(tmp_path, pixel, shift):
    """Light from +x alone: a normal map that points to +x brightens the square, one that points up does not."""
    path = quad(tmp_path, "newmtl one\nbsdf pbr\nKd 1 1 1\nKs 0 1 0\nbump n.png\n")
    imageio.imwrite(tmp_path / "n.png", np.full((8, 8, 3), pixel, np.uint8))
    base = torch.zeros(6, 16, 16, 3)
    base[0] = 1.0
    bent = drawn(path, light=EnvironmentLight(base, trainable=False).prefilter())
    (tmp_path / "quad.mtl").write_text("newmtl one\nbsdf pbr\nKd 1 1 1\nKs 0 1 0\n")
    flat = drawn(path, light=EnvironmentLight(base, trainable=False).prefilter())
    assert float(bent[8, 8, 0] > 1.5 * flat[8, 8, 0]) == shift


def test_pictures_without_texture_coordinates_are_refused(tmp_path):
    with pytest.raises(MeshFileError, match=r'material "one" has pictures, but 2 of its triangles have no texture'):
        painted_mesh.load(quad(tmp_path, mesh=QUAD.replace("f 1/1 2/2 3/3 4/4", "f 1 2 3 4")))
    mesh, remarks = painted_mesh.load(quad(tmp_path, "newmtl other\n", QUAD.replace("f 1/1 2/2 3/3 4/4", "f 1 2 3 4")))
    assert 'No file describes the material "one"' in remarks[0]
    assert not mesh.has_uv
    _, remarks = painted_mesh.load(quad(tmp_path, mesh=QUAD.replace("usemtl one\n", "")))
    assert remarks == ("Triangles without a material are grey, half rough, no metal.",)


def test_written_normals_win_and_missing_ones_are_smooth(tmp_path):
    tilted = "vn 0.6 0 0.8\n" + QUAD.replace("f 1/1 2/2 3/3 4/4", "f 1/1/1 2/2/1 3/3\nf 1/1 3/3 4/4")
    mesh, _ = painted_mesh.load(quad(tmp_path, mesh=tilted))
    normals = {tuple(round(x, 4) for x in row) for row in mesh.shape.normals.tolist()}
    assert normals == {(0.6, 0.0, 0.8), (0.0, 0.0, 1.0)}
    assert len(mesh.shape.vertices) == 5  # corner 1 has both normals: in the first triangle and in the second


def test_random_rotations_are_rotations_spread_evenly():
    found = views.random_rotations(4000, torch.Generator().manual_seed(1))
    torch.testing.assert_close(found @ found.transpose(1, 2), torch.eye(3, dtype=torch.float64).expand(4000, 3, 3))
    assert bool((torch.linalg.det(found) > 0.99).all())
    angle = torch.acos(((found.diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2).clamp(-1, 1))
    # Haar measure: the density of the angle is (1 - cos a) / pi, so its mean is pi / 2 + 2 / pi
    assert float(angle.mean()) == pytest.approx(math.pi / 2 + 2 / math.pi, abs=0.03)
    assert float(found.mean(0).abs().max()) < 0.04


def test_training_views_lie_around_the_distance_and_differ():
    poses = views.random_poses(500, torch.Generator().manual_seed(2))
    local = torch.linalg.inv(poses)[:, :3, 3]  # the origin as the cameras see it
    assert float((local - torch.tensor([0, 0, -3.0])).abs().max()) <= 0.25
    assert float((local - torch.tensor([0, 0, -3.0])).abs().amax(0).min()) > 0.24
    assert len(torch.unique(poses[:, 0, 0])) == 500


def test_the_turntable_turns_once_seen_from_above():
    poses = views.turntable_poses()
    eyes = poses[:, :3, 3]
    torch.testing.assert_close(eyes.norm(dim=1), torch.full((50,), 3.0, dtype=torch.float64))
    torch.testing.assert_close(eyes[:, 1], torch.full((50,), 3.0 * math.sin(0.4), dtype=torch.float64))
    assert float(eyes[0, 0]) == pytest.approx(0.0, abs=1e-12)
    assert float(eyes[0, 2]) > 0  # +z looks into the camera at the first view
    assert float(eyes[1, 0]) < 0  # RotY turns the object counter-clockwise seen from above, the camera the other way
    torch.testing.assert_close(poses[:, :3, 2], eyes / 3.0)  # every camera looks at the origin


def options(folder, **changes):
    light = folder / "light.hdr"
    if not light.exists():
        write_radiance(light, np.ones((16, 32, 3), np.float32))
    given = dict(envmap=str(light), train_res=(24, 32), reference_views=8, display_res=(16, 16), probe_res=16)
    return dataclasses.replace(BuiltinOptions(), **{**given, **changes})


def test_the_pool_is_an_image_set_of_its_sizes(tmp_path):
    path = quad(tmp_path)
    one = reference_images(path, options(tmp_path), BACKEND, torch.Generator().manual_seed(0))
    training, validation, _ = one
    assert (len(training), training.resolution) == (8, (24, 32))
    assert (len(validation), validation.resolution) == (50, (16, 16))
    assert [tuple(level.shape) for level in training.pyramid] == [(8, 24, 32, 4), (8, 12, 16, 4), (8, 6, 8, 4)]
    again = reference_images(path, options(tmp_path), BACKEND, torch.Generator().manual_seed(0))[0]
    other = reference_images(path, options(tmp_path), BACKEND, torch.Generator().manual_seed(1))[0]
    assert torch.equal(training.pyramid[0], again.pyramid[0])
    assert not torch.equal(training.pyramid[0], other.pyramid[0])


def test_env_scale_brightens_and_a_broken_light_is_named(tmp_path):
    dim, bright = (reference_light(options(tmp_path, env_scale=s), BACKEND.device) for s in (1.0, 2.0))
    torch.testing.assert_close(bright.levels[0], 2 * dim.levels[0])
    (tmp_path / "bad.hdr").write_bytes(b"no picture")
    with pytest.raises(MeshFileError, match=r"bad\.hdr: not a Radiance"):
        reference_light(options(tmp_path, envmap=str(tmp_path / "bad.hdr")), BACKEND.device)


def test_views_drawn_together_or_apart_are_the_same(tmp_path, monkeypatch):
    mesh, _ = painted_mesh.load(quad(tmp_path))
    poses = views.random_poses(5, torch.Generator().manual_seed(3))
    arguments = (BACKEND, mesh, GREY_LIGHT, poses, (16, 16), (0.1, 100.0), 2, 2, "view")
    together = draw_views(*arguments)
    monkeypatch.setattr("topforge_train.mesh_reference.pool.PIXELS_AT_ONCE", 1)
    torch.testing.assert_close(draw_views(*arguments).pyramid[0], together.pyramid[0])

"""Readers: poses against formulas written out here, pixels against numbers worked out by hand."""

import json
import math
import struct
import zlib

import imageio.v3 as imageio
import numpy as np
import pytest

import topforge_capture
from topforge import picture_header
from topforge_capture import CaptureError, headers, images, radiance


def write_nerf(folder, root=None, frame=None, pixels=None, name="train/r_0.png"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(folder / name, np.zeros((6, 8, 4), np.uint8) if pixels is None else pixels)
    frame = {"file_path": "./" + name, "transform_matrix": np.eye(4).tolist(), **(frame or {})}
    root = {"camera_angle_x": 0.7} if root is None else root
    (folder / "transforms_train.json").write_text(json.dumps({**root, "frames": [frame]}))
    return folder


def view_of(folder):
    return topforge_capture.read(folder).views[0]


def test_the_world_turns_from_z_up_to_y_up(tmp_path):
    # At (0, -4, 1) in a z-up world, looking along +y with z up.
    pose = [[1, 0, 0, 0], [0, 0, -1, -4], [0, 1, 0, 1], [0, 0, 0, 1]]
    view = view_of(write_nerf(tmp_path, frame={"transform_matrix": pose}))
    np.testing.assert_array_equal(view.position, [0, 1, 4])
    np.testing.assert_array_equal(view.forward, [0, 0, -1])
    np.testing.assert_array_equal(view.camera_to_world[:3, 1], [0, 1, 0])
    assert view.camera_to_world.dtype == np.float64


def test_a_world_point_lands_on_the_same_pixel_in_both_worlds(tmp_path):
    generator = np.random.default_rng(3)
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    pose = np.eye(4)
    pose[:3] = np.column_stack([rotation * np.sign(np.linalg.det(rotation)), generator.normal(size=3)])
    view = view_of(write_nerf(tmp_path, frame={"transform_matrix": pose.tolist()}))
    x, y, z, _ = point = np.append(generator.normal(size=3), 1.0)
    expected = np.linalg.inv(pose) @ point
    np.testing.assert_allclose(np.linalg.inv(view.camera_to_world) @ (x, z, -y, 1), expected, atol=1e-12)


def test_field_of_view(tmp_path):
    view = view_of(write_nerf(tmp_path))
    assert (view.width, view.height) == (8, 6)
    focal = 4 / math.tan(0.35)
    assert view.focal == pytest.approx(focal)
    assert view.fov_y == pytest.approx(2 * math.atan(3 / focal))
    assert view.principal_offset == (0, 0)


def test_focal_length_and_principal_point_in_pixels(tmp_path):
    view = view_of(write_nerf(tmp_path, root={"fl_x": 10.0, "fl_y": 10.0, "cx": 4.5, "cy": 2.5, "w": 8, "h": 6}))
    assert view.focal == pytest.approx(10)
    assert view.principal_offset == (0.5, -0.5)


def test_frames_may_leave_out_the_ending(tmp_path):
    view = view_of(write_nerf(tmp_path, frame={"file_path": "./train/r_0"}))
    assert view.image == tmp_path / "train/r_0.png"
    assert view.name == "r_0"


@pytest.mark.parametrize(
    ("root", "frame", "words"),
    [
        ({}, {}, ["camera_angle_x", "missing"]),
        ({"camera_angle_x": 45}, {}, ["camera_angle_x", "45", "0.7853982"]),
        ({"camera_angle_x": "0.7"}, {}, ["camera_angle_x", "'0.7'"]),
        ({"fl_x": 10, "fl_y": 12}, {}, ["r_0.png", "10 and 12", "square"]),
        (None, {"transform_matrix": [[1, 0], [0, 1]]}, ["frames[0].transform_matrix", "4 rows"]),
        (None, {"transform_matrix": [*np.eye(4).tolist()[:3], [0, 0, -4, 1]]}, ["transform_matrix", "Transpose"]),
        (None, {"file_path": 3}, ["frames[0].file_path"]),
        (None, {"file_path": "train/r_9"}, ["r_9.png", "does not exist"]),
    ],
)
def test_errors_name_file_key_value_and_fix(tmp_path, root, frame, words):
    write_nerf(tmp_path, root, frame)
    with pytest.raises(CaptureError) as caught:
        topforge_capture.read(tmp_path)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.fix


def test_a_split_that_is_not_there(tmp_path):
    write_nerf(tmp_path)
    assert topforge_capture.splits(tmp_path) == ("train",)
    with pytest.raises(CaptureError, match="it has train"):
        topforge_capture.read(tmp_path, "test")


def test_pixels_are_decoded_from_srgb_and_alpha_is_not(tmp_path):
    pixels = np.zeros((6, 8, 4), np.uint8)
    pixels[0, 0] = (255, 128, 10, 128)
    image = topforge_capture.load_image(view_of(write_nerf(tmp_path, pixels=pixels)))
    assert image.dtype == np.float32
    assert image.shape == (6, 8, 4)
    expected = (1.0, ((128 / 255 + 0.055) / 1.055) ** 2.4, 10 / 255 / 12.92, 128 / 255)
    np.testing.assert_allclose(image[0, 0], expected, rtol=1e-6)
    assert not image[1:].any()  # row 0 is the top


def test_a_mask_file_is_coverage(tmp_path):
    write_nerf(tmp_path, frame={"mask_path": "masks/r_0.png"}, pixels=np.full((6, 8, 3), 255, np.uint8))
    (tmp_path / "masks").mkdir()
    mask = np.zeros((6, 8), np.uint8)
    mask[2, 3] = 102
    imageio.imwrite(tmp_path / "masks/r_0.png", mask)
    image = topforge_capture.load_image(view_of(tmp_path))
    assert image[2, 3].tolist() == pytest.approx([1, 1, 1, 0.4])
    assert image[..., 3].sum() == pytest.approx(0.4)


def test_neither_alpha_nor_mask(tmp_path):
    view = view_of(write_nerf(tmp_path, pixels=np.zeros((6, 8, 3), np.uint8)))
    with pytest.raises(CaptureError, match="no alpha channel and no mask") as caught:
        topforge_capture.load_image(view)
    assert caught.value.code == "no-alpha"


def test_sixteen_bit_grey_keeps_its_range(tmp_path):
    imageio.imwrite(tmp_path / "grey.png", np.array([[0, 65535]], np.uint16))
    assert images.to_unit(images.load_pixels(tmp_path / "grey.png"))[0, :, 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("suffix", "channels", "alpha"), [(".png", 4, True), (".png", 3, False), (".jpg", 3, False)])
def test_headers_agree_with_the_decoder(tmp_path, suffix, channels, alpha):
    path = tmp_path / ("image" + suffix)
    imageio.imwrite(path, np.zeros((5, 9, channels), np.uint8))
    assert headers.read_header(path) == headers.Header(9, 5, alpha)


def test_the_header_of_an_exr(tmp_path):
    channels = b"A\0" + struct.pack("<iiii", 1, 0, 1, 1) + b"B\0" + struct.pack("<iiii", 1, 0, 1, 1) + b"\0"
    attributes = b"channels\0chlist\0" + struct.pack("<i", len(channels)) + channels
    attributes += b"dataWindow\0box2i\0" + struct.pack("<i4i", 16, 0, 0, 8, 4)
    (tmp_path / "image.exr").write_bytes(b"\x76\x2f\x31\x01" + struct.pack("<i", 2) + attributes + b"\0")
    assert headers.read_header(tmp_path / "image.exr") == headers.Header(9, 5, True)


def rgbe(values):
    mantissa, exponent = np.frexp(values.max(axis=-1))
    scale = mantissa * 256 / np.maximum(values.max(axis=-1), 1e-30)
    coded = np.floor(values * scale[..., None])
    return np.concatenate([coded, exponent[..., None] + 128], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("packed", [False, True])
def test_radiance_pictures(tmp_path, packed):
    values = np.random.default_rng(1).uniform(0.1, 30, (3, 20, 3))
    values[1, 4:15] = 2.0
    coded = rgbe(values)
    body = b""
    for row in coded:
        if not packed:
            body += row.tobytes()
            continue
        body += bytes([2, 2, 0, 20])
        for channel in row.T:
            body += bytes([4, *channel[:4]]) if (channel[4:15] == channel[4]).all() else bytes([15, *channel[:15]])
            body += bytes([128 + 11, channel[4]]) if (channel[4:15] == channel[4]).all() else b""
            body += bytes([5, *channel[15:]])
    file = tmp_path / "light.hdr"
    file.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 3 +X 20\n" + body)
    image = radiance.read(file)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, values, atol=30 / 128)
    np.testing.assert_allclose(image[1, 4:15], 2.0)
    assert headers.read_header(file) == headers.Header(20, 3, False)
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(CaptureError, match="ends early"):
        images.load_pixels(file)


def llff(folder, axes, positions, focal=20.0, size=(6, 8)):
    rows = []
    for rotation, position in zip(axes, positions):
        right, up, back = rotation.T
        pose = np.column_stack([-up, right, back, position, (*size, focal)])
        rows.append([*pose.ravel(), 0.5, 9.0])
    np.save(folder / "poses_bounds.npy", np.array(rows))
    for kind, channels in (("images", 3), ("masks", 1)):
        (folder / kind).mkdir()
        for index in range(len(rows)):
            imageio.imwrite(folder / kind / ("%02d.png" % index), np.full((*size, channels), 200, np.uint8).squeeze())


def test_llff_axes_focal_length_and_centring(tmp_path):
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # looks along -x
    centre = np.array([1.0, 2, 3])
    llff(tmp_path, [np.eye(3), turn], [np.add(centre, (0, 0, 4)), np.add(centre, (5, 0, 0))])
    capture = topforge_capture.read(tmp_path)
    assert capture.format == "llff"
    np.testing.assert_allclose(capture.origin, centre, atol=1e-12)
    first, second = capture.views
    np.testing.assert_allclose(first.camera_to_world[:3], np.column_stack([np.eye(3), (0, 0, 4)]), atol=1e-12)
    np.testing.assert_allclose(second.camera_to_world[:3], np.column_stack([turn, (5, 0, 0)]), atol=1e-12)
    assert first.fov_y == pytest.approx(2 * math.atan(3 / 20))
    assert (first.near, first.far) == (0.5, 9.0)
    assert topforge_capture.load_image(first)[..., 3].mean() == pytest.approx(200 / 255)


def test_llff_counts_must_match(tmp_path):
    llff(tmp_path, [np.eye(3)] * 2, [np.zeros(3), np.ones(3)])
    (tmp_path / "masks/01.png").unlink()
    with pytest.raises(CaptureError, match="2 poses, but there are 2 images and 1 masks"):
        topforge_capture.read(tmp_path)


def test_a_png_without_pixels_is_unreadable(tmp_path):
    data = struct.pack(">IIBBBBB", 0, 5, 8, 6, 0, 0, 0)
    chunk = struct.pack(">I", len(data)) + b"IHDR" + data + struct.pack(">I", zlib.crc32(b"IHDR" + data))
    (tmp_path / "empty.png").write_bytes(picture_header.PNG_SIGNATURE + chunk)
    with pytest.raises(CaptureError, match="0 x 5"):
        headers.read_header(tmp_path / "empty.png")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (picture_header.PNG_SIGNATURE + bytes(8), "it is cut short"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "it is cut short"),
        (b"\xff\xd8" + bytes(30), "there is no segment where one should be"),
    ],
)
def test_a_damaged_header_says_how(tmp_path, content, why):
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(CaptureError, match=why):
        headers.read_header(tmp_path / "damaged")


def test_a_split_by_another_name_is_read_when_asked_for_and_only_then(scene):
    (scene.folder / "transforms_relight.json").write_text((scene.folder / "transforms_train.json").read_text())
    assert "relight" not in topforge_capture.splits(scene.folder)
    count = len(topforge_capture.read(scene.folder, "train").views)
    assert len(topforge_capture.read(scene.folder, "relight").views) == count
    with pytest.raises(CaptureError, match="no split 'dusk'"):
        topforge_capture.read(scene.folder, "dusk")

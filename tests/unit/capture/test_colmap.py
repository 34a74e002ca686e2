"""COLMAP models, text and binary, with poses and lenses whose meaning is known."""

import math
import struct

import imageio.v3 as imageio
import numpy as np
import pytest

import topforge_capture
from topforge_capture.capture import CaptureError
from topforge_capture.formats import colmap_model

SIZE = (6, 8)  # height, width
TURN = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
"""Camera to world, OpenGL axes: looks along -x."""


def quaternion(rotation):
    """(w, x, y, z) by the eigenvector of Bar-Itzhack (2000): another way than the reader's."""
    r = rotation
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r.trace()],
        ]
    )
    x, y, z, w = np.linalg.eigh(k / 3, UPLO="L")[1][:, -1]
    return np.array([w, x, y, z])


def images_of(poses, names):
    """What COLMAP would store of camera-to-world poses in our world (y up, OpenGL): (name, quaternion, translation)."""
    turn = np.diag([1.0, -1.0, -1.0])
    for name, (rotation, position) in zip(names, poses):
        world_to_camera = (turn @ rotation @ turn).T
        yield name, quaternion(world_to_camera), -world_to_camera @ (turn @ position)


def write_text(place, lens, images):
    place.mkdir(parents=True)
    (place / "cameras.txt").write_text("# lenses\n7 %s\n" % lens)
    lines = ["# two lines for each image"]
    for number, (name, q, t) in enumerate(images):
        lines += [
            "%d %s 7 %s" % (number + 1, " ".join("%.17g" % v for v in (*q, *t)), name),
            "1.5 2.5 -1" if number else "",
        ]
    (place / "images.txt").write_text("\n".join(lines) + "\n")


def write_binary(place, kind, numbers, images):
    place.mkdir(parents=True)
    lens = struct.pack("<QIiQQ", 1, 7, kind, SIZE[1], SIZE[0]) + struct.pack("<%dd" % len(numbers), *numbers)
    (place / "cameras.bin").write_bytes(lens)
    data = [struct.pack("<Q", len(images))]
    for number, (name, q, t) in enumerate(images):
        data.append(struct.pack("<I7dI", number + 1, *q, *t, 7) + name.encode() + b"\0")
        data.append(struct.pack("<Q", 2) + struct.pack("<ddq", 1.0, 2.0, -1) * 2)
    (place / "images.bin").write_bytes(b"".join(data))


def pictures(folder, names, size=SIZE, masks=True):
    for name in names:
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        imageio.imwrite(folder / "images" / name, np.full((*size, 3), 100, np.uint8))
        if masks:
            (folder / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
            imageio.imwrite(folder / "masks" / (name + ".png"), np.full(size, 200, np.uint8))


NAMES = ("left/a 1.png", "right/a 1.png")
CENTRE = np.array([1.0, 2, 3])
POSES = ((np.eye(3), np.add(CENTRE, (0, 0, 4))), (TURN, np.add(CENTRE, (5, 0, 0))))


def assert_is_the_scene(capture):
    assert (capture.format, capture.split) == ("colmap", "train")
    first, second = capture.views
    np.testing.assert_allclose(first.camera_to_world[:3], np.column_stack([np.eye(3), (0, 0, 4)]), atol=1e-9)
    np.testing.assert_allclose(second.camera_to_world[:3], np.column_stack([TURN, (5, 0, 0)]), atol=1e-9)
    assert [view.name for view in capture.views] == ["left_a 1", "right_a 1"]
    assert first.fov_y == pytest.approx(2 * math.atan(3 / 20))
    assert first.principal_offset == pytest.approx((0.5, -0.25))
    assert topforge_capture.load_image(first)[..., 3].mean() == pytest.approx(200 / 255)


def test_text_model(tmp_path):
    write_text(tmp_path / "sparse/0", "PINHOLE 8 6 20 20 4.5 2.75", images_of(POSES, NAMES))
    pictures(tmp_path, NAMES)
    assert topforge_capture.splits(tmp_path) == ("train",)
    assert_is_the_scene(topforge_capture.read(tmp_path))


def test_the_sparse_model_may_be_named_instead(tmp_path):
    write_text(tmp_path / "sparse/0", "PINHOLE 8 6 20 20 4.5 2.75", images_of(POSES, NAMES))
    pictures(tmp_path, NAMES)
    assert_is_the_scene(topforge_capture.read(tmp_path / "sparse/0"))


def test_binary_model(tmp_path):
    write_binary(tmp_path / "sparse", 0, (20.0, 4.5, 2.75), list(images_of(POSES, NAMES)))
    pictures(tmp_path, NAMES)
    assert_is_the_scene(topforge_capture.read(tmp_path))


def test_the_file_to_world_matrix_takes_colmap_points_to_ours(tmp_path):
    write_text(tmp_path / "sparse", "PINHOLE 8 6 20 20 4 3", images_of(POSES, NAMES))
    pictures(tmp_path, NAMES)
    stored = CENTRE * (1, -1, -1)  # where the axes meet, in COLMAP's world
    matrix = topforge_capture.read(tmp_path).file_to_world
    np.testing.assert_allclose(matrix @ [*stored, 1.0], [0, 0, 0, 1], atol=1e-9)


def test_smaller_copies_of_the_matched_images(tmp_path):
    write_text(tmp_path / "sparse", "SIMPLE_PINHOLE 16 12 40 9 5.5", images_of(POSES, NAMES))
    pictures(tmp_path, NAMES)
    assert_is_the_scene(topforge_capture.read(tmp_path))


def test_zero_distortion_is_a_pinhole_and_anything_else_is_not(tmp_path):
    write_text(tmp_path / "sparse", "OPENCV 8 6 20 20 4.5 2.75 0 0 0 0", images_of(POSES, NAMES))
    pictures(tmp_path, NAMES)
    assert_is_the_scene(topforge_capture.read(tmp_path))
    (tmp_path / "sparse/cameras.txt").write_text("7 SIMPLE_RADIAL 8 6 20 4 3 0.01\n")
    with pytest.raises(CaptureError, match=r"lens distortion \(k1 0\.01\)") as caught:
        topforge_capture.read(tmp_path)
    assert "--undistort" in caught.value.fix


@pytest.mark.parametrize(
    ("lens", "words"),
    [
        ("PINHOLE 8 6 20 20 4", "4 finite parameters"),
        ("TELESCOPE 8 6 20 4 3", "unknown camera model TELESCOPE"),
        ("PINHOLE 8 6 20 30 4 3", "pixels must be square"),
        ("PINHOLE 8 9 20 20 4 3", "is 8 x 6 pixels"),
    ],
)
def test_lenses_that_cannot_be_used(tmp_path, lens, words):
    write_text(tmp_path / "sparse", lens, images_of(POSES, NAMES))
    pictures(tmp_path, NAMES, size=(6, 8))
    with pytest.raises(CaptureError, match=words):
        topforge_capture.read(tmp_path)


def test_torn_files_and_unknown_lenses(tmp_path):
    write_binary(tmp_path / "sparse", 0, (20.0, 4.5, 2.75), list(images_of(POSES, NAMES)))
    file = tmp_path / "sparse/images.bin"
    whole = file.read_bytes()
    file.write_bytes(whole[:60])
    with pytest.raises(CaptureError, match=r"images\.bin cannot be used"):
        topforge_capture.read(tmp_path)
    file.write_bytes(whole.replace(struct.pack("<I", 7), struct.pack("<I", 9), 1))
    with pytest.raises(CaptureError, match="camera 9"):
        topforge_capture.read(tmp_path)


def test_a_missing_image_is_one_problem_not_the_end(tmp_path):
    write_text(tmp_path / "sparse", "PINHOLE 8 6 20 20 4 3", images_of(POSES, NAMES))
    pictures(tmp_path, NAMES)
    (tmp_path / "images" / NAMES[0]).unlink()
    problems = []
    capture = topforge_capture.read(tmp_path, on_problem=problems.append)
    assert [view.name for view in capture.views] == ["right_a 1"]
    assert [problem.code for problem in problems] == ["missing-image"]


def test_every_camera_model_has_its_number():
    assert [name for name, _, _ in colmap_model.LENSES].index("OPENCV") == 4
    assert len(colmap_model.LENSES) == 17

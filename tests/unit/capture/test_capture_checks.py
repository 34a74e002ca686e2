"""Each defect is found and named, and nothing else is reported with it; the clean capture is clean."""

import imageio.v3 as imageio
import numpy as np
import pytest

from topforge_capture import checks, convert
from topforge_capture.checks.space import largest_azimuth_gap
from topforge_capture.findings import Severity
from topforge_capture.survey import survey

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])


class Folder:
    """A capture that is there already."""

    def __init__(self, folder):
        self.folder = folder


def found(scene, **options):
    """What is not fine: the first finding of each code."""
    material = checks.Material(survey(scene.folder, lambda done, message: None), checks.Options(**options))
    results = checks.run(checks.CHECKS, material, lambda done, message: None)
    return {f.code: f for _, findings in reversed(results) for f in findings[::-1] if f.severity is not Severity.FINE}


def only(scene, code, **options):
    """The one kind of finding there must be."""
    findings = found(scene, **options)
    assert list(findings) == [code]
    assert findings[code].fix
    return findings[code]


def test_a_clean_capture_is_clean(scene):
    assert found(scene) == {}


def test_missing_images_are_named_together(scene):
    scene.image(3).unlink()
    scene.image(7).unlink()
    finding = only(scene, "missing-image")
    assert finding.severity is Severity.ERROR
    assert finding.files == ("train/r_03.png", "train/r_07.png")


def test_a_truncated_image_is_unreadable(scene):
    data = scene.image(5).read_bytes()
    scene.image(5).write_bytes(data[: len(data) // 2])
    assert only(scene, "unreadable-image").files == ("train/r_05.png",)


def test_a_text_file_is_not_an_image(scene):
    scene.image(5).write_text("not an image")
    assert only(scene, "unreadable-image").files == ("train/r_05.png",)


def test_an_image_of_another_size(scene):
    scene.edit(4, lambda pixels: np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1))
    assert only(scene, "mixed-sizes").files == ("train/r_04.png",)


def test_size_in_the_file_differs_from_the_image(scene):
    scene.root.update(w=64, h=64)
    scene.save()
    assert "64 x 64" in only(scene, "wrong-size").fix


def test_images_without_alpha(scene):
    for index in range(24):
        scene.edit(index, lambda pixels: pixels[..., :3])
    finding = only(scene, "no-alpha", masks="required")
    assert finding.severity is Severity.ERROR
    assert len(finding.files) == 24
    assert only(scene, "no-alpha").severity is Severity.WARNING
    needless = found(scene, masks="unused")
    assert list(needless) == ["no-alpha"]
    assert needless["no-alpha"].severity is Severity.NOTE


def test_one_image_without_alpha_is_found_among_others(scene):
    scene.edit(4, lambda pixels: pixels[..., :3])
    assert only(scene, "no-alpha", masks="required").files == ("train/r_04.png",)


def test_cameras_without_masks_are_still_judged(scene):
    for index in range(24):
        scene.edit(index, lambda pixels: pixels[..., :3])
    scene.frames["train"] = [frame for frame in scene.frames["train"] if frame["transform_matrix"][1][3] < 0]
    scene.save()
    assert "coverage-gap" in found(scene, masks="unused")
    scene.set_pose(5, scene.pose(5) @ np.diag([2.0, 2, 2, 1]))
    scene.save()
    assert "not-a-rotation" in found(scene, masks="unused")


def test_opaque_images_are_no_error_where_masks_are_unused(scene):
    for index in range(24):
        scene.edit(index, lambda pixels: np.concatenate([pixels[..., :3], np.full_like(pixels[..., 3:], 255)], axis=2))
    assert found(scene)["full-mask"].severity is Severity.ERROR
    assert found(scene, masks="unused")["full-mask"].severity is Severity.NOTE


def test_one_empty_mask(scene):
    scene.edit(2, lambda pixels: pixels * np.array([1, 1, 1, 0], np.uint8))
    assert only(scene, "empty-mask").files == ("train/r_02.png",)


def test_one_full_mask(scene):
    scene.edit(2, lambda pixels: np.concatenate([pixels[..., :3], np.full_like(pixels[..., 3:], 255)], axis=2))
    assert found(scene)["full-mask"].files == ("train/r_02.png",)


def test_an_object_at_the_border(scene):
    scene.edit(6, lambda pixels: np.where(np.arange(48)[:, None, None] < 18, pixels[18:19], pixels))
    finding = found(scene)["border"]
    assert finding.files == ("train/r_06.png",)
    assert "(top)" in finding.sentence


def test_premultiplied_alpha(scene):
    def multiply(pixels):
        alpha = pixels[..., 3:] / 255.0
        return np.concatenate([np.round(pixels[..., :3] * alpha).astype(np.uint8), pixels[..., 3:]], axis=2)

    for index in range(24):
        scene.edit(index, multiply)
    assert only(scene, "premultiplied").severity is Severity.WARNING


def test_a_copied_image_is_named_and_does_not_fit_its_pose(scene):
    scene.image(9).write_bytes(scene.image(15).read_bytes())
    findings = found(scene)
    assert set(findings) == {"duplicate-image", "mask-pose-mismatch"}
    assert findings["duplicate-image"].files == ("train/r_09.png", "train/r_15.png")
    assert findings["mask-pose-mismatch"].files == ("train/r_09.png",)


def test_two_images_of_one_pose(scene):
    scene.frames["train"].append({**scene.frames["train"][0], "file_path": "./train/extra"})
    pixels = imageio.imread(scene.image(0))
    imageio.imwrite(scene.folder / "train/extra.png", np.minimum(pixels, 250))
    scene.save()
    assert only(scene, "duplicate-pose").files == ("train/r_00.png", "train/extra.png")


def test_an_overexposed_image(scene):
    scene.edit(1, lambda p: np.concatenate([np.minimum(p[..., :3] // 6, 255).astype(np.uint8), p[..., 3:]], axis=2))
    finding = only(scene, "exposure")
    assert finding.files == ("train/r_01.png",)
    assert "-" in finding.sentence


def test_a_blurred_image(scene):
    def blur(pixels):
        colour = pixels[..., :3].astype(float)
        for axis in (0, 1):
            colour = sum(np.roll(colour, shift, axis) for shift in range(-5, 6)) / 11
        return np.concatenate([np.maximum(colour, 1).astype(np.uint8), pixels[..., 3:]], axis=2)

    scene.edit(11, blur)
    findings = found(scene)
    assert findings.pop("blurred").files == ("train/r_11.png",)
    assert set(findings) <= {"exposure"}  # a blur that mixes in the background darkens


def test_opencv_cameras(scene):
    scene.change_poses(lambda pose: pose @ FLIP)
    finding = only(scene, "wrong-convention")
    assert "OpenCV" in finding.sentence
    assert "camera to world" in finding.sentence
    assert "Negate the second and the third column" in finding.fix


def test_inverted_poses(scene):
    scene.change_poses(np.linalg.inv)
    assert "world to camera with OpenGL axes" in only(scene, "wrong-convention").sentence


def test_colmap_poses(scene):
    scene.change_poses(lambda pose: np.linalg.inv(pose @ FLIP))
    assert "world to camera with OpenCV axes" in only(scene, "wrong-convention").sentence


def test_llff_axes(scene):
    scene.change_poses(lambda pose: pose @ np.array([[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    assert "LLFF axes" in only(scene, "wrong-convention").sentence


def test_images_upside_down(scene):
    for split, count in (("train", 24), ("val", 3), ("test", 3)):
        for index in range(count):
            scene.edit(index, lambda pixels: pixels[::-1, ::-1], split)
    assert "half a turn" in only(scene, "wrong-convention").sentence


def test_shuffled_images_have_no_common_region(scene):
    poses = [scene.pose(index) for index in range(24)]
    for index in range(24):
        moved = poses[(index * 7 + 3) % 24].copy()
        moved[:3, 3] += 3 * moved[:3, index % 2]
        scene.set_pose(index, moved)
    scene.save()
    assert only(scene, "no-common-region").severity is Severity.ERROR


def test_mirrored_poses(scene):
    scene.change_poses(lambda pose: pose @ np.diag([-1.0, 1, 1, 1]))
    assert "determinant" in only(scene, "mirrored").sentence


def test_scaled_rotations(scene):
    scene.change_poses(lambda pose: pose @ np.diag([2.0, 2, 2, 1]))
    assert only(scene, "not-a-rotation").severity is Severity.ERROR


def test_a_camera_that_looks_away(scene):
    scene.set_pose(13, scene.pose(13) @ np.diag([-1.0, 1, -1, 1]))
    scene.save()
    assert only(scene, "looks-elsewhere").files == ("train/r_13.png",)


def test_a_wrong_pose_that_looks_at_the_object(scene):
    scene.set_pose(13, scene.pose(4))
    scene.save()
    findings = found(scene)
    assert findings.pop("mask-pose-mismatch").files == ("train/r_13.png",)
    assert set(findings) == {"duplicate-pose"}


def test_a_field_of_view_in_degrees(scene):
    scene.root["camera_angle_x"] = 40.107
    scene.save()
    finding = only(scene, "bad-value")
    assert "degrees" in finding.fix
    assert "0.6999" in finding.fix
    assert finding.files == ("transforms_train.json",)


def test_lens_distortion_is_refused(scene):
    scene.root["k1"] = 0.02
    scene.save()
    assert "k1" in found(scene)["bad-value"].sentence


def test_an_object_in_millimetres_does_not_fit(scene):
    scene.change_poses(
        lambda pose: np.block([[pose[:3, :3], 1000 * pose[:3, 3:]], [np.zeros((1, 3)), np.ones((1, 1))]])
    )
    finding = only(scene, "outside-box", mesh_scale=2.5)
    assert "mesh_scale to 2400" in finding.fix


def test_an_object_far_smaller_than_the_box(scene):
    assert only(scene, "small-in-box", mesh_scale=20.0).fix == "Set mesh_scale to 2.4."


def test_the_recommended_box_just_holds_the_object(scene):
    assert found(scene, mesh_scale=2.4) == {}
    assert only(scene, "outside-box", mesh_scale=1.9)


def test_an_object_off_the_origin(scene):
    offset = np.zeros((4, 4))
    offset[:3, 3] = (4.0, 0, 0)
    scene.change_poses(lambda pose: pose + offset)
    assert only(scene, "off-centre").severity is Severity.WARNING


def test_a_y_up_file_lies_on_its_side(scene):
    turn = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    scene.change_poses(lambda pose: turn @ pose)
    finding = only(scene, "up-axis")
    assert finding.severity is Severity.WARNING
    assert "+y axis" in finding.sentence


def test_a_y_up_file_lies_on_its_side_whatever_z_up_format_it_is(scene, tmp_path):
    turn = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    scene.change_poses(lambda pose: turn @ pose)
    for to in ("nerfstudio", "metashape", "realityscan"):
        out = tmp_path / to
        convert.convert(convert.Request(scene.folder, out, to), lambda done, message: None)
        finding = found(Folder(out))["up-axis"]
        assert finding.severity is Severity.WARNING
        assert "+y axis" in finding.sentence


def test_which_way_is_up_in_a_colmap_model_is_no_more_than_a_note(scene, tmp_path):
    turn = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    scene.change_poses(lambda pose: turn @ pose)
    convert.convert(convert.Request(scene.folder, tmp_path / "out", "colmap"), lambda done, message: None)
    finding = found(Folder(tmp_path / "out"))["up-axis"]
    assert finding.severity is Severity.NOTE
    assert "the file's +z axis, but -y is read as up" in finding.sentence


def test_too_few_views(scene):
    del scene.frames["train"][7:]
    scene.save()
    findings = found(scene)
    assert findings["too-few-views"].severity is Severity.ERROR
    assert "few-views" in found(scene, minimum_views=5)


def test_views_from_one_side_only(scene):
    from_front = [index for index in range(24) if scene.pose(index)[1, 3] < 0]
    scene.frames["train"] = [scene.frames["train"][index] for index in from_front]
    scene.save()
    assert set(found(scene)) == {"few-views", "coverage-gap"}


def test_a_test_view_that_was_trained_on(scene):
    scene.frames["test"][1] = {**scene.frames["train"][3], "file_path": "./train/r_03"}
    scene.save()
    assert only(scene, "repeated-view").files == ("train/r_03.png",)


def test_a_broken_json_file_is_one_finding(scene):
    (scene.folder / "transforms_train.json").write_text('{"frames": [')
    assert "bad-json" in found(scene)


def test_an_empty_folder(tmp_path):
    assert list(found(Folder(tmp_path))) == ["no-capture"]


@pytest.mark.parametrize(
    ("azimuths", "width", "middle"), [((0, 90, 180), 180, 270), ((10, 350), 340, 180), ((), 360, 0)]
)
def test_the_largest_gap(azimuths, width, middle):
    angles = np.radians(np.array(azimuths, float))
    directions = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=1)
    assert largest_azimuth_gap(directions) == pytest.approx((width, middle))


def test_a_lens_that_no_camera_has(scene):
    """As of cameras twenty times as far away, with a lens to match."""
    scene.root["camera_angle_x"] = np.radians(5.0)
    scene.save()
    finding = found(scene)["unusual-lens"]
    assert finding.severity is Severity.WARNING
    assert "5 degrees along the longer side" in finding.sentence
    assert len(finding.files) == 24 + 3 + 3

"""What is said of cameras that were found: nothing of right ones, and of wrong ones what is wrong."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from topforge_capture import convert
from topforge_capture.capture import View
from topforge_capture.checks import lenses
from topforge_capture.lens import FISHEYE, POLYNOMIAL, Distortion, focal_of
from topforge_frames import judging
from topforge_frames.failures import UnlikelyLensError
from topforge_frames.reconstruction import Settings

SAMPLE = Path(__file__).resolve().parents[3] / "hip" / "sample_capture"
MADE = {
    "images": 56,
    "registered": 56,
    "unregistered": [],
    "model_sizes": [56],
    "triangulation_angle": 40.0,
    "feature_reach": 1.0,
    "reprojection_error": 0.5,
    "masked": 0,
}


def view(focal, width=256, height=256, **details):
    fov_y = 2 * math.atan(0.5 * height / focal)
    return View("r", Path("images/r.png"), None, np.eye(4), fov_y, width, height, **details)


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """The sample with its true cameras, as the poses' result would be."""
    folder = tmp_path_factory.mktemp("capture") / "colmap"
    request = convert.Request(SAMPLE / "transforms_train.json", folder, "colmap")
    convert.convert(request, lambda done, message: None)
    return folder


def codes(made, folder, views=()):
    return [finding.code for finding in judging.warnings({**MADE, **made}, views, Settings(), folder)]


@pytest.mark.parametrize(
    "lens",
    [
        view(371.74),
        view(4000.0, 6000, 4000, distortion=Distortion.of(POLYNOMIAL, (-0.12, 0.03))),
        view(1800.0, 3840, 2160, distortion=Distortion.of(POLYNOMIAL, (-0.25, 0.06))),
        view(1700.0, 5472, 3648, distortion=Distortion.of(FISHEYE, (0.03, -0.01, 0.002, 0.0))),
        view(1000.0 / math.pi, 1000, 1000, distortion=Distortion.of(FISHEYE, (1e-4,))),
        view(300.0, 200, 100, stretch=2.0),
        view(focal_of(400.0, 6000, 4000), 6000, 4000),
        view(focal_of(300.0, 1080, 1920), 1080, 1920),
    ],
    ids=[
        *("rendered", "photograph", "action camera", "fisheye", "fisheye of 180 degrees", "anamorphic"),
        *("400 mm", "macro at twice natural size, upright"),
    ],
)
def test_lenses_of_cameras_are_not_doubted(lens):
    assert list(lenses.doubts(lens)) == []


@pytest.mark.parametrize(
    ("lens", "words"),
    [
        (view(248.52, distortion=Distortion.of(POLYNOMIAL, (-0.99298,))), "turns back 96 pixels from the middle"),
        (view(4000.0), "3.67 degrees along the longer side (478 mm on 35 mm film)"),
        (view(20.0), "162 degrees"),
        (view(20.0, 128, 256), "162 degrees"),
        (view(79.32, stretch=19.23), "19.2 times as high as wide"),
    ],
    ids=["folded", "narrow", "wide", "wide upright", "squeezed"],
)
def test_lenses_that_no_camera_has_are_refused(lens, words):
    with pytest.raises(UnlikelyLensError) as refused:
        judging.refuse(MADE, [view(371.74), lens], Settings())
    assert words in refused.value.reason
    assert "focal_length" in refused.value.fix


def test_a_given_focal_length_is_not_doubted_what_was_found_beside_it_is():
    judging.refuse(MADE, [view(4000.0)], Settings(focal_length=478.0))
    folded = view(4000.0, distortion=Distortion.of(POLYNOMIAL, (-900.0,)))
    with pytest.raises(UnlikelyLensError, match="turns back"):
        judging.refuse(MADE, [folded], Settings(focal_length=478.0))


def test_a_lens_that_turns_back_where_nothing_was_found_is_told_not_refused(capture):
    """An object on a turntable that fills half of the frame: nothing holds the lens beyond it."""
    views = [view(248.52, distortion=Distortion.of(POLYNOMIAL, (-0.99298,)))]  # 96 of 128 pixels from the middle
    judging.refuse({**MADE, "feature_reach": 0.7}, views, Settings())
    assert codes({"feature_reach": 0.7}, capture, views) == ["unusual-lens"]
    with pytest.raises(UnlikelyLensError, match="turns back"):
        judging.refuse({**MADE, "feature_reach": 0.8}, views, Settings())


def test_few_lenses_among_many_that_no_camera_has_are_told(capture):
    """Where each image has a lens of its own, one that went wrong spoils no capture."""
    views = [view(371.74)] * 20 + [view(4000.0)]
    judging.refuse(MADE, views, Settings())
    assert codes({}, capture, views) == ["unusual-lens"]


def test_the_angle_across_is_that_which_the_lens_shows():
    barrel = view(200.0, 400, 300, distortion=Distortion.of(POLYNOMIAL, (-0.1,)))
    angle = math.tan(math.radians(lenses.degrees_across(barrel) / 2))
    assert barrel.place(np.array([angle]), np.array([0.0]))[0, 0] == pytest.approx(400.0, abs=0.05)
    assert focal_of(lenses.on_film(barrel), 400, 300) == pytest.approx(200.0)


def test_right_cameras_are_not_remarked(capture):
    assert codes({"masked": 56}, capture) == []


def test_cameras_of_other_pictures_do_not_fit_the_masks(capture, tmp_path):
    """Wrong by construction: each picture and mask has the camera of the one eleven further."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        files = sorted((capture / name).iterdir()) if (capture / name).is_dir() else []
        for file, other in zip(files, files[11:] + files[:11]):
            (tmp_path / name / file.name).write_bytes(other.read_bytes())
    (tmp_path / "sparse").symlink_to(capture / "sparse")
    assert "no-common-region" in codes({"masked": 56}, tmp_path)
    assert codes({"masked": 0}, tmp_path) == []


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"registered": 50, "unregistered": ["a.png"] * 6}, "not-registered"),
        ({"model_sizes": [56, 20]}, "not-registered"),
        ({"triangulation_angle": 1.2}, "no-baseline"),
    ],
)
def test_what_did_not_connect_and_what_has_no_depth_is_told(made, code, capture):
    assert codes(made, capture) == [code]


def test_some_without_a_camera_and_a_stray_pair_are_nothing(capture):
    made = {"registered": 53, "unregistered": ["a.png"] * 3, "model_sizes": [53, 2]}
    assert codes(made, capture) == []


def test_cameras_on_one_side_are_told(capture, tmp_path):
    files = {path.stem: path for path in (capture / "images").iterdir()}
    request = convert.Request(_one_side(tmp_path, files), tmp_path / "colmap", "colmap")
    convert.convert(request, lambda done, message: None)
    (finding,) = judging.warnings(MADE, (), Settings(), tmp_path / "colmap")
    assert finding.code == "coverage-gap"
    assert "these cameras are wrong" in finding.fix
    assert dataclasses.asdict(finding)["severity"] == "warning"


def _one_side(folder, files):
    """The sample's poses whose cameras stand on the side of +x."""
    content = json.loads((SAMPLE / "transforms_train.json").read_text())
    content["frames"] = [f for f in content["frames"] if f["transform_matrix"][0][3] > 0]
    for frame in content["frames"]:
        frame["file_path"] = str(files[Path(frame["file_path"]).stem])
    (folder / "transforms_train.json").write_text(json.dumps(content))
    return folder / "transforms_train.json"

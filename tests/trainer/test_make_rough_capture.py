"""Rough captures made from the sample: read in both forms, the same from one seed, flawless where nothing is asked."""

import json
import subprocess
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

import topforge_capture

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_rough_capture.py"
NO_FLAWS = ("--pixels", "0", "--stops", "0", "--bad", "0", "--degrees", "0", "--drop", "0")


def make(folder, *arguments):
    command = [sys.executable, str(SCRIPT), str(folder), "--size", "64", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    truth = json.loads((folder / "truth" / "truth.json").read_text())
    return topforge_capture.read(folder, "train"), truth["views"]


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    return make(tmp_path_factory.mktemp("rough") / "capture")


def test_it_is_rough(rough):
    capture, truth = rough
    assert capture.format == "llff"
    assert 40 < len(capture.views) == len(truth) < 64
    stops = np.log2([view["gain"] for view in truth]).mean(axis=1)
    assert 0.15 < stops.std() < 0.45
    assert abs(stops.mean()) < 1e-9
    assert sorted(view["flaw"] for view in truth if view["flaw"]) == ["extra", "missing", "missing", "missing"]
    for view, true in zip(capture.views, truth):
        pose = np.array(true["true_pose"])
        assert np.degrees(np.arccos(np.clip((pose[:3, 2] * view.camera_to_world[:3, 2]).sum(), -1, 1))) < 1
        pixels = topforge_capture.load_image(view)
        assert set(np.unique(pixels[..., 3])) <= {0.0, 1.0}  # drawn by hand: no soft edges
        assert pixels[pixels[..., 3] == 0][:, :3].std() > 0.01  # a room


def test_a_seed_repeats_it(rough, tmp_path):
    capture, _ = rough
    again, _ = make(tmp_path / "again")
    other, _ = make(tmp_path / "other", "--seed", "1")
    assert [view.image.read_bytes() for view in again.views] == [view.image.read_bytes() for view in capture.views]
    assert [view.mask.read_bytes() for view in again.views] == [view.mask.read_bytes() for view in capture.views]
    assert other.views[0].mask.read_bytes() != capture.views[0].mask.read_bytes()


def test_without_flaws_it_is_the_sample_in_a_room(tmp_path):
    capture, truth = make(tmp_path / "clean", "--form", "nerf", *NO_FLAWS)
    assert capture.format == "nerf-synthetic"
    sample = SCRIPT.parents[1] / "hip" / "sample_capture"
    views = topforge_capture.read(sample, "train").views + topforge_capture.read(sample, "val").views
    assert len(capture.views) == len(views)
    for view, clean in list(zip(capture.views, views))[::16]:
        np.testing.assert_allclose(view.camera_to_world, clean.camera_to_world, atol=1e-6)
        alpha = imageio.imread(clean.image)[..., 3].reshape(64, 4, 64, 4).mean((1, 3)) / 255
        sure = np.abs(alpha - 0.5) > 0.2
        assert ((topforge_capture.load_image(view)[..., 3] > 0.5) == (alpha > 0.5))[sure].all()
    assert all(np.allclose(view["gain"], 1.0) for view in truth)

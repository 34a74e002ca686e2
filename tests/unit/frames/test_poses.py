"""The adapter "poses" with COLMAP itself, on photographs whose true cameras are known."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from topforge.trainers.poses import ADAPTER
from topforge_capture.reader import read
from topforge_frames import reconstruction

pytest.importorskip("pycolmap", reason="pycolmap is not installed: no cameras can be found")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fakes"))
import textured_scene

from .conftest import FOCAL, HEIGHT, K1, VIEWS, WIDTH, run_item

SKY = 150


@pytest.fixture(scope="module")
def found(photographs, tmp_path_factory):
    return run_item(tmp_path_factory.mktemp("runs") / "poses", "poses", photographs)


@pytest.fixture(scope="module")
def masked(photographs, tmp_path_factory):
    """The same with masks: everything but the sky, and a stretch that is the same on all, as a date stamp is."""
    folder = tmp_path_factory.mktemp("masked")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    stamp = np.random.default_rng(3).integers(0, 255, (50, 320 // 2, 3), dtype=np.uint8)
    for path in sorted((photographs / "images").iterdir()):
        pixels = np.asarray(Image.open(path)).copy()
        mask = np.where(is_sky(pixels), 0, 255).astype(np.uint8)
        pixels[-50:, : WIDTH // 2] = stamp
        mask[-50:, : WIDTH // 2] = 0
        Image.fromarray(pixels).save(folder / "images" / path.name)
        Image.fromarray(mask).save(folder / "masks" / (path.name + ".png"))
    return run_item(tmp_path_factory.mktemp("runs") / "masked", "poses", folder)


def is_sky(pixels):
    return (pixels == SKY).all(-1)


def aligned(views, cameras):
    """Centres and rotations of the views in the true world: the similarity that moves centres onto true ones best.

    Umeyama's closed form (PAMI 1991).
    """
    centres = np.stack([view.position for view in views])
    true = np.stack([cameras[view.name][:3, 3] for view in views])
    a, b = centres - centres.mean(0), true - true.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = (s * np.diag(sign)).sum() / (a**2).sum() * len(a)
    return scale * a @ rotation.T + true.mean(0), [rotation @ view.camera_to_world[:3, :3] for view in views]


def test_all_cameras_are_found_where_they_stood(found, cameras):
    assert found.process.returncode == 0, found.process.stderr
    views = read(found.paths.result).views
    assert sorted(view.name for view in views) == sorted(cameras)
    centres, rotations = aligned(views, cameras)
    true = np.stack([cameras[view.name] for view in views])
    radius = np.linalg.norm(true[:, :3, 3] - true[:, :3, 3].mean(0), axis=1).mean()
    assert np.linalg.norm(centres - true[:, :3, 3], axis=1).max() < 0.005 * radius
    angles = [np.degrees(np.arccos(min(1.0, (np.trace(r.T @ t[:3, :3]) - 1) / 2))) for r, t in zip(rotations, true)]
    assert max(angles) < 0.3


def test_the_lens_is_found_and_its_report_is_honest(found):
    report = json.loads(found.file("poses.json").read_text())
    assert (report["images"], report["registered"], report["unregistered"]) == (VIEWS, VIEWS, [])
    (lens,) = report["lenses"]
    assert lens["f"] == pytest.approx(FOCAL, rel=0.01)
    assert lens["k"] == pytest.approx(K1, abs=0.01)
    assert 0 < report["reprojection_error"] < 0.5
    assert found.result.metrics["registered"] == VIEWS
    assert found.result.metrics["reprojection_error"] == report["reprojection_error"]
    assert "COLMAP" in found.result.licences[0]


def test_of_right_cameras_nothing_is_remarked(found, masked):
    """Nor where masks hide what is no object: the sky."""
    for ran in (found, masked):
        assert json.loads(ran.file("poses.json").read_text())["warnings"] == []
        assert ran.result.metrics["triangulation_angle"] > 30
        assert ran.state.message == "done"


def test_the_images_are_as_a_lens_without_distortion_shows_them(found, cameras):
    for view in read(found.paths.result).views[::5]:
        assert view.principal_offset == pytest.approx((0, 0), abs=0.01)
        expected = textured_scene.render(cameras[view.name], view.width, view.height, view.focal)
        straight = np.asarray(Image.open(view.image).convert("RGB"))
        assert straight.shape == expected.shape
        assert psnr(straight, expected) > 31
        assert psnr(np.roll(straight, 1, axis=1), expected) < psnr(straight, expected) - 4


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2))


def test_progress_rises_through_all_stages(found):
    lines = (found.paths.run / "attempt-1.log").read_text().splitlines()
    reports = [report for report in map(ADAPTER.parse, lines) if report]
    values = [report.progress for report in reports]
    assert values == sorted(values)
    assert values[-1] == 1.0
    messages = " ".join(report.message for report in reports)
    for part in ("features of image 24 of 24", "matching part 1 of", "camera 24 of 24", "undistorting 24 images"):
        assert part in messages


def test_the_same_work_is_not_done_twice(found):
    before = found.paths.manifest.stat().st_mtime_ns
    assert subprocess.run(found.process.args, capture_output=True, check=False).returncode == 0
    assert found.paths.manifest.stat().st_mtime_ns == before
    assert not (found.paths.run / "attempt-2.log").exists()


def test_masks_keep_features_out_and_come_along_without_distortion(masked, cameras):
    assert masked.process.returncode == 0, masked.process.stderr
    assert json.loads(masked.file("poses.json").read_text())["masked"] == VIEWS
    assert len(masked.outputs("mask")) == VIEWS
    model = reconstruction.library().Reconstruction(masked.file("sparse/0"))
    observed = 0
    for number in model.reg_image_ids():
        image = model.image(number)
        mask = np.asarray(Image.open(masked.file("masks/%s.png" % image.name)))
        for point in image.get_observation_points2D():
            column, row = (np.clip(int(x), 3, size - 4) for x, size in zip(point.xy, mask.shape[::-1]))
            assert mask[row - 3 : row + 4, column - 3 : column + 4].any(), "a feature lies where the mask is black"
            observed += 1
    assert observed > 500
    for view in read(masked.paths.result).views[::5]:
        white = np.asarray(Image.open(view.mask)) > 127
        seen = ~is_sky(textured_scene.render(cameras[view.name], view.width, view.height, view.focal))
        seen[-52:, : WIDTH // 2 + 2] = white[-52:, : WIDTH // 2 + 2] = False
        assert (white & seen).sum() / (white | seen).sum() > 0.98


@pytest.mark.parametrize("use_masks", [True, False])
def test_alpha_is_a_mask_and_comes_along_in_any_case(photographs, run, tmp_path, use_masks):
    (tmp_path / "images").mkdir()
    for path in sorted((photographs / "images").iterdir())[:8]:
        pixels = np.asarray(Image.open(path))
        alpha = np.zeros(pixels.shape[:2], np.uint8)
        alpha[:, 60:260] = 255
        Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "images" / path.name)
    ran = run("poses", tmp_path, use_masks=use_masks, minimum_registered=0.3)
    assert ran.process.returncode == 0, ran.process.stderr
    assert len(ran.outputs("mask")) == ran.result.metrics["registered"]
    assert Image.open(ran.file(ran.outputs("photograph")[0])).mode == "RGB"
    white = np.asarray(Image.open(ran.file(ran.outputs("mask")[0]))) > 127
    assert 0.5 < white.mean() < 0.75
    model = reconstruction.library().Reconstruction(ran.file("sparse/0"))
    columns = [p.xy[0] for n in model.reg_image_ids() for p in model.image(n).get_observation_points2D()]
    assert (min(columns) > 50) == use_masks


def test_images_that_find_no_place_are_named(photographs, run, tmp_path):
    shutil.copytree(photographs / "images", tmp_path / "images")
    for index in range(8):
        noise = np.random.default_rng(index).integers(0, 255, (30, 40, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(noise).save(tmp_path / "images" / ("stray_%d.png" % index))
    ran = run("poses", tmp_path, minimum_registered=0.9)
    assert ran.process.returncode == 65
    assert "24 of 32 images" in ran.state.message
    assert "stray_0.png" in ran.state.message
    assert not ran.paths.manifest.exists()


def test_plain_surfaces_are_explained(run, tmp_path):
    (tmp_path / "images").mkdir()
    for index in range(4):
        Image.new("RGB", (200, 150), (200, 200, 190 + index)).save(tmp_path / "images" / ("%d.png" % index))
    ran = run("poses", tmp_path)
    assert ran.process.returncode == 65
    assert "No cameras were found: of 4 images with 0 features each" in ran.state.message
    assert "texture" in ran.process.stderr


def test_two_images_are_too_few(run, tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    ran = run("poses", tmp_path)
    assert ran.process.returncode == 78
    assert "holds 2 images" in ran.state.message


def test_cameras_that_do_not_fit_are_refused(photographs, run):
    ran = run("poses", photographs, maximum_error=0.1)
    assert ran.process.returncode == 65
    assert "pixels in the mean, more than 0.1" in ran.state.message


def test_pairs_are_all_compared_until_there_are_too_many():
    assert reconstruction.matching_kind("auto", 250) == "exhaustive"
    assert reconstruction.matching_kind("auto", 251) == "sequential"
    assert reconstruction.matching_kind("exhaustive", 9999) == "exhaustive"


def test_neighbours_alone_are_enough_for_a_path(photographs, run, tmp_path):
    for path in sorted((photographs / "images").iterdir()):
        shutil.copy(path, tmp_path / path.name)
    ran = run("poses", tmp_path, matching="sequential", overlap=3)
    assert ran.process.returncode == 0, ran.process.stderr
    assert json.loads(ran.file("poses.json").read_text())["matching"] == "sequential"


def test_a_lens_that_no_camera_has_is_refused(photographs, run, tmp_path):
    for path in sorted((photographs / "images").iterdir()):
        Image.open(path).resize((WIDTH, 5 * HEIGHT // 2)).save(tmp_path / path.name)
    ran = run("poses", tmp_path, camera_model="PINHOLE")
    assert ran.process.returncode == 65, ran.process.stderr
    assert "Its pixels would be" in ran.state.message
    assert "focal_length" in ran.process.stderr
    assert not ran.paths.manifest.exists()


def test_cameras_on_one_side_are_remarked_and_the_item_is_done(run, tmp_path):
    (tmp_path / "images").mkdir()
    for index, camera in enumerate(textured_scene.orbit(48)[:10]):
        pixels = textured_scene.render(camera, WIDTH, HEIGHT, FOCAL)
        Image.fromarray(pixels).save(tmp_path / "images" / ("%02d.png" % index))
    ran = run("poses", tmp_path)
    assert ran.process.returncode == 0, ran.process.stderr
    (remark,) = ran.result.remarks
    assert remark.startswith("No camera looks from a sector of ")
    assert ran.state.message == "done; " + remark
    assert ran.result.metrics["warnings"] == 1
    assert "WARNING: " + remark in (ran.paths.run / "attempt-1.log").read_text()


@pytest.mark.parametrize("form", ["tif", "webp"])
def test_forms_that_captures_do_not_have_become_png(photographs, run, tmp_path, form):
    for path in sorted((photographs / "images").iterdir()):
        Image.open(path).save(tmp_path / (path.stem + "." + form), lossless=True)
    ran = run("poses", tmp_path)
    assert ran.process.returncode == 0, ran.process.stderr
    views = read(ran.paths.result).views
    assert len(views) == VIEWS
    assert all(view.image.suffix == ".png" for view in views)


def test_a_given_focal_length_is_held(photographs, run):
    ran = run("poses", photographs, focal_length=32.5)
    assert ran.process.returncode == 0, ran.process.stderr
    (lens,) = json.loads(ran.file("poses.json").read_text())["lenses"]
    assert lens["f"] == pytest.approx(32.5 * math.hypot(WIDTH, HEIGHT) / 43.27)
    assert lens["k"] == pytest.approx(K1, abs=0.01)

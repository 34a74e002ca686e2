"""Conversion: what is lost and said, what happens to images and masks, splits, boxes, and the command itself."""

import argparse
import json
import sys

import imageio.v3 as imageio
import numpy as np
import pytest

import topforge_capture
from topforge import capture_program
from topforge.errors import FailureClass
from topforge.verbs import convert as verb
from topforge_capture import box, convert, formats, reader, resample, verification
from topforge_capture.capture import Bound, CaptureError, Dataset, Points
from topforge_capture.images import coverage, load_pixels, to_linear


def silent(done, message):
    pass


def converted(source, out, to, **options):
    report = convert.convert(convert.Request(source, out, to, **options), silent)
    assert json.loads((out / "conversion.json").read_text()) == report
    assert sorted(path.name for path in out.parent.iterdir() if path.name.startswith(".")) == []
    return report


def nerfstudio(folder, frames=3, size=(64, 48), alpha=True, **root):
    """A small capture written by hand: cameras on a ring that look at the origin of a z-up world."""
    (folder / "images").mkdir(parents=True)
    entries = []
    for index in range(frames):
        angle = 2 * np.pi * index / frames
        back = np.array([np.sin(angle), -np.cos(angle), 0.0])
        right = np.cross([0, 0, 1.0], back)
        pose = np.eye(4)
        pose[:3] = np.stack([right, [0, 0, 1.0], back, 4 * back], axis=1)
        pixels = np.zeros((size[1], size[0], 4), np.uint8)
        pixels[..., :3] = 10 * index
        pixels[size[1] // 4 : -(size[1] // 4), size[0] // 4 : -(size[0] // 4)] = (200, 100, 50, 255)
        imageio.imwrite(folder / "images" / ("%d.png" % index), pixels if alpha else pixels[..., :3])
        entries.append({"file_path": "images/%d.png" % index, "transform_matrix": pose.tolist()})
    lens = {"fl_x": 60.0, "fl_y": 60.0, "cx": size[0] / 2, "cy": size[1] / 2, "w": size[0], "h": size[1]}
    (folder / "transforms.json").write_text(json.dumps({**lens, **root, "frames": entries}))
    return folder


def lost(report):
    return {loss["what"]: loss for loss in report["lost"]}


# Losses


def test_distortion_is_lost_and_measured(tmp_path):
    source = nerfstudio(tmp_path / "in", k1=-0.1)
    report = converted(source, tmp_path / "out", "nerf-synthetic")
    # In the corner x = 32/60, y = 24/60 of a pinhole the lens shows r (1 - 0.1 r^2): 60 * 0.1 * r^3 pixels nearer.
    corner = 60 * 0.1 * np.hypot(32 / 60, 24 / 60) ** 3
    assert lost(report)["distortion"]["pixels"] == pytest.approx(corner, rel=1e-6)
    assert lost(report)["distortion"]["views"] == 3
    assert "k1 -0.1" in lost(report)["distortion"]["sentence"]


def test_principal_point_and_lenses_are_lost_where_there_is_one_lens(tmp_path):
    source = nerfstudio(tmp_path / "in")
    file = source / "transforms.json"
    root = json.loads(file.read_text())
    root["frames"][1].update(fl_x=66.0, fl_y=66.0)
    root["cx"] = 30.0
    file.write_text(json.dumps(root))
    found = lost(converted(source, tmp_path / "out", "nerf-synthetic"))
    assert found["principal"]["pixels"] == pytest.approx(2.0)
    # The corner is (32, 24) from the middle with focal 66, and so much less with 60.
    assert found["lenses"]["pixels"] == pytest.approx(np.hypot(32, 24) * (1 - 60 / 66), rel=1e-6)
    assert found["lenses"]["views"] == 1


def test_stretched_pixels_planes_splits_and_points(tmp_path):
    source = nerfstudio(tmp_path / "in", fl_y=66.0, train_filenames=["images/0.png", "images/2.png"])
    root = json.loads((source / "transforms.json").read_text())
    root["val_filenames"] = root["test_filenames"] = ["images/1.png"]
    root["ply_file_path"] = "cloud.ply"
    (source / "transforms.json").write_text(json.dumps(root))
    header = (
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    )
    (source / "cloud.ply").write_text(header + "1 2 3\n")
    dataset = reader.read_all(source)
    assert [(c.split, len(c.views)) for c in dataset.captures] == [("train", 2), ("val", 1)]
    np.testing.assert_allclose(dataset.points.positions, [[1, 3, -2]])
    found = lost(converted(source, tmp_path / "out", "llff"))
    assert set(found) == {"stretch", "splits", "points"}
    assert found["stretch"]["pixels"] > 1
    back = converted(tmp_path / "out", tmp_path / "again", "colmap")
    assert back["lost"] == []  # planes were the default
    kept = converted(source, tmp_path / "kept", "nerfstudio")
    assert kept["lost"] == []
    np.testing.assert_allclose(reader.read_all(tmp_path / "kept").points.positions, [[1, 3, -2]])


def test_near_and_far_planes_are_lost(tmp_path):
    source = converted(nerfstudio(tmp_path / "in"), tmp_path / "llff", "llff") and tmp_path / "llff"
    rows = np.load(source / "poses_bounds.npy")
    rows[:, 15:] = (2.0, 7.0)
    np.save(source / "poses_bounds.npy", rows)
    assert lost(converted(source, tmp_path / "a", "nerfstudio"))["planes"]["views"] == 3
    assert lost(converted(source, tmp_path / "b", "usd")) == {}
    assert {(v.near, v.far) for v in reader.read_all(tmp_path / "b").views} == {(2.0, 7.0)}


def test_images_of_two_sizes_do_not_fit_one_lens(tmp_path):
    source = nerfstudio(tmp_path / "in")
    imageio.imwrite(source / "images/1.png", np.zeros((96, 128, 4), np.uint8))
    root = json.loads((source / "transforms.json").read_text())
    root["frames"][1].update(w=128, h=96, fl_x=120.0, fl_y=120.0, cx=64.0, cy=48.0)
    (source / "transforms.json").write_text(json.dumps(root))
    with pytest.raises(CaptureError, match="2 sizes"):
        converted(source, tmp_path / "out", "neuralangelo")
    assert not (tmp_path / "out").exists()
    assert converted(source, tmp_path / "out", "colmap")["lost"] == []


# Undistortion


def test_undistorted_images_show_what_a_pinhole_would(tmp_path):
    source = nerfstudio(
        tmp_path / "in", size=(160, 120), alpha=False, fl_x=150.0, fl_y=140.0, cx=83.0, cy=58.0, k1=-0.15
    )
    column, row = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)
    linear = np.stack([column / 160, row / 120, np.full_like(row, 0.25)], axis=2)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    imageio.imwrite(source / "images/0.png", np.round(255 * encoded).astype(np.uint8))
    report = converted(source, tmp_path / "out", "nerf-synthetic", undistort=True)
    assert report["lost"] == []
    view = topforge_capture.read(tmp_path / "out").views[0]  # trainable
    focal, found = view.focal, to_linear(load_pixels(view.image))
    assert focal == pytest.approx(np.sqrt(150 * 140))
    x, y = (column - 80) / focal, (row - 60) / focal
    bent = 1 - 0.15 * (x * x + y * y)
    u, v = 150 * x * bent + 83, 140 * y * bent + 58
    inside = (u > 1) & (u < 159) & (v > 1) & (v < 119)
    for channel, expected in ((0, u / 160), (1, v / 120)):
        error = (found[..., channel] - expected)[inside]
        assert np.abs(error).max() < 0.01  # a step of 8 bits twice
        assert abs(error.mean()) < 0.0003  # a twentieth of a pixel


def test_what_was_not_photographed_is_blank_and_uncovered(tmp_path):
    source = nerfstudio(tmp_path / "in", k1=0.3)  # a pincushion: corners of the pinhole's image lie outside
    for index in range(3):
        imageio.imwrite(source / ("images/%d.png" % index), np.full((48, 64, 4), 255, np.uint8))
    report = converted(source, tmp_path / "out", "nerf-synthetic", undistort=True)
    pixels = load_pixels(tmp_path / "out/train/0.png")
    assert tuple(pixels[0, 0]) == (0, 0, 0, 0)
    assert tuple(pixels[24, 32]) == (255, 255, 255, 255)
    assert "blank" in " ".join(report["notes"])


def test_colours_of_an_edge_do_not_mix_with_what_is_uncovered(tmp_path):
    source = nerfstudio(tmp_path / "in", k1=-0.2)
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[:, 32:] = (200, 100, 50, 255)
    imageio.imwrite(source / "images/0.png", pixels)
    converted(source, tmp_path / "out", "nerf-synthetic", undistort=True)
    found = load_pixels(tmp_path / "out/train/0.png")
    soft = found[found[..., 3] > 20]
    assert np.abs(soft[:, :3].astype(int) - (200, 100, 50)).max() <= 2


def test_undistorting_gives_all_images_the_one_lens_that_a_format_knows_and_takes_masks_along(tmp_path):
    source = nerfstudio(tmp_path / "in", alpha=False)
    root = json.loads((source / "transforms.json").read_text())
    (source / "masks").mkdir()
    for index, frame in enumerate(root["frames"]):
        mask = np.zeros((48, 64), np.uint8)
        mask[12:36, 16:48] = 255
        imageio.imwrite(source / ("masks/%d.png" % index), mask)
        frame["mask_path"] = "masks/%d.png" % index
    root["frames"][1].update(fl_x=90.0, fl_y=90.0)
    root["frames"][2].update(fl_x=50.0, fl_y=50.0)
    (source / "transforms.json").write_text(json.dumps(root))
    report = converted(source, tmp_path / "out", "nerf-synthetic", undistort=True)
    assert report["lost"] == []
    views = topforge_capture.read(tmp_path / "out").views
    assert [view.focal for view in views] == pytest.approx([60.0] * 3)
    wide, narrow = (coverage(view, load_pixels(view.image)) for view in views[1:])
    # 32 pixels of coverage shrink by 60 / 90, and grow by 60 / 50.
    assert wide[24].sum() == pytest.approx(32 * 60 / 90, abs=1)
    assert narrow[24].sum() == pytest.approx(32 * 60 / 50, abs=1)


def test_a_polynomial_ends_where_it_turns_back():
    bent = topforge_capture.capture.Distortion.of("polynomial", [-0.3])
    assert bent.reach() == pytest.approx(1 / np.sqrt(0.9), abs=2e-3)  # d/dr (r - 0.3 r^3) = 0


def test_bilinear_is_exact_on_planes_and_prolongs_edges():
    row, column = np.mgrid[:5, :7].astype(np.float32)
    image = (2 * column + 3 * row)[..., None]
    where = np.array([[[0.5, 0.5], [3.25, 2.0], [6.5, 4.5], [-4.0, 9.0]]])
    np.testing.assert_allclose(resample.bilinear(image, where)[0, :, 0], [0, 2 * 2.75 + 3 * 1.5, 12 + 12, 12])


# Images and masks


def test_alpha_becomes_masks_and_masks_become_alpha(tmp_path):
    source = nerfstudio(tmp_path / "in")
    before = [coverage(view, load_pixels(view.image)) for view in reader.read_all(source).views]
    converted(source, tmp_path / "colmap", "colmap")
    assert load_pixels(tmp_path / "colmap/images/0.png").shape[2] == 3
    assert (tmp_path / "colmap/masks/0.png.png").is_file()  # as COLMAP wants them
    converted(tmp_path / "colmap", tmp_path / "nerf", "nerf-synthetic")
    after = [coverage(view, load_pixels(view.image)) for view in reader.read_all(tmp_path / "nerf").views]
    np.testing.assert_array_equal(before, after)
    first = load_pixels(tmp_path / "nerf/train/1.png")
    np.testing.assert_array_equal(first[..., :3], load_pixels(source / "images/1.png")[..., :3])


def test_images_are_copied_linked_or_left(tmp_path):
    source = nerfstudio(tmp_path / "in")
    converted(source, tmp_path / "copy", "nerfstudio")
    assert (tmp_path / "copy/images/0.png").read_bytes() == (source / "images/0.png").read_bytes()
    assert not (tmp_path / "copy/images/0.png").is_symlink()
    converted(source, tmp_path / "link", "nerfstudio", images="link")
    assert (tmp_path / "link/images/0.png").resolve() == source / "images/0.png"
    converted(source, tmp_path / "left", "nerfstudio", images="reference")
    assert not (tmp_path / "left/images").exists()
    assert json.loads((tmp_path / "left/transforms.json").read_text())["frames"][0]["file_path"] == "../in/images/0.png"
    with pytest.raises(CaptureError, match="by their place") as caught:
        converted(source, tmp_path / "no", "llff", images="reference")
    assert "--images link" in caught.value.fix


def test_images_of_one_name_in_two_splits_stay_apart(clean_scene, tmp_path):
    report = converted(clean_scene.folder, tmp_path / "out", "colmap", images="link")
    assert report["views"] == {"train": 30}
    assert len(list((tmp_path / "out/images").iterdir())) == 30


# Splits


def test_views_are_held_out_and_stand_in_for_tests(tmp_path):
    source = nerfstudio(tmp_path / "in", frames=7)
    report = converted(source, tmp_path / "out", "nerf-synthetic", hold_out=3)
    assert report["views"] == {"train": 4, "val": 3}
    names = [frame["file_path"] for frame in json.loads((tmp_path / "out/transforms_test.json").read_text())["frames"]]
    assert names == ["./val/0", "./val/3", "./val/6"]
    assert topforge_capture.splits(tmp_path / "out") == ("train", "val")
    converted(
        tmp_path / "out", tmp_path / "studio", "nerfstudio", hold_out=2
    )  # it has splits: nothing more is held out
    assert [(c.split, len(c.views)) for c in reader.read_all(tmp_path / "studio").captures] == [
        ("train", 4),
        ("val", 3),
    ]


# The box


def test_the_box_comes_from_masks_and_centring_moves_it_to_the_origin(clean_scene, tmp_path):
    moved = np.eye(4)
    moved[:3, 3] = (3.0, -2.0, 1.0)  # in the file's z-up world
    folder = tmp_path / "moved"
    converted(clean_scene.folder, folder, "nerf-synthetic")
    for file in folder.glob("transforms_*.json"):
        root = json.loads(file.read_text())
        for frame in root["frames"]:
            frame["transform_matrix"] = (moved @ np.array(frame["transform_matrix"])).tolist()
        file.write_text(json.dumps(root))
    report = converted(folder, tmp_path / "out", "neuralangelo", find_box=True)
    low, high = np.array(report["box"]["bounds"])
    # The balls reach from -0.7 to 1.1, -0.7 to 0.8 and -0.7 to 0.9 in the file's world.
    expected = np.array([[-0.7, -0.7, -0.7], [1.1, 0.8, 0.9]]) + np.array([3, -2, 1])
    found = np.stack([low, high])[:, [0, 2, 1]] * (1, -1, 1)  # y up -> z up
    np.testing.assert_allclose(np.sort(found, axis=0), expected, atol=0.12)
    assert report["box"]["source"] == "masks"
    root = json.loads((tmp_path / "out/transforms.json").read_text())
    np.testing.assert_allclose(root["sphere_center"], np.mean(expected, axis=0), atol=0.08)
    assert root["sphere_radius"] == pytest.approx(0.5 * np.linalg.norm(expected[1] - expected[0]), abs=0.15)
    assert (np.array(root["aabb_range"])[:, 0] < np.array(root["aabb_range"])[:, 1]).all()
    centred = converted(folder, tmp_path / "centred", "nerf-synthetic", centre=True)
    assert centred["box"]["mesh_scale"] < report["box"]["mesh_scale"]
    np.testing.assert_allclose(centred["box"]["centre"], 0, atol=1e-9)
    position = topforge_capture.read(tmp_path / "centred").views[0].position
    assert np.linalg.norm(position) == pytest.approx(4.5, abs=0.3)
    fitted = converted(folder, tmp_path / "fitted", "nerf-synthetic", fit=1.3)
    np.testing.assert_allclose(fitted["box"]["centre"], 0, atol=1e-9)
    assert 1.2 <= fitted["box"]["mesh_scale"] <= 1.3
    smaller = topforge_capture.read(tmp_path / "fitted").views[0].position
    np.testing.assert_allclose(smaller, position * 1.3 / centred["box"]["mesh_scale"], rtol=1e-9)
    there = (np.array(fitted["source_to_result"]) @ np.append(np.mean(expected, axis=0), 1))[:3]
    np.testing.assert_allclose(there, 0, atol=0.08)


def views_around(folder):
    return reader.read_all(nerfstudio(folder, alpha=False))


def test_the_box_comes_from_the_cloud_without_masks(tmp_path):
    inside = np.random.default_rng(2).uniform(-1, 1, (2000, 3)) * (0.5, 1.0, 0.25)
    background = np.random.default_rng(3).normal(size=(500, 3)) * 30
    cloud = np.concatenate([inside, background[np.linalg.norm(background, axis=1) > 5]])
    dataset = views_around(tmp_path / "in")
    dataset = Dataset(dataset.captures, Points(cloud, np.zeros((len(cloud), 3), np.uint8)))
    found = box.find(dataset, silent)
    assert found.source == "points"
    np.testing.assert_allclose(found.high, (0.5, 1.0, 0.25), rtol=0.1)
    np.testing.assert_allclose(found.low, (-0.5, -1.0, -0.25), rtol=0.1)


def test_the_box_is_a_guess_from_cameras_alone_and_says_so(tmp_path):
    report = converted(nerfstudio(tmp_path / "in", alpha=False), tmp_path / "out", "neuralangelo")
    assert report["box"]["source"] == "cameras"
    assert "guess" in " ".join(report["notes"])
    np.testing.assert_allclose(report["box"]["centre"], 0, atol=1e-9)


def test_a_given_box_wins(tmp_path):
    cube = box.given(np.array([1.0, 2.0, 3.0]), 2.0)
    report = converted(nerfstudio(tmp_path / "in"), tmp_path / "out", "neuralangelo", box=cube)
    assert report["box"]["bounds"] == [[0, 1, 2], [2, 3, 4]]
    root = json.loads((tmp_path / "out/transforms.json").read_text())
    assert root["sphere_center"] == pytest.approx([1, -3, 2])  # (x, y, z) -> (x, -z, y)
    assert root["sphere_radius"] == pytest.approx(np.sqrt(3))
    assert reader.read_all(tmp_path / "out").bound.source == "file"


def test_readjust_makes_one_sphere_of_the_other():
    old = Bound(np.array([-1.0, -1, -1]), np.array([1.0, 1, 1]), "file")
    new = Bound(np.array([0.0, 1, 2]), np.array([1.0, 2, 3]), "given")
    values = box.readjust(new, old)
    assert values["scale"] == pytest.approx(0.5)
    assert values["center"] == pytest.approx([0.5, -2.5, 1.5])


# Failures


def test_what_is_there_is_not_overwritten_and_failures_leave_nothing(tmp_path):
    source = nerfstudio(tmp_path / "in")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    with pytest.raises(CaptureError, match="is there already"):
        converted(source, tmp_path / "full", "llff")
    for image in (source / "images").iterdir():
        image.write_bytes(image.read_bytes()[:60])  # headers are whole, pixels are not
    with pytest.raises(CaptureError):
        converted(source, tmp_path / "out", "llff")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "in"]


def test_views_without_image_are_left_out_and_named(tmp_path):
    source = nerfstudio(tmp_path / "in")
    (source / "images/1.png").unlink()
    report = converted(source, tmp_path / "out", "colmap-text")
    assert report["views"] == {"train": 2}
    assert "1.png does not exist" in report["left_out"][0]


def test_alembic_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(CaptureError, match="Alembic is not read") as caught:
        reader.read_all(tmp_path / "cameras.abc")
    assert "USD" in caught.value.fix


def test_usd_without_its_library(tmp_path, monkeypatch):
    source = nerfstudio(tmp_path / "in")
    monkeypatch.setitem(sys.modules, "pxr", None)
    report = converted(source, tmp_path / "out", "usd")
    assert report["pixels"] is None
    with pytest.raises(CaptureError, match="needs Pixar's library") as caught:
        reader.read_all(tmp_path / "out")
    assert "usd-core" in caught.value.fix


def test_a_writer_that_is_wrong_is_found_out(tmp_path, monkeypatch):
    right = formats.llff._row

    def wrong(view):
        row = right(view)
        row[14] *= 1.001
        return row

    monkeypatch.setattr(formats.llff, "_row", wrong)
    with pytest.raises(verification.NotTheSameError, match="pixels away"):
        converted(nerfstudio(tmp_path / "in"), tmp_path / "out", "llff")
    assert not (tmp_path / "out").exists()


# The command


def run(*words):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def test_the_command_says_what_was_lost(tmp_path, capfd):
    source = nerfstudio(tmp_path / "in", k1=-0.1)
    assert run(source, tmp_path / "out", "--to", "nerf-synthetic", "--box", "0", "0", "0", "2.5") == 0
    printed = capfd.readouterr().out
    assert "LOST  lens distortion of 3 views (k1 -0.1): up to 1.78 pixels" in printed
    assert "--undistort" in printed
    assert "mesh_scale 2.7" in printed
    assert "progress=" not in printed
    assert "summary=" not in printed


def test_photographs_that_are_elsewhere_are_asked_for(tmp_path, capfd):
    source = nerfstudio(tmp_path / "in")
    made = tmp_path / "metashape"
    assert run(source, made, "--to", "metashape") == 0
    (made / "images").rename(tmp_path / "photographs")
    with pytest.raises(capture_program.FailedError, match=r"^None of 3 views can be read\. The first: ") as caught:
        run(made, tmp_path / "out", "--to", "llff")
    assert "--photographs DIR" in caught.value.fix
    assert run(made, tmp_path / "out", "--to", "llff", "--photographs", tmp_path / "photographs") == 0


def test_what_cannot_be_written_is_told_in_a_sentence(tmp_path):
    source = nerfstudio(tmp_path / "in")
    (tmp_path / "file").write_text("x")
    for words in ((tmp_path / "file" / "out",), (tmp_path / "out", "--json", tmp_path / "file" / "a.json")):
        with pytest.raises(capture_program.FailedError, match=str(tmp_path / "file")) as caught:
            run(source, *words, "--to", "nerf-synthetic")
        assert caught.value.failure_class is FailureClass.INFRA
        assert "Traceback" not in caught.value.reason


def test_the_command_fails_in_the_converters_words(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(capture_program.FailedError, match=r"holds none of: transforms_train\.json") as caught:
        run(tmp_path / "empty", tmp_path / "out", "--to", "llff")
    assert caught.value.failure_class is FailureClass.CONFIG
    assert caught.value.fix == "Give the folder that holds the capture's pose file."
    with pytest.raises(capture_program.FailedError, match=r"nowhere does not exist\."):
        run(tmp_path / "nowhere", tmp_path / "out", "--to", "llff")
    with pytest.raises(capture_program.FailedError, match="neither auto nor four numbers"):
        run(tmp_path / "empty", tmp_path / "out", "--to", "llff", "--box", "1", "2")

"""The adapter "frames": real videos made with real ffmpeg, real photographs, real items."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from topforge_frames import selection, sharpness

WIDTH, HEIGHT, RATE = 160, 96, 10
TURNED_LEFT = 8
"""EXIF: turn by 90 degrees against the clock to stand upright."""


def picture(number: int) -> Image.Image:
    """Coarse noise, other for each number, with a white square whose column tells the number."""
    noise = np.random.default_rng(7).integers(0, 200, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8)
    pixels = np.roll(noise.repeat(4, 0).repeat(4, 1), number, axis=1)
    pixels[8:24, 2 * number : 2 * number + 16] = 255
    return Image.fromarray(pixels)


def number_in(path) -> int:
    """The number that `picture` painted, from the pixels."""
    grey = np.asarray(Image.open(path).convert("L"), np.float32)[10:22].mean(0)
    columns = np.convolve(grey, np.ones(16), "valid")
    return round(int(columns.argmax()) / 2)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six seconds of ten frames; of each ten, all but one are out of focus: frames 3, 13, 23, ... are sharp."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed: no videos")
    path = tmp_path_factory.mktemp("film") / "walk.mp4"
    stream = imageio_ffmpeg.write_frames(str(path), (WIDTH, HEIGHT), fps=RATE, quality=10, macro_block_size=16)
    stream.send(None)
    for number in range(60):
        image = picture(number)
        blurred = image if number % 10 == 3 else image.filter(ImageFilter.GaussianBlur(3))
        stream.send(np.asarray(blurred))
    stream.close()
    return path


def test_of_each_stretch_the_sharpest_frame_is_taken(run, film):
    ran = run("frames", film, count=6)
    assert ran.process.returncode == 0, ran.process.stderr
    report = json.loads(ran.file("frames.json").read_text())
    assert [entry["frame"] for entry in report["frames"]] == [3, 13, 23, 33, 43, 53]
    assert [number_in(ran.file("images/" + entry["file"])) for entry in report["frames"]] == [3, 13, 23, 33, 43, 53]
    assert [entry["seconds"] for entry in report["frames"]] == pytest.approx([0.3, 1.3, 2.3, 3.3, 4.3, 5.3])
    assert ran.outputs("photograph") == ["images/%06d.jpg" % number for number in range(1, 7)]
    assert ran.result.metrics["frames"] == 6
    assert Image.open(ran.file("frames.png")).width > 1000


def test_a_stretch_without_a_sharp_frame_gives_none(run, film):
    ran = run("frames", film, by="every", every=5, blur_limit=0.5)
    report = json.loads(ran.file("frames.json").read_text())
    # every second stretch of five holds no sharp frame; their medians lie between the two kinds
    assert [entry["frame"] for entry in report["frames"]] == [3, 13, 23, 33, 43, 53]
    assert len(report["blurred"]) == 6
    assert ran.result.metrics["blurred"] == 6


def test_by_time_from_and_to_and_the_middle_frame(run, film):
    ran = run("frames", film, by="per_second", per_second=2, sharpest=False, blur_limit=0, start=1, end=3, form="png")
    report = json.loads(ran.file("frames.json").read_text())
    assert [entry["seconds"] for entry in report["frames"]] == pytest.approx([1.2, 1.7, 2.2, 2.7])
    assert [number_in(ran.file("images/" + entry["file"])) for entry in report["frames"]] == [12, 17, 22, 27]


def test_larger_pictures_are_made_smaller(run, film):
    ran = run("frames", film, count=3, maximum_size=80)
    assert {Image.open(ran.file(name)).size for name in ran.outputs("photograph")} == {(80, 48)}


def test_no_video_and_no_frame_are_told_before_anything_else(run, film, tmp_path):
    (tmp_path / "words.mp4").write_text("no video")
    ran = run("frames", tmp_path / "words.mp4")
    assert ran.process.returncode == 78
    assert "words.mp4 cannot be read as a video" in ran.state.message
    ran = run("frames", film, start=60)
    assert ran.process.returncode == 78
    assert "lasts 6.0 s" in ran.state.message


def photograph(folder, name, turned=False, size=(WIDTH, HEIGHT)):
    """A photograph with a red left half as shown; `turned`: taken with the camera on its side."""
    shown = Image.new("RGB", size, (0, 0, 255))
    shown.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    if turned:
        exif[0x0112] = TURNED_LEFT
        shown = shown.transpose(Image.Transpose.ROTATE_270)  # the viewer turns it back by 90
    folder.mkdir(exist_ok=True)
    shown.save(folder / name, exif=exif, quality=95)


def test_photographs_stand_upright_and_keep_what_the_camera_said(run, tmp_path):
    photograph(tmp_path / "photos", "a.jpg")
    photograph(tmp_path / "photos", "b.jpg", turned=True)
    photograph(tmp_path / "photos", "c.png")
    ran = run("frames", tmp_path / "photos")
    assert ran.process.returncode == 0, ran.process.stderr
    assert ran.outputs("photograph") == ["images/a.jpg", "images/b.jpg", "images/c.png"]
    for name in ran.outputs("photograph"):
        image = Image.open(ran.file(name))
        assert image.size == (WIDTH, HEIGHT)
        assert ImageOps.exif_transpose(image).size == (WIDTH, HEIGHT)
        red = np.asarray(image.convert("RGB"))[:, 10]
        assert red[:, 0].min() > 200, "the red half is on the left"
        assert red[:, 2].max() < 60
        assert image.getexif()[0x0110] == "Camera"
    assert ran.file("images/a.jpg").read_bytes() == (tmp_path / "photos" / "a.jpg").read_bytes()


def test_masks_come_along_turned_as_their_photographs(run, tmp_path):
    photos, masks = tmp_path / "photos" / "images", tmp_path / "photos" / "masks"
    (tmp_path / "photos").mkdir()
    masks.mkdir()
    photograph(photos, "a.jpg", turned=True)
    photograph(photos, "b.jpg", turned=True)
    photograph(photos, "c.jpg")
    shown = Image.new("L", (WIDTH, HEIGHT))
    shown.paste(255, (0, 0, 20, HEIGHT))
    shown.save(masks / "a.png")  # painted over what a viewer shows
    shown.transpose(Image.Transpose.ROTATE_270).save(masks / "b.jpg.png")  # made from the file's raw pixels
    ran = run("frames", tmp_path / "photos", maximum_size=80)
    assert ran.outputs("mask") == ["masks/a.jpg.png", "masks/b.jpg.png"]
    for name in ran.outputs("mask"):
        mask = np.asarray(Image.open(ran.file(name)))
        assert mask.shape == (48, 80)
        assert mask[:, :9].min() > 200
        assert mask[:, 11:].max() < 60


def test_a_mask_of_another_size_is_refused_by_name(run, tmp_path):
    photograph(tmp_path / "photos", "a.jpg")
    (tmp_path / "photos" / "masks").mkdir()
    Image.new("L", (10, 10)).save(tmp_path / "photos" / "masks" / "a.png")
    ran = run("frames", tmp_path / "photos")
    assert ran.process.returncode == 78
    assert "a.png is 10 x 10, its photograph 160 x 96" in ran.state.message


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: (folder / "notes.txt").write_text("x"), "no photograph is in this folder"),
        (lambda folder: (folder / "a.jpg").write_bytes(b"\xff\xd8 torn"), "a.jpg cannot be read"),
        (lambda folder: [photograph(folder, "a.jpg"), photograph(folder, "a.png")], "the same name"),
    ],
)
def test_what_is_wrong_with_photographs_is_told(run, tmp_path, make, told):
    (tmp_path / "photos").mkdir()
    make(tmp_path / "photos")
    ran = run("frames", tmp_path / "photos")
    assert ran.process.returncode == 78
    assert told in ran.state.message


def test_stretches_cover_all_frames_once():
    for total, length in ((10, 2.5), (7, 3), (5, 9), (1, 0.2), (100, 33.4)):
        cut = selection.stretches(total, length)
        assert [index for first, end in cut for index in range(first, end)] == list(range(total))
    assert len(selection.stretches(1799, selection.length_of_stretch("count", 150, 1799, 30.0))) == 150


def test_sharpness_falls_with_blur_and_is_measured_among_neighbours():
    image = picture(0).convert("L")
    values = [sharpness.of(np.asarray(image.filter(ImageFilter.GaussianBlur(r)))) for r in (0, 0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 4 * values[3]
    assert sharpness.relative([8.0] * 20 + [2.0]).tolist() == [1.0] * 20 + [0.25]

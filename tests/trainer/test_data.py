"""The photographs as tensors: premultiplied, averaged over areas, in the trainer's axes."""

import json
import shutil

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

import topforge_capture
from topforge.errors import TopForgeError
from topforge_train.views.data import build_pyramid, load_images

NEAR_FAR = (0.1, 1000.0)


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_pyramid_levels_are_averages_of_areas():
    images = random(3, 16, 24, 4)
    pyramid = build_pyramid(images, 3)
    assert [tuple(level.shape) for level in pyramid] == [(3, 16, 24, 4), (3, 8, 12, 4), (3, 4, 6, 4)]
    for level, factor in zip(pyramid, (1, 2, 4)):
        assert level.dtype == torch.float16
        for row, column in ((0, 0), (1, 3), (3, 5)):
            area = images[:, row * factor : (row + 1) * factor, column * factor : (column + 1) * factor].mean((1, 2))
            assert torch.allclose(level[:, row, column].float(), area, atol=5e-4)


def test_an_odd_size_ends_the_pyramid():
    assert len(build_pyramid(random(1, 12, 20, 4), 5)) == 3  # 12 x 20, 6 x 10, 3 x 5
    assert len(build_pyramid(random(1, 15, 20, 4), 5)) == 1


def test_a_lamp_brighter_than_half_precision_stays_a_number():
    images = torch.full((1, 4, 4, 4), 1e6)
    assert all(torch.isfinite(level).all() for level in build_pyramid(images, 2))


@pytest.fixture(scope="module")
def loaded(tiny_capture):
    return load_images(tiny_capture, "train", NEAR_FAR)


def test_targets_are_premultiplied_linear_colour_and_alpha(loaded, tiny_capture):
    views = topforge_capture.read(tiny_capture, "train").views
    straight = np.stack([topforge_capture.load_image(view) for view in views])
    index = torch.tensor([7, 0])
    targets = loaded.targets(index)
    assert targets.dtype == torch.float32
    expected = straight[[7, 0]]
    np.testing.assert_allclose(targets[..., 3], expected[..., 3], atol=5e-4)
    np.testing.assert_allclose(targets[..., :3], expected[..., :3] * expected[..., 3:], atol=5e-4)
    edge = (expected[..., 3] > 0.2) & (expected[..., 3] < 0.8)
    assert edge.any()  # the difference between straight and premultiplied is tested, not assumed
    assert np.abs(targets[..., :3].numpy() - expected[..., :3])[edge].max() > 0.05


def test_a_coarser_target_is_the_average_of_premultiplied_colours(loaded):
    """Averaging straight colours would bleed the background's into the silhouette."""
    fine, coarse = loaded.targets(torch.tensor([3])), loaded.targets(torch.tensor([3]), 1)
    mean = fine.reshape(1, 24, 2, 24, 2, 4).mean((2, 4))
    assert torch.allclose(coarse, mean, atol=1e-3)


def test_the_set_knows_its_size_names_and_cameras(loaded):
    assert len(loaded) == 12
    assert len(set(loaded.names)) == 12
    assert loaded.resolution == (48, 48)
    assert loaded.fov_y.dtype == loaded.camera_to_world.dtype == loaded.centre.dtype == torch.float64
    assert torch.allclose(loaded.cameras.eye, loaded.camera_to_world[:, :3, 3].float())
    assert loaded.camera_to_world[:, 1, 3].max() > 3  # the file's z-up has become y-up: the highest camera is high in y


def test_the_object_is_where_the_cameras_see_it(loaded):
    """The centre of the large ball, at the origin, projects into the mask of every view."""
    clip = loaded.cameras.project(torch.zeros(1, 3))[:, 0]
    column = ((clip[:, 0] / clip[:, 3] + 1) * 24).long()
    row = ((clip[:, 1] / clip[:, 3] + 1) * 24).long()
    alpha = loaded.targets(torch.arange(12))[torch.arange(12), row, column, 3]
    assert alpha.min() > 0.99


@pytest.fixture
def copied(tiny_capture, tmp_path):
    """A capture to spoil."""
    return shutil.copytree(tiny_capture, tmp_path / "capture")


def test_photographs_of_different_sizes_are_refused_by_name(copied):
    file = copied / "train" / "r_05.png"
    imageio.imwrite(file, imageio.imread(file)[:40, :44])
    with pytest.raises(TopForgeError, match=r"r_05.png is 44 x 40 pixels, .* 48 x 48") as caught:
        load_images(copied, "train", NEAR_FAR)
    assert caught.value.exit_code == 78


def test_a_photograph_with_nan_is_refused_by_name(tiny_capture, monkeypatch):
    """As renderers write them into EXR files; one bad pixel would spoil every parameter at once."""
    load_image = topforge_capture.load_image

    def spoilt(view):
        pixels = load_image(view)
        if view.name == "r_05":
            pixels[3, 4, 1] = np.nan
        return pixels

    monkeypatch.setattr(topforge_capture, "load_image", spoilt)
    with pytest.raises(TopForgeError, match=r"r_05.png: 1 pixels are not finite"):
        load_images(tiny_capture, "train", NEAR_FAR)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_training_at_a_whole_part_of_the_size(tiny_capture, loaded, factor):
    """Averages over areas; the cameras stay what they are, for they know angles and not pixels."""
    side = 48 // factor
    reduced = load_images(tiny_capture, "train", NEAR_FAR, size=(side, side))
    assert reduced.resolution == (side, side)
    everyone = torch.arange(12)
    fine = loaded.targets(everyone).reshape(12, side, factor, side, factor, 4).mean((2, 4))
    assert torch.allclose(reduced.targets(everyone), fine, atol=2e-3)
    assert torch.equal(reduced.cameras.world_to_clip, loaded.cameras.world_to_clip)


@pytest.mark.parametrize("size", [(40, 40), (96, 96), (48, 24), (24, 48)])
def test_another_size_is_refused_with_those_that_work(tiny_capture, size):
    with pytest.raises(TopForgeError, match=r"train_res") as caught:
        load_images(tiny_capture, "train", NEAR_FAR, size=size)
    assert "[48, 48] or [24, 24] or [16, 16]" in caught.value.fix


def test_a_split_without_frames_is_refused(copied):
    (copied / "transforms_train.json").write_text(json.dumps({"camera_angle_x": 0.7, "frames": []}))
    with pytest.raises(TopForgeError, match="frames"):
        load_images(copied, "train", NEAR_FAR)

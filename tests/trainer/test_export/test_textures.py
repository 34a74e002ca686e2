"""Delivered textures: normal maps with 16 bits, and another size than trained."""

import dataclasses

import mitsuba
import numpy as np
import pytest
import torch

from topforge_train.deliver import resampled
from topforge_train.export import images, write_delivery


@pytest.fixture(autouse=True, scope="module")
def reader():
    mitsuba.set_variant("scalar_rgb")


def stored(path):
    """Pixels as an independent reader has them, [H, W, 3] in the file's own type."""
    return np.array(mitsuba.Bitmap(str(path)))


def test_normals_with_16_bits_are_finer(asset, tmp_path):
    write_delivery(tmp_path, dataclasses.replace(asset, normal_bits=16))
    fine, coarse = stored(tmp_path / "textures/normal.png"), stored(tmp_path / "mesh/texture_n.png")
    assert (fine.dtype, coarse.dtype) == (np.uint16, np.uint8)
    np.testing.assert_allclose(fine / 65535 * 2 - 1, asset.normal_map, atol=1.01 / 65535)
    np.testing.assert_allclose(coarse / 255 * 2 - 1, asset.normal_map, atol=1.01 / 255)


def test_png_16_keeps_every_value(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), np.uint16)
    (tmp_path / "noise.png").write_bytes(images.png_16(pixels))
    np.testing.assert_array_equal(stored(tmp_path / "noise.png"), pixels)


def test_smaller_textures_are_means_and_larger_ones_pass_through_them():
    texels = torch.rand(8, 8, 9, generator=torch.Generator().manual_seed(0))
    assert resampled(texels, 8) is texels
    torch.testing.assert_close(resampled(texels, 4).mean((0, 1)), texels.mean((0, 1)), atol=0.05, rtol=0)
    ramp = torch.linspace(0, 1, 8)[:, None, None].expand(8, 8, 1)
    torch.testing.assert_close(resampled(ramp, 4)[1:3, 0, 0], torch.tensor([2.5, 4.5]) / 7)
    larger = resampled(ramp, 16)[4:12, 0, 0]
    torch.testing.assert_close(larger.diff(), torch.full((7,), 0.5 / 7))

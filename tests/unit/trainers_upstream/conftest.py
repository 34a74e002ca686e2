"""Checkouts, captures and meshes as upstream trainers read them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fakes"))

import nvdiffmodeling as fake_nvdiffmodeling
import nvdiffrec as fake_nvdiffrec
from upstream_runs import GREY_LIGHT, MATRIX, Run, write_poses, write_transforms

from topforge.items import Needs


@pytest.fixture
def nvdiffrec_checkout(tmp_path):
    return fake_nvdiffrec.make_checkout(tmp_path / "nvdiffrec")


@pytest.fixture
def nvdiffmodeling_checkout(tmp_path):
    return fake_nvdiffmodeling.make_checkout(tmp_path / "nvdiffmodeling")


@pytest.fixture
def nerf(tmp_path):
    """Two photographs for training and two held out, 16 high and 24 wide, with alpha."""
    folder = tmp_path / "nerf"
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        for number in range(2):
            fake_nvdiffrec.png(folder / split / ("r_%d.png" % number), (16, 24), (200, 100, 50), alpha=255)
        frames = [{"file_path": "./%s/r_%d" % (split, number), "transform_matrix": MATRIX} for number in range(2)]
        write_transforms(folder, split, {"camera_angle_x": 0.7, "frames": frames})
    return folder


@pytest.fixture
def llff(tmp_path):
    folder = tmp_path / "llff"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
        for number in range(2):
            fake_nvdiffrec.png(folder / part / ("%03d.png" % number), (16, 24))
    write_poses(folder, 2)
    return folder


@pytest.fixture
def mesh(tmp_path):
    """A mesh reference with all its files."""
    folder = tmp_path / "mesh"
    folder.mkdir()
    fake_nvdiffrec.write_mesh(folder / "thing.obj", "thing", kind="constants")
    return folder / "thing.obj"


@pytest.fixture
def light(tmp_path):
    path = tmp_path / "light.hdr"
    path.write_bytes(GREY_LIGHT)
    return path


@pytest.fixture
def make_run(tmp_path):
    def make(adapter, dataset, needs=None, **config):
        return Run(tmp_path, adapter, dataset, config, needs or Needs(gpus=1))

    return make

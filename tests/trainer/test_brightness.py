"""No term of either pass prefers dark surfaces in a bright light to bright ones in a dim light."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

from small_training import SMALL

from topforge_train.__main__ import open_session, parse, run_volume_pass
from topforge_train.surface_pass import SurfacePass
from topforge_train.volume_pass import VolumePass

BESIDE_THE_IMAGE = ("smoothness", "gloss", "visibility")
"""Terms of the material; the image's own must change where the light does not."""


@pytest.fixture
def session(tmp_path, tiny_capture):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**SMALL, "iter": 3}))
    names = {
        "config": config,
        "dataset": tiny_capture,
        "output": tmp_path,
        "checkpoints": tmp_path,
        "previews": tmp_path,
    }
    return open_session(parse([word for key, value in names.items() for word in ("--" + key, str(value))]))


def terms(training):
    """The material's terms of one late iteration: all weights have risen by then."""
    found = training.losses(training.draw(1000, 0.9)).terms()
    return {name: found[name].item() for name in BESIDE_THE_IMAGE}


def test_pass_1_has_no_favourite_brightness(session):
    volume = VolumePass(session)
    with torch.no_grad():
        volume.material.table.add_(torch.rand(volume.material.table.shape, generator=torch.Generator().manual_seed(4)))
    bright = terms(volume)
    assert bright["smoothness"] > 1e-4
    volume.material.limits.maximum[:3] *= 0.5
    assert terms(volume) == pytest.approx(bright, rel=1e-4)


def test_pass_2_has_no_favourite_brightness(session):
    surface = SurfacePass(session, run_volume_pass(session, None))
    texels = surface.material.texels
    with torch.no_grad():
        texels[..., :3] = 0.2 + 0.6 * torch.rand(texels[..., :3].shape, generator=torch.Generator().manual_seed(4))
    bright = terms(surface)
    assert bright["smoothness"] > 1e-4
    with torch.no_grad():
        texels[..., :3] *= 0.5
    assert terms(surface) == pytest.approx(bright, rel=1e-4)

"""The config files that come with nvdiffrec, as its adapter's presets know them, are accepted as they are."""

import pytest

from topforge import schema
from topforge.trainers.builtin import ADAPTER
from topforge.trainers.builtin_options import BuiltinOptions
from topforge.trainers.nvdiffrec_options import PRESETS

CONFIGS = {name: {**values, "out_dir": name} for name, values in PRESETS.items()}
"""A preset leaves out what has no effect: the folder, which an item has of its own, and mip levels that never train."""
CONFIGS["nerf_mic"]["custom_mip"] = True


@pytest.fixture
def data(tmp_path):
    """The files that the configs name, as small as they can be."""
    for name in ("bob/bob_tri", "spot/spot"):
        mesh = tmp_path / "data" / (name + ".obj")
        mesh.parent.mkdir(parents=True)
        mesh.write_text(
            "mtllib plain.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nusemtl a\n"
            "f 1/1/1 2/2/1 3/3/1\n"
        )
        (mesh.parent / "plain.mtl").write_text("newmtl a\nKd 0.5 0.5 0.5\nKs 0 0.5 0\n")
    (tmp_path / "data/spot/metal.mtl").write_text("newmtl a\nbsdf pbr\nKd 0.5 0.5 0.5\nKs 0 0.25 1\n")
    light = tmp_path / PRESETS["spot"]["envmap"]
    light.parent.mkdir()
    light.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n" + bytes([128, 128, 128, 129]) * 2)
    return tmp_path


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_of_nvdiffrec_is_accepted(name, data):
    config = {
        key: str(data / value) if isinstance(value, str) and value.startswith("data/") else value
        for key, value in CONFIGS[name].items()
    }
    ADAPTER.validate(schema.from_json(BuiltinOptions, config, name + ".json"), config["ref_mesh"])
